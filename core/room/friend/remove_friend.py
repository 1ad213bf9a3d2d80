"""RemoveFriend: a user takes back having added another."""

from __future__ import annotations

import uuid

from onegenie.error.v1.reasons import AppReason

from core.platform.database import Database
from core.room.accounts.tokens import User
from core.room.friend import sql
from edge import ApiError


async def remove_friend(database: Database, user: User, target: uuid.UUID) -> None:
    """Remove a user from those whom `user` has added. Raises USER_NOT_FOUND and NOT_A_FRIEND."""
    async with database.begin() as conn:
        if not await sql.user_exists(conn, target):
            raise ApiError(AppReason.USER_NOT_FOUND)
        if not await sql.remove(conn, user.id, target):
            raise ApiError(AppReason.NOT_A_FRIEND)
