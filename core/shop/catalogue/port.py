"""The store port: what onegenie asks of a tenant's store."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from onegenie.store.v1 import store_pb2

# What goes on in the store, as its screens tell of it. The contract calls it a signage event;
# here an event is what a trigger leaves behind.
Promotion = store_pb2.SignageEvent


class StoreUnavailable(Exception):
    """The store can't be asked just now. The message is safe to show a client."""


class Store(Protocol):
    """One tenant's store: StoreService as messages, its methods named by its calls.

    Every method may raise StoreUnavailable.
    """

    async def search_products(
        self, queries: Sequence[store_pb2.ProductQuery], limit: int = 10
    ) -> list[list[store_pb2.Product]]:
        """Find for each query the products that can serve it, best first, those in
        stock before those that are not; one list per query, in their order."""
        ...

    async def batch_get_products(self, ids: Sequence[int]) -> list[store_pb2.Product]:
        """Return products by id in the order asked for; an unknown id is left out."""
        ...

    async def list_products(self) -> list[store_pb2.Product]:
        """Return the whole catalogue by id."""
        ...

    async def list_sections(self) -> list[store_pb2.Section]:
        """Return the sections by code."""
        ...

    async def list_coupon_spots(self) -> list[store_pb2.CouponSpot]:
        """Return the coupon spots by spot_no. Asked at every poll. The messages
        may be shared between callers: don't change them."""
        ...

    async def list_signage(self) -> list[store_pb2.Signage]:
        """Return the signage by number. The messages may be shared between
        callers: don't change them."""
        ...

    async def list_slides(self, signage_id: str) -> list[store_pb2.Slide]:
        """Return what a signage shows while nobody is near, by position; none
        when there is no such signage. The messages may be shared."""
        ...

    async def list_promotions(self) -> list[Promotion]:
        """Return the promotions by id, enabled or not (ListSignageEvents)."""
        ...

    async def report_trigger(self, request: store_pb2.ReportTriggerRequest) -> None:
        """Tell the store that a shopper came near a signage or left it. The
        same trigger_id again does nothing new."""
        ...


class Stores(Protocol):
    """Finds a tenant's store."""

    def of_tenant(self, tenant_id: UUID) -> Store:
        """The tenant's store; opens nothing and never fails."""
        ...
