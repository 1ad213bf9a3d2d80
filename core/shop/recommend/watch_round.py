"""WatchRound: a round's state at once, then after every change, until it is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from core.platform.runtime import Runtime
from core.shop.recommend.coupon_spots import CouponSpots
from core.shop.recommend.get_round import existing_round
from core.shop.recommend.pipeline import round_topic
from core.shop.recommend.snapshot import Snapshot
from core.shop.recommend.sql import RoundIds
from core.shop.recommend.state import is_over, version
from core.shop.tenants.sql import Caller

# A notification may be lost with a connection: the row is read again this often in any case.
REREAD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WatchRound:
    """Which round, and the latest version of it that the caller has seen; 0 for none."""

    ids: RoundIds
    after_version: int


@dataclass(frozen=True, slots=True)
class WatchedRound:
    """A version of the round. Versions are counted from 1."""

    version: int
    snapshot: Snapshot


async def watch_round(
    runtime: Runtime, spots: CouponSpots, caller: Caller, command: WatchRound
) -> AsyncGenerator[WatchedRound]:
    """Yield each version of the round later than the one the caller has seen. Raises NOT_FOUND.

    Changes that come faster than the caller reads are sent as one, the latest. When the server
    stops, the stream ends early; the caller resumes it elsewhere.
    """
    seen = command.after_version
    with runtime.changes.watch(round_topic(command.ids.round_id.lower())) as changed:
        while True:
            changed.clear()
            row = await existing_round(runtime.database, caller, command.ids)
            current = version(row.status, row.steps_done)
            # A version that is yet to come can't have been seen.
            seen = min(seen, current)
            if current > seen:
                seen = current
                yield WatchedRound(current, Snapshot(row, await spots.read(caller.tenant_id)))
            if is_over(row.status) or runtime.stopping.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REREAD_SECONDS):
                    await changed.wait()
