"""ListEvents: pages of a tenant's stored events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.platform.database import Database
from core.platform.paging import make_token, read_token
from core.shop.staff.staff_event import StaffEvent, staff_events
from core.shop.tenants.sql import Caller
from core.shop.trigger import sql as triggers

LIST_PAGE = 100
# A page is no larger, but for the event that makes it so: gRPC clients take 4 MiB.
LIST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ListEvents:
    """Which events are wanted; no kinds means all, a page_size of 0 LIST_PAGE."""

    kinds: Sequence[str]
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, newest first, and the token of the next page; empty on the last one."""

    events: Sequence[StaffEvent]
    next_page_token: str


async def list_events(database: Database, caller: Caller, command: ListEvents) -> EventPage:
    """Return a page of events, newest first; of large ones fewer than asked for.

    Raises INVALID_REQUEST for a page token that was not given out.
    """
    size = command.page_size or LIST_PAGE
    before = read_token(command.page_token)
    page = await triggers.list_events(
        database, caller.tenant_id, before, kinds=command.kinds, limit=size
    )
    events: list[StaffEvent] = []
    more, page_bytes = page.more, 0
    for row, event in zip(page.rows, staff_events(page.rows), strict=True):
        page_bytes += event.ByteSize()
        if events and page_bytes > LIST_BYTES:
            more = True
            break
        events.append(event)
        last = row.sequence
    return EventPage(events, make_token(last) if more else "")
