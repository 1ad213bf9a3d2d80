"""ListComments: pages of the comments on a post."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from core.platform.database import Database
from core.platform.paging import make_token, read_token
from core.room.post import sql
from core.room.post.visible_post import find_visible_post

# Comments listed when no page size is asked for.
PAGE = 50


@dataclass(frozen=True, slots=True)
class ListComments:
    """Which comments are wanted; a page_size of None means PAGE."""

    post_id: str
    page_size: int | None
    page_token: str


@dataclass(frozen=True, slots=True)
class CommentPage:
    """Comments, newest first, and the token of the next page; None on the last one."""

    comments: Sequence[sql.Comment]
    next_page_token: str | None


async def list_comments(
    database: Database, user_id: uuid.UUID, command: ListComments
) -> CommentPage:
    """Return a page of the comments on a post, newest first.

    Raises INVALID_REQUEST for a page token that was not given out, POST_NOT_FOUND.
    """
    before = read_token(command.page_token, "pageToken")
    size = PAGE if command.page_size is None else command.page_size
    post_id = await find_visible_post(database, user_id, command.post_id)
    # One more than asked for: is there a next page?
    rows = await sql.list_comments(database, post_id, before, size + 1)
    more = len(rows) > size
    return CommentPage(rows[:size], make_token(rows[size - 1].number) if more else None)
