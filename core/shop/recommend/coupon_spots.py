"""The coupon spots of a tenant's store, asked for at every poll and shown with every round."""

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
from core.shop.recommend.choosing.exclusions import barred, excluded_terms
from core.shop.recommend.products import describe, to_location
from core.shop.recommend.sql import RoundRow
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
    def prepare(cls, spots: Sequence[store_pb2.CouponSpot]) -> Spots:
        """Prepare the part that is the same for every shopper who may see all of the spots."""
        for spot in spots:
            _barred(spot, _NOBODYS)  # read once, remembered for the polls
        return cls(spots, _part(spots))

    def part(self, row: RoundRow) -> bytes:
        """Return the part of a serialised Round that holds the spots its shopper may see.

        None of what the chat excludes, nor of what the shopper is too young for.
        """
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
        """Read the spots of the tenant's store.

        When the store fails or takes more than COUPON_SPOT_SECONDS, its last good answer stands;
        without one there are no spots.
        """
        last = self._last.get(tenant_id, Spots())
        try:
            async with asyncio.timeout(COUPON_SPOT_SECONDS):
                spots = await self._stores.of_tenant(tenant_id).list_coupon_spots()
        except Exception as error:
            log.warning("coupon_spots_failed", error=f"{type(error).__name__}: {error}")
            return last
        if spots is not last.spots:
            # Reading names, and the vocabulary for the first time, is nothing for the loop.
            last = self._last[tenant_id] = await asyncio.to_thread(Spots.prepare, spots)
        return last


def coupon_spot_items(
    spots: Sequence[store_pb2.CouponSpot],
) -> list[pb.CouponItem]:
    """Make coupons of the store's coupon spots: by spot_no, ranked from 1, at their own places.

    Every signal of a recommendation (zone included) is unset.
    """
    items = []
    for rank, spot in enumerate(sorted(spots, key=lambda spot: spot.spot_no), 1):
        item = pb.CouponItem(type="coupon", rank=rank, discount_pct=spot.discount_value)
        if spot.HasField("location"):
            item.location.CopyFrom(to_location(spot.location))
        if spot.HasField("product_id"):
            item.item_id = spot.product_id
        if spot.HasField("product"):
            describe(item, spot.product)
        # What the coupon is for, where the spot says so itself.
        for name in ("item_name", "item_name_en"):
            if spot.HasField(name):
                setattr(item, name, getattr(spot, name))
        items.append(item)
    return items
