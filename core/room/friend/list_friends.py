"""ListFriends: whom a user has added, all of them or by the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.platform.database import Database
from core.platform.paging import make_time_token, read_time_token
from core.room.accounts.tokens import User
from core.room.friend import sql


@dataclass(frozen=True, slots=True)
class ListFriends:
    """Which friends are wanted; a page_size of None means all."""

    page_size: int | None
    page_token: str


@dataclass(frozen=True, slots=True)
class FriendPage:
    """Friends, the newest first, and the token of the next page; None on the last one."""

    friends: Sequence[sql.Friend]
    next_page_token: str | None


async def list_friends(database: Database, user: User, command: ListFriends) -> FriendPage:
    """Return whom the user has added, the newest first.

    Raises INVALID_ARGUMENT for a page token that was not given out.
    """
    size = command.page_size
    after = read_time_token(command.page_token, "pageToken")
    # One more than asked for: is there a next page?
    limit = None if size is None else size + 1
    rows = await sql.list_friends(database, user.id, after, limit)
    if size is None or len(rows) <= size:
        return FriendPage(rows, None)
    last = rows[size - 1]
    return FriendPage(rows[:size], make_time_token(last.created_at, last.friend_id))
