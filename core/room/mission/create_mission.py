"""CreateMission: put a mission in the person's own words on today's list."""

from __future__ import annotations

import uuid

from core.platform.runtime import Runtime
from core.platform.text import paragraphs
from core.room.mission import sql
from core.room.mission.day import check_space
from edge import FieldViolation, invalid


async def create_mission(runtime: Runtime, user_id: uuid.UUID, content: str) -> None:
    """Put a mission of the person's own on today's list.

    Raises INVALID_REQUEST for a content that shows nothing, MISSION_LIST_FULL.
    """
    if not (content := paragraphs(content)):
        raise invalid(FieldViolation("mission", "is required"))
    async with runtime.database.begin() as conn:
        await sql.lock(conn, user_id)
        now = runtime.clock()
        today = runtime.day_of(now)
        await check_space(conn, user_id, today)
        await sql.add_own(conn, user_id, content=content, day=today, now=now)
