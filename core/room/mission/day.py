"""Keep the list of a day short."""

from __future__ import annotations

import uuid
from datetime import date

from onegenie.error.v1.reasons import AppReason

from core.platform.database import Connection
from core.room.mission import sql
from edge import ApiError

MOST_A_DAY = 3


async def check_space(conn: Connection, user_id: uuid.UUID, day: date) -> None:
    """Raise MISSION_LIST_FULL if the list of the day has no space for another mission.

    The person's day must be locked (`sql.lock`), or simultaneous calls would overfill it.
    """
    if len(await sql.list_day(conn, user_id, day)) >= MOST_A_DAY:
        raise ApiError(AppReason.MISSION_LIST_FULL)
