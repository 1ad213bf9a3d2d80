"""CreatePost: all of its pictures, or none."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from core.platform.runtime import Runtime
from core.platform.text import paragraphs
from core.room.media.decode_upload import decode_upload
from core.room.media.files import Media
from core.room.media.pictures import prepare
from core.room.post import sql
from edge import ApiError, FieldViolation
from edge.v1 import annotations_pb2 as rest

MOST_FILES = 10


@dataclass(frozen=True, slots=True)
class CreatePost:
    """What is to be posted: files as they were uploaded, and texts, which may be empty."""

    files: Sequence[bytes]
    title: str
    content: str


async def create_post(
    runtime: Runtime, media: Media, user_id: uuid.UUID, command: CreatePost
) -> uuid.UUID:
    """Save a post of at most MOST_FILES pictures. Return its id.

    A title or content that shows nothing is stored as NULL. Raises INVALID_REQUEST and
    PAYLOAD_TOO_LARGE, which name the file that can't be taken, and UNAVAILABLE; then nothing is
    saved.
    """
    if len(command.files) > MOST_FILES:
        violation = FieldViolation("files", f"must have at most {MOST_FILES} elements")
        raise ApiError(rest.CONDITION_TOO_LARGE, fields=[violation])
    # One after the other: one person's ten pictures leave threads to those of others.
    pictures = [
        await decode_upload(runtime.pictures, f"files[{index}]", file, prepare)
        for index, file in enumerate(command.files)
    ]
    file_ids = await media.save(user_id, pictures)
    async with runtime.database.begin() as conn:
        await media.use(conn, file_ids)
        return await sql.add_post(
            conn,
            user_id,
            runtime.clock(),
            title=paragraphs(command.title) or None,
            content=paragraphs(command.content) or None,
            file_ids=file_ids,
        )
