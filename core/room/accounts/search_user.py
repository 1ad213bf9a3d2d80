"""SearchUser: finding people by name."""

from __future__ import annotations

from onegenie.error.v1.reasons import AppReason

from core.platform.database import Database
from core.room.accounts import sql
from edge import ApiError


async def search_user(database: Database, name: str) -> sql.Named:
    """Return who has had the name, in its normal form, for longest. Raises USER_NOT_FOUND."""
    found = await sql.oldest_of_name(database, name)
    if found is None:
        raise ApiError(AppReason.USER_NOT_FOUND)
    return found
