"""Events as a tenant's staff see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf import struct_pb2
from onegenie.tenant.v1 import tenant_pb2 as pb

from core.platform.plain import fill
from core.shop.trigger.sql import StoredTriggerEvent

# The message itself: pages are measured in its bytes, and what is free-form is made once and
# then copied.
StaffEvent = pb.Event


def staff_events(rows: Iterable[StoredTriggerEvent]) -> Iterator[StaffEvent]:
    """Show the rows of a page of events to staff."""
    forgotten, holder = struct_pb2.ListValue(), None
    for row in rows:
        event = StaffEvent(
            event_id=row.id,
            kind=row.kind,
            profile_id=str(row.profile_id),
            chat_id=str(row.chat_id),
            round_id=str(row.round_id),
            analyst_comment=row.analyst_comment,
        )
        fill(event.item, row.item)
        if row.forgotten:
            # Copying is a hundredth of making it, and a trigger may have a hundred events.
            if row.holder != holder:
                forgotten, holder = struct_pb2.ListValue(), row.holder
                fill(forgotten, row.forgotten)
            event.forgotten.CopyFrom(forgotten)
        event.created_at.FromDatetime(row.created_at)
        yield event
