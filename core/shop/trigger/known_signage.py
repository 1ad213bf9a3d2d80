"""The signage of each tenant's store, also while the store can't be asked."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from cachetools import LRUCache
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Promotion, Store, Stores

log = structlog.get_logger(__name__)

# A phone waits for the answer, and the shopper is walking past the screen.
SIGNAGE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Floor:
    """A store's signage and its promotions."""

    signage: Sequence[store_pb2.Signage]
    promotions: Sequence[Promotion]

    def matched(self, round_: recommend.Round) -> list[store_pb2.Signage]:
        """Return the signage that stands where the round's ads are for; none when that is
        nowhere."""
        ad = round_.notifications.ad
        if not ad.HasField("signage"):
            return []
        place = (ad.signage.x, ad.signage.y, ad.signage.radius)
        return [
            one
            for one in self.signage
            if one.HasField("location")
            and (one.location.x, one.location.y, one.location.radius) == place
        ]


class KnownSignage:
    """What each tenant's store says now, else what it last said to this process."""

    def __init__(self, stores: Stores, kept: int = 256) -> None:
        self._stores = stores
        self._last: LRUCache[uuid.UUID, Floor] = LRUCache(kept)

    async def floor(self, tenant_id: uuid.UUID) -> Floor | None:
        """Return the tenant's floor; None when the store can't be asked and never was before.

        A store that takes over half a second counts as one that can't be asked.
        """
        try:
            async with asyncio.timeout(SIGNAGE_SECONDS):
                floor = await ask_floor(self._stores.of_tenant(tenant_id))
        except Exception as error:
            log.warning("signage_not_read", error=f"{type(error).__name__}: {error}")
            return self._last.get(tenant_id)
        self._last[tenant_id] = floor
        return floor


async def ask_floor(store: Store) -> Floor:
    """Ask what the store has now. Raises StoreUnavailable."""
    return Floor(*await asyncio.gather(store.list_signage(), store.list_promotions()))
