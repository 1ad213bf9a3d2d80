"""Find a post for those who may see it: its author and the author's friends."""

from __future__ import annotations

import uuid

from onegenie.error.v1.reasons import AppReason

from core.platform.database import Reader
from core.platform.ids import parse_uuid
from core.room.friend.sql import mutual_friends
from core.room.post import sql
from edge import ApiError


async def find_visible_post(reader: Reader, user_id: uuid.UUID, post_id: str) -> uuid.UUID:
    """Return the id of a post that the user may see. Raises POST_NOT_FOUND."""
    found = parse_uuid(post_id)
    owner = await sql.owner_of(reader, found) if found else None
    if found is None or owner is None:
        raise ApiError(AppReason.POST_NOT_FOUND)
    if owner != user_id and owner not in await mutual_friends(reader, user_id):
        raise ApiError(AppReason.POST_NOT_FOUND)
    return found
