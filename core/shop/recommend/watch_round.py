"""WatchRound: a round's state at once, then after every change, until it is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from onegenie.error.v1.reasons import SdkReason
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.platform.database import Database
from core.platform.events import Changes
from core.shop.recommend import sql
from core.shop.recommend.pipeline import round_topic
from core.shop.recommend.snapshot import CouponSpots, fill_round
from core.shop.recommend.state import is_over, version
from core.shop.tenants.sql import Caller
from edge.reply.errors import ApiError

# A notification may be lost with a connection: the row is read again this often in any case.
REREAD_SECONDS = 5.0


async def watch_round(
    database: Database,
    changes: Changes,
    spots: CouponSpots,
    stopping: asyncio.Event,
    caller: Caller,
    request: pb.WatchRoundRequest,
) -> AsyncGenerator[pb.WatchRoundResponse]:
    """Send each version of the round later than the one the caller has seen. Raises NOT_FOUND.

    Changes that come faster than the caller reads are sent as one, the latest. When the server
    stops, the stream ends early; the caller resumes it elsewhere.
    """
    seen = request.after_version if request.HasField("after_version") else 0
    with changes.watch(round_topic(request.round_id.lower())) as changed:
        while True:
            changed.clear()
            row = await sql.read_round(
                database, caller, request.profile_id, request.chat_id, request.round_id
            )
            if row is None:
                raise ApiError(SdkReason.NOT_FOUND, "There is no such round.")
            current = version(row.status, row.steps_done)
            # A version that is yet to come can't have been seen.
            seen = min(seen, current)
            if current > seen:
                seen = current
                response = pb.WatchRoundResponse(version=current, event="round")
                fill_round(response.round, row, await spots.read(caller.tenant_id))
                yield response
            if is_over(row.status) or stopping.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REREAD_SECONDS):
                    await changed.wait()
