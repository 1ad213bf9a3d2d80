"""MissionService: messages in, use cases, messages out."""

from __future__ import annotations

import grpc
from onegenie.mission.v1 import mission_pb2 as pb
from onegenie.mission.v1 import mission_pb2_grpc as pb_grpc

from core.platform.plain import timestamp
from core.platform.runtime import Runtime
from core.room.accounts.identity import user
from core.room.mission import sql
from core.room.mission.accept_mission import accept_mission
from core.room.mission.create_mission import create_mission
from core.room.mission.read_missions import get_mission, list_missions
from core.room.mission.recommend_mission import recommend_mission


class MissionService(pb_grpc.MissionServiceServicer):
    """Serves onegenie.mission.v1.MissionService."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def RecommendMission(
        self, request: pb.RecommendMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.RecommendMissionResponse:
        found = await recommend_mission(self._runtime, user().id)
        return pb.RecommendMissionResponse(mission_id=str(found.mission_id), content=found.content)

    async def CreateMission(
        self, request: pb.CreateMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateMissionResponse:
        await create_mission(self._runtime, user().id, request.mission)
        return pb.CreateMissionResponse(message="생성 완료")

    async def AcceptMission(
        self, request: pb.AcceptMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.AcceptMissionResponse:
        await accept_mission(self._runtime, user().id, request.mission_id)
        return pb.AcceptMissionResponse(message="성공")

    async def ListMissions(
        self, request: pb.ListMissionsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListMissionsResponse:
        rows = await list_missions(self._runtime, user().id)
        return pb.ListMissionsResponse(missions=[_mission(row) for row in rows])

    async def GetMission(
        self, request: pb.GetMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetMissionResponse:
        row = await get_mission(self._runtime.database, user().id, request.today_mission_id)
        return pb.GetMissionResponse(mission=_mission(row))


def _mission(row: sql.ListedMission) -> pb.Mission:
    done = row.completed_at is not None
    return pb.Mission(
        mission_id=str(row.id),
        content=row.content,
        target_date=timestamp(row.listed_at),
        status=pb.MISSION_STATUS_COMPLETED if done else pb.MISSION_STATUS_ONGOING,
    )
