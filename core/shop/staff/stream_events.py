"""The tenant's live view: events as they are stored, and pages of those that were."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Iterator

from google.protobuf import struct_pb2
from onegenie.error.v1.reasons import SdkReason
from onegenie.tenant.v1 import tenant_pb2 as pb

from core.platform.database import Database
from core.platform.paging import make_token, read_token
from core.platform.plain import fill
from core.platform.runtime import Runtime
from core.shop.tenants import sql
from core.shop.tenants.sql import Caller
from core.shop.trigger import sql as triggers
from core.shop.trigger.sql import StoredEvent
from edge.reply.errors import ApiError

# Events read at a time: what a reader that has fallen behind costs in memory.
STREAM_PAGE = 200
LIST_PAGE = 100
# A reply is no larger, but for the event that makes it so: gRPC clients take 4 MiB.
LIST_BYTES = 1 << 20
# A notification may be lost with a connection, and a key revoked: both are looked for this often.
# It is also the longest silence between two messages.
REREAD_SECONDS = 4.0


async def stream_events(
    runtime: Runtime, caller: Caller, request: pb.StreamEventsRequest
) -> AsyncGenerator[pb.StreamEventsResponse]:
    """Send each event after the one the caller has seen, or from now on, until the server stops.

    A heartbeat tells where the stream is: at once when there is nothing else to send, and in
    every silence. Who resumes from it gets what came after, also when the stream broke before the
    first event, and passes over what the filter left out. A number that the tenant's events have
    not reached is none of ours: the stream then begins now. Raises UNAUTHORIZED when the key is
    revoked meanwhile.
    """
    database = runtime.database
    clock = asyncio.get_running_loop().time
    tenant_id, kinds = caller.tenant_id, list(request.kinds)
    with runtime.events.watch(triggers.events_topic(tenant_id)) as changed:
        latest = await triggers.latest_sequence(database, tenant_id)
        seen = latest
        if request.HasField("after_sequence"):
            seen = min(request.after_sequence, latest)
        silent, due = True, clock()
        while True:
            changed.clear()
            # Read before the events, so that all up to it are among them.
            latest = await triggers.latest_sequence(database, tenant_id)
            page = await triggers.events_after(database, tenant_id, seen, kinds, STREAM_PAGE)
            for row, event in zip(page.rows, to_events(page.rows), strict=True):
                seen, silent = row.sequence, False
                yield pb.StreamEventsResponse(sequence=seen, kind=row.kind, event=event)
            if runtime.stopping.is_set():
                return
            if clock() >= due:
                if not await sql.key_is_living(database, caller.key_id):
                    raise ApiError(SdkReason.UNAUTHORIZED)
                if silent and not page.more:
                    seen = max(seen, latest)
                    yield pb.StreamEventsResponse(sequence=seen, kind="heartbeat")
                silent, due = True, clock() + REREAD_SECONDS
            if not page.more:
                seen = max(seen, latest)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await changed.wait()


async def list_events(
    database: Database, caller: Caller, request: pb.ListEventsRequest
) -> pb.ListEventsResponse:
    """A page of stored events, newest first; of large ones fewer than asked for.

    Raises INVALID_REQUEST for a token that is none.
    """
    size = request.page_size or LIST_PAGE
    before = read_token(request.page_token)
    page = await triggers.list_events(database, caller.tenant_id, before, list(request.kinds), size)
    reply, more, reply_bytes = pb.ListEventsResponse(), page.more, 0
    for row, event in zip(page.rows, to_events(page.rows), strict=True):
        reply_bytes += event.ByteSize()
        if reply.events and reply_bytes > LIST_BYTES:
            more = True
            break
        reply.events.append(event)
        last = row.sequence
    if more:
        reply.next_page_token = make_token(last)
    return reply


def to_events(rows: Iterable[StoredEvent]) -> Iterator[pb.Event]:
    """Rows of a page of events as staff see them."""
    forgotten, holder = struct_pb2.ListValue(), None
    for row in rows:
        event = pb.Event(
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
