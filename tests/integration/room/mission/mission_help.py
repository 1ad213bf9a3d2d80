"""What the tests of missions share: a clock, registered missions, and a person's calls."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import grpc
from onegenie.mission.v1 import mission_pb2 as pb
from onegenie.mission.v1 import mission_pb2_grpc as pb_grpc
from sqlalchemy import insert

from core.platform.database import Database
from core.room.mission.tables import missions
from tests.support import Person, tables

# Noon in Seoul.
NOON = datetime(2026, 4, 1, 3, 0, 0, tzinfo=UTC)


async def register(database: Database, *contents: str, category: str = "청소") -> list[uuid.UUID]:
    """Register missions; their ids."""
    ids = [uuid.uuid4() for _ in contents]
    async with tables(database) as conn:
        await conn.execute(
            insert(missions),
            [
                {"id": id, "content": content, "category": category, "created_at": NOON}
                for id, content in zip(ids, contents, strict=True)
            ],
        )
    return ids


class Caller:
    """A person who calls MissionService."""

    def __init__(self, person: Person, channel: grpc.aio.Channel | None = None) -> None:
        self.person = person
        self._stub = pb_grpc.MissionServiceStub(channel or person.channel)
        self._options: dict[str, Any] = {"metadata": person.metadata, "timeout": 20}

    async def recommend(self) -> pb.RecommendMissionResponse:
        return await self._stub.RecommendMission(pb.RecommendMissionRequest(), **self._options)

    async def create(self, mission: str) -> pb.CreateMissionResponse:
        return await self._stub.CreateMission(
            pb.CreateMissionRequest(mission=mission), **self._options
        )

    async def accept(self, mission_id: str) -> pb.AcceptMissionResponse:
        return await self._stub.AcceptMission(
            pb.AcceptMissionRequest(mission_id=mission_id), **self._options
        )

    async def today(self) -> list[pb.Mission]:
        response = await self._stub.ListMissions(pb.ListMissionsRequest(), **self._options)
        return list(response.missions)

    async def contents(self) -> list[str]:
        return [mission.content for mission in await self.today()]

    async def get(self, mission_id: str) -> pb.Mission:
        response = await self._stub.GetMission(
            pb.GetMissionRequest(today_mission_id=mission_id), **self._options
        )
        return response.mission
