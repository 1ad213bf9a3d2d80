"""SQL of who has added whom."""

from __future__ import annotations

import uuid

from sqlalchemy import Uuid, and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.friend.models import friends
from core.platform.database import fetch

_back = friends.alias("back")
# The row by which a friend has added the person, too.
_MUTUAL = and_(
    _back.c.user_id == friends.c.friend_id,
    _back.c.friend_id == friends.c.user_id,
)
_MUTUAL_FRIENDS = (
    select(friends.c.friend_id)
    .join(_back, _MUTUAL)
    .where(friends.c.user_id == bindparam("user", type_=Uuid))
)


async def mutual_friends(conn: AsyncConnection, user_id: uuid.UUID) -> set[uuid.UUID]:
    """Those who have added the person and whom the person has added."""
    return {row.friend_id for row in await fetch(conn, _MUTUAL_FRIENDS, {"user": user_id})}
