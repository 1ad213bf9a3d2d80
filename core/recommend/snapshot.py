"""What polls and streams show of a round: its row and the store's coupon spots, put together.

A serialised message is the concatenation of its parts (protobuf: "Updating By Merging"), so each
step appends its bytes to the row and a poll only joins and parses them once.
"""

from __future__ import annotations

import asyncio
import uuid

import structlog
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.recommend.offers import coupon_spot_items
from core.recommend.state import state_part
from core.recommend.store import RoundRow
from core.store.port import Stores

log = structlog.get_logger(__name__)

COUPON_SPOT_SECONDS = 0.5


class CouponSpots:
    """The coupon spots of each tenant's store, asked for at every poll."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._last: dict[uuid.UUID, tuple[object, bytes]] = {}

    async def part(self, tenant_id: uuid.UUID) -> bytes:
        """The part of a serialised Round that holds the spots.

        A store that fails or takes over half a second leaves the last good answer, else none.
        """
        last = self._last.get(tenant_id, (None, b""))
        try:
            async with asyncio.timeout(COUPON_SPOT_SECONDS):
                spots = await self._stores.of(tenant_id).coupon_spots()
        except Exception as error:
            log.warning("coupon_spots_failed", error=f"{type(error).__name__}: {error}")
            return last[1]
        if spots is not last[0]:
            items = coupon_spot_items(spots)
            notifications = pb.Notifications(coupon_spot=items)
            last = (spots, pb.Round(notifications=notifications).SerializeToString())
            self._last[tenant_id] = last
        return last[1]


def fill_round(message: pb.Round, row: RoundRow, spots: bytes) -> pb.Round:
    """Fill an empty Round from its row and the coupon spots' part."""
    message.ParseFromString(state_part(row.status, row.steps_done) + row.results + spots)
    message.round_no = row.round_no
    message.round_id = str(row.id)
    message.prompt = row.prompt
    message.created_at.FromDatetime(row.created_at)
    message.updated_at.FromDatetime(row.updated_at)
    if row.last_error is not None:
        message.last_error = row.last_error
    return message
