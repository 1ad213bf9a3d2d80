"""MissionService: messages in, use cases, messages out."""

from __future__ import annotations

import grpc
from onegenie.mission.v1 import mission_pb2 as pb
from onegenie.mission.v1 import mission_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.platform.text import paragraphs
from core.room.accounts.identity import user
from core.room.mission.day import Days
from core.room.mission.suggest import suggest
from edge.reply.errors import FieldViolation, invalid


class MissionService(pb_grpc.MissionServiceServicer):
    """Serves onegenie.mission.v1.MissionService."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._days = Days(runtime)

    async def RecommendMission(
        self, request: pb.RecommendMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.RecommendMissionResponse:
        return await suggest(self._runtime, user().id)

    async def CreateMission(
        self, request: pb.CreateMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateMissionResponse:
        if not (mission := paragraphs(request.mission)):
            raise invalid(FieldViolation("mission", "is required"))
        await self._days.create(user().id, mission)
        return pb.CreateMissionResponse(message="생성 완료")

    async def AcceptMission(
        self, request: pb.AcceptMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.AcceptMissionResponse:
        await self._days.accept(user().id, request.mission_id)
        return pb.AcceptMissionResponse(message="성공")

    async def ListMissions(
        self, request: pb.ListMissionsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListMissionsResponse:
        return pb.ListMissionsResponse(missions=await self._days.today(user().id))

    async def GetMission(
        self, request: pb.GetMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetMissionResponse:
        return pb.GetMissionResponse(
            mission=await self._days.get(user().id, request.today_mission_id)
        )
