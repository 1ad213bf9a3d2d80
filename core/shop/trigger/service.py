"""TriggerService: messages in, use cases, messages out."""

from __future__ import annotations

import grpc
from onegenie.trigger.v1 import trigger_pb2 as pb
from onegenie.trigger.v1 import trigger_pb2_grpc as pb_grpc

from core.platform.idempotency import IDEMPOTENCY_HEADER
from core.platform.plain import plain
from core.platform.runtime import Runtime
from core.shop.tenants.identity import caller
from core.shop.trigger.find_round import RoundIds
from core.shop.trigger.items import sent_item
from core.shop.trigger.known_signage import KnownSignage
from core.shop.trigger.once import OnceKey
from core.shop.trigger.reports import Reports
from core.shop.trigger.sql import request_digest
from core.shop.trigger.trigger_coupon import TriggerCoupon, trigger_coupon
from core.shop.trigger.trigger_recommend import TriggerRecommend, trigger_recommend
from core.shop.trigger.trigger_signage import Ports, TriggerSignage, trigger_signage
from edge import current_call

Request = pb.TriggerSignageRequest | pb.TriggerCouponRequest | pb.TriggerRecommendRequest


class TriggerService(pb_grpc.TriggerServiceServicer):
    """Serves onegenie.trigger.v1.TriggerService.

    The replies of its use cases are messages already: the first one to each idempotency key is
    stored as such.
    """

    def __init__(self, runtime: Runtime, known: KnownSignage, reports: Reports) -> None:
        self._database = runtime.database
        self._clock = runtime.clock
        self._ports = Ports(runtime.database, known, reports)

    async def TriggerSignage(
        self, request: pb.TriggerSignageRequest, context: grpc.aio.ServicerContext
    ) -> pb.TriggerSignageResponse:
        command = TriggerSignage(
            round=_round(request),
            leaving=request.action == "exit",
            items=[sent_item(item) for item in request.items],
            # Plain values, not messages: those would keep what the contract doesn't know.
            forgotten=[plain(value) for value in request.forgotten],
            at=self._clock(),
            key=_key(request),
        )
        return await trigger_signage(self._ports, caller(), command)

    async def TriggerCoupon(
        self, request: pb.TriggerCouponRequest, context: grpc.aio.ServicerContext
    ) -> pb.TriggerCouponResponse:
        command = TriggerCoupon(
            round=_round(request),
            kind=request.kind or "issued",
            coupon=sent_item(request),
            key=_key(request),
        )
        return await trigger_coupon(self._database, caller(), command)

    async def TriggerRecommend(
        self, request: pb.TriggerRecommendRequest, context: grpc.aio.ServicerContext
    ) -> pb.TriggerRecommendResponse:
        command = TriggerRecommend(round=_round(request), rec_id=request.rec_id, key=_key(request))
        return await trigger_recommend(self._database, caller(), command)


def _round(request: Request) -> RoundIds:
    return RoundIds(request.profile_id, request.chat_id, request.round_id)


def _key(request: Request) -> OnceKey | None:
    key = current_call.get().metadata.get(IDEMPOTENCY_HEADER)
    return None if key is None else OnceKey(key, request_digest(request))
