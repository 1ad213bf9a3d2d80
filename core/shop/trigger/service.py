"""TriggerService: messages in, use cases, messages out."""

from __future__ import annotations

import grpc
from onegenie.trigger.v1 import trigger_pb2 as pb
from onegenie.trigger.v1 import trigger_pb2_grpc as pb_grpc

from core.platform.idempotency import IDEMPOTENCY_HEADER
from core.platform.runtime import Runtime
from core.shop.tenants.identity import caller
from core.shop.trigger.known_signage import KnownSignage
from core.shop.trigger.reports import Reports
from core.shop.trigger.trigger_item import trigger_coupon, trigger_recommend
from core.shop.trigger.trigger_signage import trigger_signage
from edge.serve.call import current_call


class TriggerService(pb_grpc.TriggerServiceServicer):
    """Serves onegenie.trigger.v1.TriggerService."""

    def __init__(self, runtime: Runtime, known: KnownSignage, reports: Reports) -> None:
        self._database = runtime.database
        self._known = known
        self._reports = reports

    async def TriggerSignage(
        self, request: pb.TriggerSignageRequest, context: grpc.aio.ServicerContext
    ) -> pb.TriggerSignageResponse:
        return await trigger_signage(
            self._database, self._known, self._reports, caller(), request, _key()
        )

    async def TriggerCoupon(
        self, request: pb.TriggerCouponRequest, context: grpc.aio.ServicerContext
    ) -> pb.TriggerCouponResponse:
        return await trigger_coupon(self._database, caller(), request, _key())

    async def TriggerRecommend(
        self, request: pb.TriggerRecommendRequest, context: grpc.aio.ServicerContext
    ) -> pb.TriggerRecommendResponse:
        return await trigger_recommend(self._database, caller(), request, _key())


def _key() -> str | None:
    return current_call.get().metadata.get(IDEMPOTENCY_HEADER)
