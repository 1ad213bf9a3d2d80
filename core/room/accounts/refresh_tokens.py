"""RefreshTokens: a device exchanges its refresh token for new tokens."""

from __future__ import annotations

from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.identity import Sessions
from core.room.accounts.sessions import Tokens, digest_refresh_token, issue_tokens
from core.room.accounts.tokens import User
from edge import ApiError
from edge.v1 import annotations_pb2 as rest


async def refresh_tokens(runtime: Runtime, sessions: Sessions, refresh_token: str) -> Tokens:
    """Use up a refresh token and return new tokens.

    Raises UNAUTHENTICATED for one that is unknown or expired, and for a used one: that also ends
    the session, because it can't be told which of the two who had it is the thief.
    """
    digest = digest_refresh_token(refresh_token)
    async with runtime.database.begin() as conn:
        session = await sql.lock_session_of(conn, digest)
        if session is None:
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
        token, now = await sql.refresh_token(conn, digest), runtime.clock()
        if token is None or token.expires_at <= now:
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
        if token.used_at is None:
            await sql.use_refresh_token(conn, session.id, digest, now)
            return await issue_tokens(conn, runtime, User(session.user_id, session.id))
        await sql.end_session(conn, session.id)
    # Outside the transaction, which must not be rolled back by it.
    sessions.forget(session.id)
    raise ApiError(rest.CONDITION_UNAUTHENTICATED)
