"""ListMissions and GetMission."""

from __future__ import annotations

import uuid

from onegenie.error.v1.reasons import AppReason

from core.platform.database import Database
from core.platform.runtime import Runtime
from core.room.mission import sql
from edge import ApiError


async def list_missions(runtime: Runtime, user_id: uuid.UUID) -> list[sql.ListedMission]:
    """Return today's list, in the order it was made."""
    today = runtime.day_of(runtime.clock())
    return await sql.list_day(runtime.database, user_id, today)


async def get_mission(database: Database, user_id: uuid.UUID, mission_id: str) -> sql.ListedMission:
    """Return a mission of the person's lists, of today or earlier. Raises MISSION_NOT_FOUND."""
    mission = await sql.find_listed(database, user_id, mission_id)
    if mission is None:
        raise ApiError(AppReason.MISSION_NOT_FOUND)
    return mission
