"""The store port: what onegenie asks of a tenant's store."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from onegenie.store.v1 import store_pb2


class StoreUnavailable(Exception):
    """The store can't be asked just now. The message is safe to show a client."""


class Store(Protocol):
    """One tenant's store. Every method may raise StoreUnavailable."""

    async def search_products(
        self, queries: Sequence[store_pb2.ProductQuery], limit: int = 10
    ) -> list[list[store_pb2.Product]]:
        """For each query the products that can serve it, best first, those in
        stock before those that are not; one list per query, in their order."""
        ...

    async def get_products(self, ids: Sequence[int]) -> list[store_pb2.Product]:
        """Products by id in the order asked for; an unknown id is left out."""
        ...

    async def list_products(self) -> list[store_pb2.Product]:
        """The whole catalogue by id."""
        ...

    async def sections(self) -> list[store_pb2.Section]:
        """Sections by code."""
        ...

    async def coupon_spots(self) -> list[store_pb2.CouponSpot]:
        """Coupon spots by spot_no. Asked at every poll. The messages may be
        shared between callers: don't change them."""
        ...

    async def signage(self) -> list[store_pb2.Signage]:
        """Signage by number. The messages may be shared between callers: don't
        change them."""
        ...

    async def slides(self, signage_id: str) -> list[store_pb2.Slide]:
        """What a signage shows while nobody is near, by position; none when
        there is no such signage. The messages may be shared."""
        ...

    async def signage_events(self) -> list[store_pb2.SignageEvent]:
        """Signage events by id, enabled or not."""
        ...

    async def report_trigger(self, request: store_pb2.ReportTriggerRequest) -> None:
        """Tell the store that a shopper came near a signage or left it. The
        same trigger_id again does nothing new."""
        ...


class Stores(Protocol):
    """Finds a tenant's store."""

    def of(self, tenant_id: UUID) -> Store:
        """The tenant's store; opens nothing and never fails."""
        ...
