"""AcceptMission: put the day's suggestion on today's list."""

from __future__ import annotations

import uuid

from onegenie.error.v1.reasons import AppReason

from core.platform.runtime import Runtime
from core.room.mission import sql
from core.room.mission.day import check_space
from edge import ApiError


async def accept_mission(runtime: Runtime, user_id: uuid.UUID, mission_id: str) -> None:
    """Put today's suggestion on the list; leave one that is there already as it is.

    Raises MISSION_NOT_FOUND when today has nothing of that id, MISSION_LIST_FULL.
    """
    async with runtime.database.begin() as conn:
        await sql.lock(conn, user_id)
        now = runtime.clock()
        today = runtime.day_of(now)
        found = await sql.find_of_day(conn, user_id, mission_id, today)
        if found is None:
            raise ApiError(AppReason.MISSION_NOT_FOUND)
        if found.listed_at is None:
            await check_space(conn, user_id, today)
            await sql.accept(conn, user_id, found.id, now)
