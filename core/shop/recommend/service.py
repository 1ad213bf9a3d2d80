"""RecommendService: messages in, use cases, messages out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.recommend.v1 import recommend_pb2_grpc as pb_grpc

from core.platform.idempotency import IDEMPOTENCY_HEADER
from core.platform.plain import timestamp
from core.platform.runtime import Runtime
from core.shop.recommend.barcodes import barcodes_of
from core.shop.recommend.coupon_spots import CouponSpots
from core.shop.recommend.get_chat import GetChat, get_chat
from core.shop.recommend.get_round import get_round
from core.shop.recommend.get_round_barcodes import get_round_barcodes
from core.shop.recommend.list_chats import ListChats, list_chats
from core.shop.recommend.pipeline import Pipeline
from core.shop.recommend.snapshot import Snapshot
from core.shop.recommend.sql import ListedChat, RoundIds
from core.shop.recommend.start_round import StartRound, start_round
from core.shop.recommend.watch_round import WatchRound, watch_round
from core.shop.tenants.identity import caller
from edge import current_call


class RecommendService(pb_grpc.RecommendServiceServicer):
    """Serves onegenie.recommend.v1.RecommendService."""

    def __init__(self, runtime: Runtime, pipeline: Pipeline, spots: CouponSpots) -> None:
        self._runtime = runtime
        self._database = runtime.database
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
            self._database,
            self._pipeline,
            caller(),
            command,
            most_in_flight=self._runtime.settings.rounds_in_flight,
        )
        return pb.StartRoundResponse(chat_id=str(started.chat_id), round_id=str(started.round_id))

    async def ListChats(
        self, request: pb.ListChatsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListChatsResponse:
        command = ListChats(
            profile_id=request.profile_id,
            page=request.page,
            limit=request.limit if request.HasField("limit") else 100,
            order=request.order or "desc",
        )
        found = await list_chats(self._database, caller(), command)
        return pb.ListChatsResponse(
            items=[_summary(chat) for chat in found.chats],
            page_info=pb.PageInfo(
                total=found.total, page=command.page, limit=command.limit, order=command.order
            ),
        )

    async def GetChat(
        self, request: pb.GetChatRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetChatResponse:
        command = GetChat(request.profile_id, request.chat_id)
        found = await get_chat(self._database, self._spots, caller(), command)
        first = found.rounds[0]
        response = pb.GetChatResponse(
            chat=pb.Chat(
                chat_id=request.chat_id.lower(),
                profile_id=request.profile_id.lower(),
                profile_summary=pb.ProfileSummary(
                    name=first.name, gender=first.gender, age=first.age, locale=first.locale
                ),
                created_at=timestamp(first.chat_created_at),
            )
        )
        for row in found.rounds:
            Snapshot(row, found.spots).fill(response.chat.rounds.add())
        return response

    async def GetRound(
        self, request: pb.GetRoundRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetRoundResponse:
        found = await get_round(self._database, self._spots, caller(), _ids(request))
        response = pb.GetRoundResponse()
        found.fill(response.round)
        return response

    async def GetRoundBarcodes(
        self, request: pb.GetRoundBarcodesRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetRoundBarcodesResponse:
        stored = await get_round_barcodes(self._database, caller(), _ids(request))
        return barcodes_of(request.chat_id.lower(), request.round_id.lower(), stored)

    async def WatchRound(
        self, request: pb.WatchRoundRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchRoundResponse]:
        seen = request.after_version if request.HasField("after_version") else 0
        command = WatchRound(_ids(request), seen)
        watching = watch_round(self._runtime, self._spots, caller(), command)
        async with contextlib.aclosing(watching) as versions:
            async for watched in versions:
                response = pb.WatchRoundResponse(version=watched.version, event="round")
                watched.snapshot.fill(response.round)
                yield response


def _ids(
    request: pb.GetRoundRequest | pb.GetRoundBarcodesRequest | pb.WatchRoundRequest,
) -> RoundIds:
    return RoundIds(request.profile_id, request.chat_id, request.round_id)


def _summary(chat: ListedChat) -> pb.ChatSummary:
    return pb.ChatSummary(
        chat_id=str(chat.id),
        total_rounds=len(chat.round_ids),
        rounds=[
            pb.RoundReference(round_no=number, round_id=str(round_id))
            for number, round_id in enumerate(chat.round_ids, start=1)
        ],
        created_at=timestamp(chat.created_at),
    )
