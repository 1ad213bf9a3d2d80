"""What polls and streams show of a round: its row and the store's coupon spots, put together.

A serialised message is the concatenation of its parts (protobuf: "Updating By Merging"), so each
step appends its bytes to the row and a poll only joins and parses them once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import structlog
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Stores
from core.shop.meal.models import Constraints
from core.shop.recommend.exclusions import barred, excluded_terms
from core.shop.recommend.offers import coupon_spot_items
from core.shop.recommend.sql import RoundRow
from core.shop.recommend.state import state_part
from edge import digits

log = structlog.get_logger(__name__)

COUPON_SPOT_SECONDS = 0.5
_NOBODYS = frozenset({"group:"})


@dataclass(frozen=True, slots=True)
class Spots:
    """A store's coupon spots, as it answered once."""

    spots: Sequence[store_pb2.CouponSpot] = ()
    everybodys: bytes = b""

    @classmethod
    def of(cls, spots: Sequence[store_pb2.CouponSpot]) -> Spots:
        """The spots with the part that is the same for every shopper who may have all of them."""
        for spot in spots:
            _barred(spot, _NOBODYS)  # read once, remembered for the polls
        return cls(spots, _part(spots))

    def part(self, row: RoundRow) -> bytes:
        """The part of a serialised Round that holds the spots that this round's shopper may see:
        none of what the chat excludes, or what the shopper is too young for."""
        if not self.spots:
            return self.everybodys
        terms = _terms(row.constraints, row.age)
        if not terms:
            return self.everybodys
        allowed = [spot for spot in self.spots if not _barred(spot, terms)]
        return self.everybodys if len(allowed) == len(self.spots) else _part(allowed)


@lru_cache(maxsize=256)
def _terms(constraints: str | None, age: int | None) -> frozenset[str]:
    # Most polls ask for the same few, and reading them takes longer than the rest of a round.
    return excluded_terms(Constraints.model_validate(digits.loads(constraints or "{}")), age)


def _barred(spot: store_pb2.CouponSpot, terms: frozenset[str]) -> bool:
    named = store_pb2.Product(name=spot.item_name, name_en=spot.item_name_en)
    return barred(spot.product, terms) or barred(named, terms)


def _part(spots: Sequence[store_pb2.CouponSpot]) -> bytes:
    notifications = pb.Notifications(coupon_spot=coupon_spot_items(spots))
    return pb.Round(notifications=notifications).SerializeToString()


class CouponSpots:
    """The coupon spots of each tenant's store, asked for at every poll."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._last: dict[uuid.UUID, Spots] = {}

    async def read(self, tenant_id: uuid.UUID) -> Spots:
        """The spots of the tenant's store.

        A store that fails or takes over half a second leaves the last good answer, else none.
        """
        last = self._last.get(tenant_id, Spots())
        try:
            async with asyncio.timeout(COUPON_SPOT_SECONDS):
                spots = await self._stores.of(tenant_id).coupon_spots()
        except Exception as error:
            log.warning("coupon_spots_failed", error=f"{type(error).__name__}: {error}")
            return last
        if spots is not last.spots:
            # Reading names, and the vocabulary for the first time, is nothing for the loop.
            last = self._last[tenant_id] = await asyncio.to_thread(Spots.of, spots)
        return last


def fill_round(message: pb.Round, row: RoundRow, spots: Spots) -> pb.Round:
    """Fill an empty Round from its row and the coupon spots."""
    message.ParseFromString(state_part(row.status, row.steps_done) + row.results + spots.part(row))
    message.round_no = row.round_no
    message.round_id = str(row.id)
    message.prompt = row.prompt
    message.created_at.FromDatetime(row.created_at)
    message.updated_at.FromDatetime(row.updated_at)
    if row.last_error is not None:
        message.last_error = row.last_error
    return message
