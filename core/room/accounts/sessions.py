"""Sessions: one per account and device, renewed by refresh tokens that work once."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.platform.database import Connection
from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.tokens import User, make_access_token
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest

PREFIX = "ort_"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a device gets when its session is opened or renewed."""

    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session is: provider is "ios" or "android", app_token is for pushing to it."""

    id: str
    provider: str
    app_token: str | None


class Sessions:
    """Opens, renews and ends sessions."""

    def __init__(
        self,
        runtime: Runtime,
        forget: Callable[[uuid.UUID], None],
    ) -> None:
        """`forget` is told of sessions that have ended, when that is committed."""
        self._database = runtime.database
        self._signer = runtime.signer
        self._clock = runtime.clock
        self._access_token_life = timedelta(minutes=runtime.settings.access_token_minutes)
        self._refresh_token_life = timedelta(days=runtime.settings.refresh_token_days)
        self.forget = forget

    async def open(self, conn: Connection, user_id: uuid.UUID, device: Device) -> Tokens:
        """Open a session on a device that has none of the account, whose row is held."""
        now = self._clock()
        session_id = await sql.add_session(
            conn,
            user_id,
            now,
            device_id=device.id,
            provider=device.provider,
            app_token=device.app_token,
        )
        return await self._tokens(conn, User(user_id, session_id))

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token that is used up by this.

        Raises UNAUTHENTICATED for one that is unknown or expired, and for a used one: that also
        ends the session, because it can't be told which of the two who had it is the thief.
        """
        hashed = _hash(refresh_token)
        async with self._database.begin() as conn:
            session = await sql.lock_session_of(conn, hashed)
            if session is None:
                raise ApiError(rest.CONDITION_UNAUTHENTICATED)
            token, now = await sql.refresh_token(conn, hashed), self._clock()
            if token is None or token.expires_at <= now:
                raise ApiError(rest.CONDITION_UNAUTHENTICATED)
            if token.used_at is None:
                await sql.use_refresh_token(conn, session.id, hashed, now)
                return await self._tokens(conn, User(session.user_id, session.id))
            await sql.end_session(conn, session.id)
        # Outside the transaction, which must not be rolled back by it.
        self.forget(session.id)
        raise ApiError(rest.CONDITION_UNAUTHENTICATED)

    async def end(self, session_id: uuid.UUID) -> None:
        """End a session with all its tokens."""
        async with self._database.begin() as conn:
            await sql.end_session(conn, session_id)
        self.forget(session_id)

    async def _tokens(self, conn: Connection, user: User) -> Tokens:
        now = self._clock()
        refresh_token = PREFIX + secrets.token_urlsafe(32)
        await sql.add_refresh_token(
            conn, user.session_id, _hash(refresh_token), now + self._refresh_token_life
        )
        access_token = make_access_token(self._signer, user, now + self._access_token_life)
        return Tokens(access_token, refresh_token)


def _hash(token: str) -> bytes:
    # Without salt or stretching: 256 random bits can't be guessed.
    return hashlib.sha256(token.encode()).digest()
