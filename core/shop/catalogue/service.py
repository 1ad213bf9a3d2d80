"""StoreService: the embedded store over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from onegenie.store.v1 import store_pb2, store_pb2_grpc

from core.shop.catalogue.embedded import EmbeddedStore, EmbeddedStores
from core.shop.catalogue.list_products import list_products
from core.shop.catalogue.put_promotion import delete_promotion, put_promotion
from core.shop.catalogue.put_signage import delete_signage, put_signage
from core.shop.catalogue.put_slides import put_slides

_MATCHES = 10


class StoreService(store_pb2_grpc.StoreServiceServicer):
    """Serves each caller the store of their tenant."""

    def __init__(self, stores: EmbeddedStores, tenant_of: Callable[[], UUID]) -> None:
        """`tenant_of` names the tenant of the call in progress."""
        self._stores = stores
        self._tenant_of = tenant_of

    @property
    def _store(self) -> EmbeddedStore:
        return self._stores.of_tenant(self._tenant_of())

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
        products = await self._store.batch_get_products(request.ids)
        return store_pb2.BatchGetProductsResponse(products=products)

    async def ListProducts(
        self, request: store_pb2.ListProductsRequest, context: Any
    ) -> store_pb2.ListProductsResponse:
        page = await list_products(self._store, request.page_size, request.page_token)
        return store_pb2.ListProductsResponse(
            products=page.products, next_page_token=page.next_page_token
        )

    async def ListSections(
        self, request: store_pb2.ListSectionsRequest, context: Any
    ) -> store_pb2.ListSectionsResponse:
        sections = await self._store.list_sections()
        return store_pb2.ListSectionsResponse(sections=sections)

    async def ListCouponSpots(
        self, request: store_pb2.ListCouponSpotsRequest, context: Any
    ) -> store_pb2.ListCouponSpotsResponse:
        spots = await self._store.list_coupon_spots()
        return store_pb2.ListCouponSpotsResponse(coupon_spots=spots)

    async def ListSignage(
        self, request: store_pb2.ListSignageRequest, context: Any
    ) -> store_pb2.ListSignageResponse:
        return store_pb2.ListSignageResponse(signage=await self._store.list_signage())

    async def ListSignageEvents(
        self, request: store_pb2.ListSignageEventsRequest, context: Any
    ) -> store_pb2.ListSignageEventsResponse:
        promotions = await self._store.list_promotions()
        return store_pb2.ListSignageEventsResponse(signage_events=promotions)

    async def PutSignage(
        self, request: store_pb2.PutSignageRequest, context: Any
    ) -> store_pb2.PutSignageResponse:
        signage = await put_signage(self._store, request.signage)
        return store_pb2.PutSignageResponse(signage=signage)

    async def DeleteSignage(
        self, request: store_pb2.DeleteSignageRequest, context: Any
    ) -> store_pb2.DeleteSignageResponse:
        await delete_signage(self._store, request.id)
        return store_pb2.DeleteSignageResponse()

    async def ListSlides(
        self, request: store_pb2.ListSlidesRequest, context: Any
    ) -> store_pb2.ListSlidesResponse:
        slides = await self._store.list_slides(request.signage_id)
        return store_pb2.ListSlidesResponse(slides=slides)

    async def PutSlides(
        self, request: store_pb2.PutSlidesRequest, context: Any
    ) -> store_pb2.PutSlidesResponse:
        slides = await put_slides(self._store, request.signage_id, request.slides)
        return store_pb2.PutSlidesResponse(slides=slides)

    async def PutSignageEvent(
        self, request: store_pb2.PutSignageEventRequest, context: Any
    ) -> store_pb2.PutSignageEventResponse:
        promotion = await put_promotion(self._store, request.signage_event)
        return store_pb2.PutSignageEventResponse(signage_event=promotion)

    async def DeleteSignageEvent(
        self, request: store_pb2.DeleteSignageEventRequest, context: Any
    ) -> store_pb2.DeleteSignageEventResponse:
        await delete_promotion(self._store, request.id)
        return store_pb2.DeleteSignageEventResponse()

    async def ReportTrigger(
        self, request: store_pb2.ReportTriggerRequest, context: Any
    ) -> store_pb2.ReportTriggerResponse:
        await self._store.report_trigger(request)
        return store_pb2.ReportTriggerResponse()
