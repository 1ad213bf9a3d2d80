"""SQL of posts, their pictures and comments."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import fetch
from core.room.media.tables import media_files
from core.room.post.tables import post_comments, post_files, posts

_BEFORE = bindparam("before", type_=BigInteger)
_LIMIT = bindparam("limit", type_=BigInteger)
_POST = bindparam("post", type_=Uuid)

# The newest of each person by the index, then the newest of those: the same work however long
# ago somebody last posted.
_owners = (
    func.unnest(bindparam("owners", type_=ARRAY(Uuid))).table_valued("id").render_derived("owners_")
)
_of_owner = (
    select(posts)
    .where(posts.c.user_id == _owners.c.id, or_(_BEFORE.is_(None), posts.c.number < _BEFORE))
    .order_by(posts.c.number.desc())
    .limit(_LIMIT)
    .lateral("of_owner")
)
_LIST = (
    select(_of_owner)
    .select_from(_owners)
    .join(_of_owner, true())
    .order_by(_of_owner.c.number.desc())
    .limit(_LIMIT)
)
_FILES = (
    select(
        post_files.c.post_id,
        media_files.c.id,
        media_files.c.content_type,
        media_files.c.width,
        media_files.c.height,
    )
    .join(media_files, media_files.c.id == post_files.c.file_id)
    .where(post_files.c.post_id == any_(bindparam("posts", type_=ARRAY(Uuid))))
    .order_by(post_files.c.post_id, post_files.c.position)
)
# One post after the other, so that what is over the limit is of the last ones.
_posts = (
    func.unnest(bindparam("posts", type_=ARRAY(Uuid)))
    .table_valued("id", with_ordinality="place")
    .render_derived("posts_")
)
_ALL_COMMENTS = (
    select(post_comments)
    .select_from(_posts)
    .join(post_comments, post_comments.c.post_id == _posts.c.id)
    .order_by(_posts.c.place, post_comments.c.number)
    .limit(_LIMIT)
)
_COMMENTS = (
    select(post_comments)
    .where(
        post_comments.c.post_id == _POST,
        or_(_BEFORE.is_(None), post_comments.c.number < _BEFORE),
    )
    .order_by(post_comments.c.number.desc())
    .limit(_LIMIT)
)
_OWNER = select(posts.c.user_id).where(posts.c.id == _POST)


async def add_post(
    conn: AsyncConnection,
    user_id: uuid.UUID,
    title: str | None,
    content: str | None,
    file_ids: Sequence[uuid.UUID],
    now: datetime,
) -> uuid.UUID:
    """Add a post with its pictures. Its id."""
    post_id = uuid.uuid4()
    await conn.execute(
        insert(posts).values(
            id=post_id, user_id=user_id, title=title, content=content, created_at=now
        )
    )
    await conn.execute(
        insert(post_files),
        [
            {"post_id": post_id, "position": position, "file_id": file_id}
            for position, file_id in enumerate(file_ids)
        ],
    )
    return post_id


async def list_posts(
    conn: AsyncConnection, owners: Collection[uuid.UUID], before: int | None, limit: int
) -> list[Any]:
    """The newest posts of some people, or the newest before a number. Rows of posts."""
    return await fetch(conn, _LIST, {"owners": list(owners), "before": before, "limit": limit})


async def list_files(conn: AsyncConnection, post_ids: Sequence[uuid.UUID]) -> list[Any]:
    """The posts' pictures, in order. Rows of post_id, id, content_type, width, height."""
    return await fetch(conn, _FILES, {"posts": list(post_ids)})


async def all_comments(
    conn: AsyncConnection, post_ids: Sequence[uuid.UUID], limit: int | None
) -> list[Any]:
    """The comments on the posts, one post after the other, of each the oldest first; at most
    `limit` in all."""
    return await fetch(conn, _ALL_COMMENTS, {"posts": list(post_ids), "limit": limit})


async def list_comments(
    conn: AsyncConnection, post_id: uuid.UUID, before: int | None, limit: int
) -> list[Any]:
    """The newest comments on a post, or the newest before a number, newest first."""
    return await fetch(conn, _COMMENTS, {"post": post_id, "before": before, "limit": limit})


async def owner_of(conn: AsyncConnection, post_id: uuid.UUID) -> uuid.UUID | None:
    """Whose post it is; None when there is none of that id."""
    rows = await fetch(conn, _OWNER, {"post": post_id})
    return rows[0].user_id if rows else None


async def add_comment(
    conn: AsyncConnection, post_id: uuid.UUID, user_id: uuid.UUID, content: str, now: datetime
) -> None:
    """Add a comment to a post that is there."""
    await conn.execute(
        insert(post_comments).values(
            post_id=post_id, user_id=user_id, content=content, created_at=now
        )
    )
