"""SQL of kept pictures."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Uuid, any_, bindparam, delete, insert, select, update

from core.platform.database import Connection, Query, Reader, Statement, params
from core.room.media.tables import media_files


@dataclass(frozen=True, slots=True)
class NewFile:
    """A picture to keep; width and height in pixels."""

    id: uuid.UUID
    owner_id: uuid.UUID
    content_type: str
    width: int
    height: int
    created_at: datetime


_ADD = Statement(
    insert(media_files).values(
        params("id", "owner_id", "content_type", "width", "height", "created_at")
    )
)
_IDS = media_files.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
_USE = Statement(update(media_files).where(_IDS).values(used_at=bindparam("now")))
_DELETE_UNUSED = Statement(delete(media_files).where(_IDS, media_files.c.used_at.is_(None)))
_THERE = Query(select(media_files.c.id).where(_IDS), uuid.UUID)
_TYPE = Query(select(media_files.c.content_type).where(media_files.c.id == bindparam("id")), str)


async def add(conn: Connection, files: Sequence[NewFile]) -> None:
    """Add pictures, unused so far."""
    await conn.run_many(_ADD, [asdict(file) for file in files])


async def use(conn: Connection, ids: Sequence[uuid.UUID], now: datetime) -> bool:
    """Mark pictures as used. Return False when one is not there."""
    return await conn.run(_USE, ids=list(ids), now=now) == len(set(ids))


async def remove_unused(conn: Connection, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Delete the rows of unused pictures. Return the ids that are left: those of used ones."""
    await conn.run(_DELETE_UNUSED, ids=list(ids))
    return set(await conn.all(_THERE, ids=list(ids)))


async def content_type(reader: Reader, file_id: uuid.UUID) -> str | None:
    """Return the type of a picture; None when there is none of that id."""
    return await reader.first(_TYPE, id=file_id)
