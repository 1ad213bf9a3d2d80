"""A person's list of the day: adding to it, and reading it."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from onegenie.error.v1.reasons import AppReason
from onegenie.mission.v1 import mission_pb2 as pb

from core.platform.database import Connection
from core.platform.runtime import Runtime
from core.room.mission import sql
from edge.reply.errors import ApiError

MOST_A_DAY = 3


class Days:
    """Everybody's lists."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._clock = runtime.clock
        self._zone = runtime.zone

    async def create(self, user_id: uuid.UUID, content: str) -> None:
        """Put a mission of the person's own on today's list. Raises MISSION_LIST_FULL."""
        async with self._database.begin() as conn:
            await sql.lock(conn, user_id)
            now, today = self._now()
            await _check_room(conn, user_id, today)
            await sql.add_own(conn, user_id, content=content, day=today, now=now)

    async def accept(self, user_id: uuid.UUID, mission_id: str) -> None:
        """Put today's suggestion on the list; one that is there already stays as it is.

        Raises MISSION_NOT_FOUND when today has nothing of that id, MISSION_LIST_FULL.
        """
        async with self._database.begin() as conn:
            await sql.lock(conn, user_id)
            now, today = self._now()
            found = await sql.find_of_day(conn, user_id, mission_id, today)
            if found is None:
                raise ApiError(AppReason.MISSION_NOT_FOUND)
            if found.listed_at is None:
                await _check_room(conn, user_id, today)
                await sql.accept(conn, user_id, found.id, now)

    async def today(self, user_id: uuid.UUID) -> list[pb.Mission]:
        """Today's list, in the order it was made."""
        _, day = self._now()
        return [_mission(row) for row in await sql.list_day(self._database, user_id, day)]

    async def get(self, user_id: uuid.UUID, mission_id: str) -> pb.Mission:
        """A mission of the person's lists, also of an earlier day. Raises MISSION_NOT_FOUND."""
        row = await sql.find_listed(self._database, user_id, mission_id)
        if row is None:
            raise ApiError(AppReason.MISSION_NOT_FOUND)
        return _mission(row)

    def _now(self) -> tuple[datetime, date]:
        now = self._clock()
        return now, now.astimezone(self._zone).date()


async def _check_room(conn: Connection, user_id: uuid.UUID, day: date) -> None:
    if len(await sql.list_day(conn, user_id, day)) >= MOST_A_DAY:
        raise ApiError(AppReason.MISSION_LIST_FULL)


def _mission(row: sql.ListedMission) -> pb.Mission:
    done = row.completed_at is not None
    mission = pb.Mission(
        mission_id=str(row.id),
        content=row.content,
        status=pb.MISSION_STATUS_COMPLETED if done else pb.MISSION_STATUS_ONGOING,
    )
    mission.target_date.FromDatetime(row.listed_at)
    return mission
