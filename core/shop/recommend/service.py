"""RecommendService: messages in, use cases, messages out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.recommend.v1 import recommend_pb2_grpc as pb_grpc

from core.platform.idempotency import IDEMPOTENCY_HEADER
from core.platform.runtime import Runtime
from core.shop.recommend import read_chats
from core.shop.recommend.barcodes import get_round_barcodes
from core.shop.recommend.pipeline import Pipeline
from core.shop.recommend.snapshot import CouponSpots
from core.shop.recommend.start_round import StartRound, start_round
from core.shop.recommend.watch_round import watch_round
from core.shop.tenants.identity import caller
from edge.serve.call import current_call


class RecommendService(pb_grpc.RecommendServiceServicer):
    """Serves onegenie.recommend.v1.RecommendService."""

    def __init__(
        self,
        runtime: Runtime,
        pipeline: Pipeline,
        spots: CouponSpots,
    ) -> None:
        self._database = runtime.database
        self._changes = runtime.changes
        self._stopping = runtime.stopping
        self._most_in_flight = runtime.settings.rounds_in_flight
        self._pipeline = pipeline
        self._spots = spots

    async def StartRound(
        self, request: pb.StartRoundRequest, context: grpc.aio.ServicerContext
    ) -> pb.StartRoundResponse:
        command = StartRound(
            profile_id=request.profile_id,
            chat_id=request.chat_id if request.HasField("chat_id") else None,
            prompt=request.prompt,
            idempotency_key=current_call.get().metadata.get(IDEMPOTENCY_HEADER),
        )
        started = await start_round(
            self._database, self._pipeline, caller(), command, self._most_in_flight
        )
        return pb.StartRoundResponse(chat_id=str(started.chat_id), round_id=str(started.round_id))

    async def ListChats(
        self, request: pb.ListChatsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListChatsResponse:
        return await read_chats.list_chats(
            self._database,
            caller(),
            request.profile_id,
            page=request.page,
            limit=request.limit if request.HasField("limit") else 100,
            order=request.order or "desc",
        )

    async def GetChat(
        self, request: pb.GetChatRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetChatResponse:
        return await read_chats.get_chat(
            self._database, self._spots, caller(), request.profile_id, request.chat_id
        )

    async def GetRound(
        self, request: pb.GetRoundRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetRoundResponse:
        return await read_chats.get_round(
            self._database,
            self._spots,
            caller(),
            request.profile_id,
            request.chat_id,
            request.round_id,
        )

    async def GetRoundBarcodes(
        self, request: pb.GetRoundBarcodesRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetRoundBarcodesResponse:
        return await get_round_barcodes(self._database, caller(), request)

    async def WatchRound(
        self, request: pb.WatchRoundRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchRoundResponse]:
        states = watch_round(
            self._database, self._changes, self._spots, self._stopping, caller(), request
        )
        async with contextlib.aclosing(states):
            async for state in states:
                yield state
