"""StoreService: the embedded store over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from onegenie.error.v1.reasons import SdkReason
from onegenie.store.v1 import store_pb2, store_pb2_grpc

from core.shop.catalogue.embedded import EmbeddedStore, EmbeddedStores
from core.shop.catalogue.picture_address import MUST_BE, is_picture_address
from edge.reply.errors import ApiError, FieldViolation, invalid

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

    async def PutSignage(
        self, request: store_pb2.PutSignageRequest, context: Any
    ) -> store_pb2.PutSignageResponse:
        signage = request.signage
        if problems := _problems(signage):
            raise invalid(*problems)
        signage_id = UUID(signage.id) if signage.id else None
        return store_pb2.PutSignageResponse(
            signage=await self._store.put_signage(signage_id, signage)
        )

    async def DeleteSignage(
        self, request: store_pb2.DeleteSignageRequest, context: Any
    ) -> store_pb2.DeleteSignageResponse:
        signage_id = _uuid(request.id)
        if signage_id is None or not await self._store.delete_signage(signage_id):
            raise _no_signage()
        return store_pb2.DeleteSignageResponse()

    async def ListSlides(
        self, request: store_pb2.ListSlidesRequest, context: Any
    ) -> store_pb2.ListSlidesResponse:
        return store_pb2.ListSlidesResponse(slides=await self._store.slides(request.signage_id))

    async def PutSlides(
        self, request: store_pb2.PutSlidesRequest, context: Any
    ) -> store_pb2.PutSlidesResponse:
        problems = [
            FieldViolation(f"slides[{index}].image_url", MUST_BE)
            for index, slide in enumerate(request.slides)
            if slide.image_url and not is_picture_address(slide.image_url)
        ]
        if problems:
            raise invalid(*problems)
        signage_id = _uuid(request.signage_id)
        if signage_id is None:
            raise _no_signage()
        slides = await self._store.put_slides(signage_id, request.slides)
        if slides is None:
            raise _no_signage()
        return store_pb2.PutSlidesResponse(slides=slides)

    async def PutSignageEvent(
        self, request: store_pb2.PutSignageEventRequest, context: Any
    ) -> store_pb2.PutSignageEventResponse:
        event = request.signage_event
        problems = []
        if event.id < 0:
            problems.append(FieldViolation("signage_event.id", "must be at least 0"))
        if not event.title:
            problems.append(FieldViolation("signage_event.title", "is required"))
        if event.image_url and not is_picture_address(event.image_url):
            problems.append(FieldViolation("signage_event.image_url", MUST_BE))
        if problems:
            raise invalid(*problems)
        return store_pb2.PutSignageEventResponse(
            signage_event=await self._store.put_signage_event(event)
        )

    async def DeleteSignageEvent(
        self, request: store_pb2.DeleteSignageEventRequest, context: Any
    ) -> store_pb2.DeleteSignageEventResponse:
        if not await self._store.delete_signage_event(request.id):
            raise ApiError(SdkReason.NOT_FOUND, "There is no such signage event.")
        return store_pb2.DeleteSignageEventResponse()

    async def ReportTrigger(
        self, request: store_pb2.ReportTriggerRequest, context: Any
    ) -> store_pb2.ReportTriggerResponse:
        await self._store.report_trigger(request)
        return store_pb2.ReportTriggerResponse()


def _problems(signage: store_pb2.Signage) -> list[FieldViolation]:
    """What is wrong with a signage. The contract can't say: it is a reply as well."""
    checks = {
        "id": ("must be a UUID", not signage.id or _uuid(signage.id) is not None),
        "number": ("must be at least 1", signage.number >= 1),
        "name": ("is required", signage.name != ""),
        "location": ("is required", signage.HasField("location")),
        "location.radius": ("must be at least 0", signage.location.radius >= 0),
        "orientation": (
            "must be one of portrait, landscape",
            signage.orientation in ("portrait", "landscape"),
        ),
    }
    return [
        FieldViolation(f"signage.{name}", message)
        for name, (message, right) in checks.items()
        if not right
    ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _no_signage() -> ApiError:
    return ApiError(SdkReason.NOT_FOUND, "There is no such signage.")


def _after(page_token: str) -> int:
    if not page_token:
        return 0
    if page_token.isascii() and page_token.isdigit() and len(page_token) < 19:
        return int(page_token)
    raise invalid(FieldViolation("page_token", "is not the next_page_token of an earlier reply"))
