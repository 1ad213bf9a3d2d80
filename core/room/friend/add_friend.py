"""AddFriend: a user adds another."""

from __future__ import annotations

import uuid

from onegenie.error.v1.reasons import AppReason

from core.platform.runtime import Runtime
from core.room.accounts.tokens import User
from core.room.friend import sql
from edge import ApiError, FieldViolation, invalid


async def add_friend(runtime: Runtime, user: User, target: uuid.UUID) -> None:
    """Add a user to those whom `user` has added.

    Raises USER_NOT_FOUND, INVALID_ARGUMENT for oneself and ALREADY_FRIENDS.
    """
    async with runtime.database.begin() as conn:
        if not await sql.user_exists(conn, target):
            raise ApiError(AppReason.USER_NOT_FOUND)
        if target == user.id:
            raise invalid(FieldViolation("targetId", "must be another user"))
        if not await sql.add(conn, user.id, target, runtime.clock()):
            raise ApiError(AppReason.ALREADY_FRIENDS)
