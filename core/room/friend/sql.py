"""SQL of who has added whom."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, Uuid, and_, bindparam, delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from core.platform.database import Connection, Query, Reader, Statement, params
from core.room.accounts.tables import users
from core.room.friend.tables import friends


@dataclass(frozen=True, slots=True)
class Friend:
    """Somebody whom a person has added, and since when; mutual: they have added the person."""

    friend_id: uuid.UUID
    created_at: datetime
    name: str
    email: str | None
    birth: date | None
    mutual: bool


_OF_USER = friends.c.user_id == bindparam("user", type_=Uuid)
_back = friends.alias("back")
# The row by which a friend has added the person, too.
_MUTUAL = and_(
    _back.c.user_id == friends.c.friend_id,
    _back.c.friend_id == friends.c.user_id,
)

_MUTUAL_FRIENDS = Query(select(friends.c.friend_id).join(_back, _MUTUAL).where(_OF_USER), uuid.UUID)
_EXISTS = Query(select(users.c.id).where(users.c.id == bindparam("id")), uuid.UUID)
_ADD = Statement(
    insert(friends).values(params("user_id", "friend_id", "created_at")).on_conflict_do_nothing()
)
_REMOVE = Statement(delete(friends).where(_OF_USER, friends.c.friend_id == bindparam("friend")))
_AT = bindparam("at", type_=DateTime(timezone=True))
_LIST = Query(
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
    .limit(bindparam("limit", type_=BigInteger)),
    Friend,
)


async def mutual_friends(reader: Reader, user_id: uuid.UUID) -> set[uuid.UUID]:
    """Return those who have added the person and whom the person has added."""
    return set(await reader.all(_MUTUAL_FRIENDS, user=user_id))


async def user_exists(reader: Reader, user_id: uuid.UUID) -> bool:
    """Return whether there is such a user."""
    return await reader.first(_EXISTS, id=user_id) is not None


async def add(conn: Connection, user_id: uuid.UUID, friend_id: uuid.UUID, now: datetime) -> bool:
    """Add a user who exists. Return False if that was done before."""
    return await conn.run(_ADD, user_id=user_id, friend_id=friend_id, created_at=now) == 1


async def remove(conn: Connection, user_id: uuid.UUID, friend_id: uuid.UUID) -> bool:
    """Take a user away again. Return False if the person hasn't added them."""
    return await conn.run(_REMOVE, user=user_id, friend=friend_id) == 1


async def list_friends(
    reader: Reader,
    user_id: uuid.UUID,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int | None,
) -> list[Friend]:
    """Return whom the person has added, the newest first, after the row of that time and id.

    Without a limit all of them.
    """
    at, last = after or (None, None)
    return await reader.all(_LIST, user=user_id, at=at, id=last, limit=limit)
