"""StoreService: the embedded store over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from onegenie.store.v1 import store_pb2, store_pb2_grpc

from core.store.embedded import EmbeddedStore, EmbeddedStores
from edge.errors import FieldViolation, invalid

_PAGE = 500
_MATCHES = 10


class StoreService(store_pb2_grpc.StoreServiceServicer):
    """Serves each caller the store of their tenant."""

    def __init__(self, stores: EmbeddedStores, tenant_of: Callable[[], UUID]) -> None:
        """`tenant_of` names the tenant of the call in progress."""
        self._stores = stores
        self._tenant_of = tenant_of

    @property
    def _store(self) -> EmbeddedStore:
        return self._stores.of(self._tenant_of())

    async def SearchProducts(
        self, request: store_pb2.SearchProductsRequest, context: Any
    ) -> store_pb2.SearchProductsResponse:
        found = await self._store.search_products(request.queries, request.limit or _MATCHES)
        return store_pb2.SearchProductsResponse(
            matches=[store_pb2.ProductMatches(products=products) for products in found]
        )

    async def BatchGetProducts(
        self, request: store_pb2.BatchGetProductsRequest, context: Any
    ) -> store_pb2.BatchGetProductsResponse:
        products = await self._store.get_products(request.ids)
        return store_pb2.BatchGetProductsResponse(products=products)

    async def ListProducts(
        self, request: store_pb2.ListProductsRequest, context: Any
    ) -> store_pb2.ListProductsResponse:
        size = request.page_size or _PAGE
        # One more than asked for tells whether there is another page.
        products = await self._store.products_after(_after(request.page_token), size + 1)
        page, more = products[:size], len(products) > size
        return store_pb2.ListProductsResponse(
            products=page, next_page_token=str(page[-1].id) if more else ""
        )

    async def ListSections(
        self, request: store_pb2.ListSectionsRequest, context: Any
    ) -> store_pb2.ListSectionsResponse:
        return store_pb2.ListSectionsResponse(sections=await self._store.sections())

    async def ListCouponSpots(
        self, request: store_pb2.ListCouponSpotsRequest, context: Any
    ) -> store_pb2.ListCouponSpotsResponse:
        return store_pb2.ListCouponSpotsResponse(coupon_spots=await self._store.coupon_spots())

    async def ListSignage(
        self, request: store_pb2.ListSignageRequest, context: Any
    ) -> store_pb2.ListSignageResponse:
        return store_pb2.ListSignageResponse(signage=await self._store.signage())

    async def ListSignageEvents(
        self, request: store_pb2.ListSignageEventsRequest, context: Any
    ) -> store_pb2.ListSignageEventsResponse:
        events = await self._store.signage_events()
        return store_pb2.ListSignageEventsResponse(signage_events=events)


def _after(page_token: str) -> int:
    if not page_token:
        return 0
    if page_token.isascii() and page_token.isdigit() and len(page_token) < 19:
        return int(page_token)
    raise invalid(FieldViolation("page_token", "is not the next_page_token of an earlier reply"))
