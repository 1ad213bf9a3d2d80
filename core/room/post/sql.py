"""SQL of posts, their pictures and comments."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

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

from core.platform.database import Connection, Query, Reader, Statement, params
from core.room.media.tables import media_files
from core.room.post.tables import post_comments, post_files, posts


@dataclass(frozen=True, slots=True)
class Post:
    """A post; `number` is its place among all posts."""

    id: uuid.UUID
    number: int
    user_id: uuid.UUID
    title: str | None
    content: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PostFile:
    """A picture of a post; width and height in pixels."""

    post_id: uuid.UUID
    id: uuid.UUID
    content_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a post; `number` is its place among all comments."""

    number: int
    post_id: uuid.UUID
    user_id: uuid.UUID
    content: str
    created_at: datetime


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
_LIST = Query(
    select(_of_owner)
    .select_from(_owners)
    .join(_of_owner, true())
    .order_by(_of_owner.c.number.desc())
    .limit(_LIMIT),
    Post,
)
_FILES = Query(
    select(
        post_files.c.post_id,
        media_files.c.id,
        media_files.c.content_type,
        media_files.c.width,
        media_files.c.height,
    )
    .join(media_files, media_files.c.id == post_files.c.file_id)
    .where(post_files.c.post_id == any_(bindparam("posts", type_=ARRAY(Uuid))))
    .order_by(post_files.c.post_id, post_files.c.position),
    PostFile,
)
# One post after the other, so that what is over the limit is of the last ones.
_posts = (
    func.unnest(bindparam("posts", type_=ARRAY(Uuid)))
    .table_valued("id", with_ordinality="place")
    .render_derived("posts_")
)
_ALL_COMMENTS = Query(
    select(post_comments)
    .select_from(_posts)
    .join(post_comments, post_comments.c.post_id == _posts.c.id)
    .order_by(_posts.c.place, post_comments.c.number)
    .limit(_LIMIT),
    Comment,
)
_COMMENTS = Query(
    select(post_comments)
    .where(
        post_comments.c.post_id == _POST,
        or_(_BEFORE.is_(None), post_comments.c.number < _BEFORE),
    )
    .order_by(post_comments.c.number.desc())
    .limit(_LIMIT),
    Comment,
)
_OWNER = Query(select(posts.c.user_id).where(posts.c.id == _POST), uuid.UUID)
_ADD_POST = Statement(
    insert(posts).values(params("id", "user_id", "title", "content", "created_at"))
)
_ADD_FILE = Statement(insert(post_files).values(params("post_id", "position", "file_id")))
_ADD_COMMENT = Query(
    insert(post_comments)
    .values(params("post_id", "user_id", "content", "created_at"))
    .returning(post_comments),
    Comment,
)


async def add_post(
    conn: Connection,
    user_id: uuid.UUID,
    now: datetime,
    *,
    title: str | None,
    content: str | None,
    file_ids: Sequence[uuid.UUID],
) -> uuid.UUID:
    """Add a post with its pictures. Return its id."""
    post_id = uuid.uuid4()
    await conn.run(
        _ADD_POST, id=post_id, user_id=user_id, title=title, content=content, created_at=now
    )
    await conn.run_many(
        _ADD_FILE,
        [
            {"post_id": post_id, "position": position, "file_id": file_id}
            for position, file_id in enumerate(file_ids)
        ],
    )
    return post_id


async def list_posts(
    reader: Reader, owners: Collection[uuid.UUID], before: int | None, limit: int
) -> list[Post]:
    """Return the newest posts of some people, or the newest before a number."""
    return await reader.all(_LIST, owners=list(owners), before=before, limit=limit)


async def list_files(reader: Reader, post_ids: Sequence[uuid.UUID]) -> list[PostFile]:
    """Return the posts' pictures, in order."""
    return await reader.all(_FILES, posts=list(post_ids))


async def all_comments(
    reader: Reader, post_ids: Sequence[uuid.UUID], limit: int | None
) -> list[Comment]:
    """Return the comments on the posts, at most `limit` in all.

    One post comes after the other, and of each the oldest comment first.
    """
    return await reader.all(_ALL_COMMENTS, posts=list(post_ids), limit=limit)


async def list_comments(
    reader: Reader, post_id: uuid.UUID, before: int | None, limit: int
) -> list[Comment]:
    """Return the newest comments on a post, or the newest before a number, newest first."""
    return await reader.all(_COMMENTS, post=post_id, before=before, limit=limit)


async def owner_of(reader: Reader, post_id: uuid.UUID) -> uuid.UUID | None:
    """Return whose post it is; None when there is none of that id."""
    return await reader.first(_OWNER, post=post_id)


async def add_comment(
    conn: Connection, post_id: uuid.UUID, user_id: uuid.UUID, *, content: str, now: datetime
) -> Comment:
    """Add a comment to a post that is there. Return it."""
    return await conn.one(
        _ADD_COMMENT, post_id=post_id, user_id=user_id, content=content, created_at=now
    )
