"""Making a post: all of its pictures, or none."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from onegenie.media.v1 import picture_pb2

from core.platform.clock import Clock
from core.platform.database import Database
from core.platform.text import paragraphs
from core.room.media.files import Media, read
from core.room.media.pictures import prepare
from core.room.post import sql
from edge.reply.errors import ApiError, FieldViolation
from edge.v1 import annotations_pb2 as rest

MOST_FILES = 10


async def create_post(
    database: Database,
    media: Media,
    clock: Clock,
    user_id: uuid.UUID,
    files: Sequence[picture_pb2.Picture],
    title: str,
    content: str,
) -> uuid.UUID:
    """Make a post of one to MOST_FILES pictures. Its id. An empty text is none.

    Raises the surface's errors naming the file that can't be taken: nothing is kept then.
    """
    if len(files) > MOST_FILES:
        violation = FieldViolation("files", f"must have at most {MOST_FILES} elements")
        raise ApiError(rest.CONDITION_TOO_LARGE, fields=[violation])
    # One after the other: one person's ten pictures leave room for those of others.
    pictures = [
        await read(media.pool, f"files[{index}]", file.content, prepare)
        for index, file in enumerate(files)
    ]
    file_ids = await media.keep(user_id, pictures)
    async with database.begin() as conn:
        await media.use(conn, file_ids)
        return await sql.add_post(
            conn,
            user_id,
            clock(),
            title=paragraphs(title) or None,
            content=paragraphs(content) or None,
            file_ids=file_ids,
        )
