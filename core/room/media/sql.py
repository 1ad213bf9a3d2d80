"""SQL of kept pictures."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import Database, fetch
from core.room.media.tables import media_files

_IDS = media_files.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
_NOW = bindparam("now", type_=DateTime(timezone=True))
_USE = update(media_files).where(_IDS).values(used_at=_NOW).returning(media_files.c.id)
_DELETE_UNUSED = (
    delete(media_files).where(_IDS, media_files.c.used_at.is_(None)).returning(media_files.c.id)
)
_THERE = select(media_files.c.id).where(_IDS)
_TYPE = select(media_files.c.content_type).where(media_files.c.id == bindparam("id", type_=Uuid))


async def add(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows of pictures, unused so far."""
    await conn.execute(insert(media_files), list(rows))


async def use(conn: AsyncConnection, ids: Sequence[uuid.UUID], now: datetime) -> bool:
    """Mark pictures as used; False when one is not there."""
    rows = await fetch(conn, _USE, {"ids": list(ids), "now": now})
    return len(rows) == len(set(ids))


async def remove_unused(conn: AsyncConnection, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Delete the rows of unused pictures. The ids that are left: those of used ones."""
    await fetch(conn, _DELETE_UNUSED, {"ids": list(ids)})
    return {row.id for row in await fetch(conn, _THERE, {"ids": list(ids)})}


async def content_type(database: Database, file_id: uuid.UUID) -> str | None:
    """The type of a picture; None when there is none of that id."""
    rows = await database.fetch(_TYPE, {"id": file_id})
    return rows[0].content_type if rows else None
