"""StreamEvents: a tenant's events as they are saved."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason

from core.platform.runtime import Runtime
from core.shop.staff.staff_event import StaffEvent, staff_events
from core.shop.tenants.sql import Caller, key_is_living
from core.shop.trigger import sql as triggers
from edge import ApiError

# Events read at a time: what a reader that has fallen behind costs in memory.
STREAM_PAGE = 200
# A notification may be lost with a connection, and a key revoked: both are looked for this often.
# It is also the longest silence between two messages.
REREAD_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class StreamEvents:
    """Which events are wanted; no kinds means all.

    after_sequence: the number of the last event seen; None begins now.
    """

    kinds: Sequence[str]
    after_sequence: int | None


@dataclass(frozen=True, slots=True)
class Streamed:
    """An event with its number, or a heartbeat, whose number says how far the stream is."""

    sequence: int
    kind: str
    event: StaffEvent | None = None


async def stream_events(
    runtime: Runtime, caller: Caller, command: StreamEvents
) -> AsyncGenerator[Streamed]:
    """Yield each event after the one the caller has seen, or from now on, until the server stops.

    A heartbeat tells where the stream is: at once when there is nothing else to send, and in
    every silence. Who resumes from it gets what came after, also when the stream broke before the
    first event, and passes over what the filter left out. A number that the tenant's events have
    not reached was never given: the stream then begins now. Raises UNAUTHORIZED when the key is
    revoked meanwhile.
    """
    database = runtime.database
    clock = asyncio.get_running_loop().time
    tenant_id = caller.tenant_id
    with runtime.changes.watch(triggers.events_topic(tenant_id)) as changed:
        latest = await triggers.latest_sequence(database, tenant_id)
        seen = latest
        if command.after_sequence is not None:
            seen = min(command.after_sequence, latest)
        silent, due = True, clock()
        while True:
            changed.clear()
            # Read before the events, so that all up to it are among them.
            latest = await triggers.latest_sequence(database, tenant_id)
            page = await triggers.events_after(
                database, tenant_id, seen, kinds=command.kinds, limit=STREAM_PAGE
            )
            for row, event in zip(page.rows, staff_events(page.rows), strict=True):
                seen, silent = row.sequence, False
                yield Streamed(seen, row.kind, event)
            if runtime.stopping.is_set():
                return
            if clock() >= due:
                if not await key_is_living(database, caller.key_id):
                    raise ApiError(SdkReason.UNAUTHORIZED)
                if silent and not page.more:
                    seen = max(seen, latest)
                    yield Streamed(seen, "heartbeat")
                silent, due = True, clock() + REREAD_SECONDS
            if not page.more:
                seen = max(seen, latest)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await changed.wait()
