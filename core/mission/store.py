"""SQL of the registered missions and of people's days."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Row, Uuid, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.mission.models import today_missions
from core.platform.database import fetch
from core.platform.ids import parse_uuid

AnyRow = Row[*tuple[Any, ...]]

_USER = today_missions.c.user_id == bindparam("user", type_=Uuid)
_ID = today_missions.c.id == bindparam("id", type_=Uuid)
_LISTED = (
    today_missions.c.id,
    today_missions.c.content,
    today_missions.c.listed_at,
    today_missions.c.completed_at,
)
_FIND_LISTED = select(*_LISTED).where(_USER, _ID, today_missions.c.listed_at.is_not(None))
_COMPLETE = (
    update(today_missions)
    .where(_USER, _ID, today_missions.c.listed_at.is_not(None))
    .where(today_missions.c.completed_at.is_(None))
    .values(completed_at=bindparam("now", type_=DateTime(timezone=True)))
    .returning(today_missions.c.id)
)


async def find_listed(conn: AsyncConnection, user_id: uuid.UUID, mission_id: str) -> AnyRow | None:
    """A mission on one of the person's lists, of today or earlier: id, content, listed_at,
    completed_at. None when there is none of that id, also when it is no id at all."""
    parsed = parse_uuid(mission_id)
    if parsed is None:
        return None
    rows = await fetch(conn, _FIND_LISTED, {"user": user_id, "id": parsed})
    return rows[0] if rows else None


async def complete(
    conn: AsyncConnection, user_id: uuid.UUID, mission_id: uuid.UUID, now: datetime
) -> bool:
    """Mark a listed mission as done; False when it was done already, or isn't on a list."""
    return bool(await fetch(conn, _COMPLETE, {"user": user_id, "id": mission_id, "now": now}))
