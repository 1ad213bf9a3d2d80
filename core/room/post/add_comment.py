"""AddComment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core.platform.runtime import Runtime
from core.platform.text import paragraphs
from core.room.post import sql
from core.room.post.visible_post import find_visible_post
from edge import FieldViolation, invalid


@dataclass(frozen=True, slots=True)
class AddComment:
    """What is said about which post."""

    post_id: str
    content: str


async def add_comment(runtime: Runtime, user_id: uuid.UUID, command: AddComment) -> sql.Comment:
    """Comment on a post. Return the comment.

    Raises INVALID_REQUEST for a content that shows nothing, POST_NOT_FOUND.
    """
    if not (content := paragraphs(command.content)):
        raise invalid(FieldViolation("content", "is required"))
    now = runtime.clock()
    async with runtime.database.begin() as conn:
        post_id = await find_visible_post(conn, user_id, command.post_id)
        return await sql.add_comment(conn, post_id, user_id, content=content, now=now)
