"""SQL of who has added whom."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Uuid, and_, bindparam, delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import fetch
from core.room.accounts.tables import users
from core.room.friend.tables import friends

_OF_USER = friends.c.user_id == bindparam("user", type_=Uuid)
_back = friends.alias("back")
# The row by which a friend has added the person, too.
_MUTUAL = and_(
    _back.c.user_id == friends.c.friend_id,
    _back.c.friend_id == friends.c.user_id,
)

_MUTUAL_FRIENDS = select(friends.c.friend_id).join(_back, _MUTUAL).where(_OF_USER)
_EXISTS = select(users.c.id).where(users.c.id == bindparam("id", type_=Uuid))
_ADD = (
    insert(friends)
    .values(user_id=bindparam("user"), friend_id=bindparam("friend"), created_at=bindparam("now"))
    .on_conflict_do_nothing()
    .returning(friends.c.friend_id)
)
_REMOVE = (
    delete(friends)
    .where(_OF_USER, friends.c.friend_id == bindparam("friend", type_=Uuid))
    .returning(friends.c.friend_id)
)
_AT = bindparam("at", type_=DateTime(timezone=True))
_LIST = (
    select(
        friends.c.friend_id,
        friends.c.created_at,
        users.c.name,
        users.c.email,
        users.c.birth,
        _back.c.user_id.is_not(None).label("mutual"),
    )
    .join(users, users.c.id == friends.c.friend_id)
    .outerjoin(_back, _MUTUAL)
    .where(
        _OF_USER,
        or_(
            _AT.is_(None),
            tuple_(friends.c.created_at, friends.c.friend_id)
            < tuple_(_AT, bindparam("id", type_=Uuid)),
        ),
    )
    .order_by(friends.c.created_at.desc(), friends.c.friend_id.desc())
    .limit(bindparam("limit", type_=BigInteger))
)


async def mutual_friends(conn: AsyncConnection, user_id: uuid.UUID) -> set[uuid.UUID]:
    """Those who have added the person and whom the person has added."""
    return {row.friend_id for row in await fetch(conn, _MUTUAL_FRIENDS, {"user": user_id})}


async def user_exists(conn: AsyncConnection, user_id: uuid.UUID) -> bool:
    """Whether there is such a user."""
    return bool(await fetch(conn, _EXISTS, {"id": user_id}))


async def add(
    conn: AsyncConnection, user_id: uuid.UUID, friend_id: uuid.UUID, now: datetime
) -> bool:
    """Add a user who exists; False when that was done before."""
    return bool(await fetch(conn, _ADD, {"user": user_id, "friend": friend_id, "now": now}))


async def remove(conn: AsyncConnection, user_id: uuid.UUID, friend_id: uuid.UUID) -> bool:
    """Take a user away again; False when the person hasn't added them."""
    return bool(await fetch(conn, _REMOVE, {"user": user_id, "friend": friend_id}))


async def list_friends(
    conn: AsyncConnection,
    user_id: uuid.UUID,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int | None,
) -> list[Any]:
    """Whom the person has added, the newest first, after the row of that time and id; all of them
    without a limit.

    Rows of friend_id, created_at, name, email, birth, mutual (the friend has added the person).
    """
    at, last = after or (None, None)
    return await fetch(conn, _LIST, {"user": user_id, "at": at, "id": last, "limit": limit})
