"""LogOut: a user ends the session that they call with."""

from __future__ import annotations

from core.platform.database import Database
from core.room.accounts import sql
from core.room.accounts.identity import Sessions
from core.room.accounts.tokens import User


async def log_out(database: Database, sessions: Sessions, user: User) -> None:
    """End the user's session with all its tokens."""
    async with database.begin() as conn:
        await sql.end_session(conn, user.session_id)
    sessions.forget(user.session_id)
