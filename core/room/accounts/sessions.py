"""Sessions: one per account and device, renewed by refresh tokens that work once."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from core.platform.database import Connection
from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.tokens import User, make_access_token

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


async def open_session(
    conn: Connection, runtime: Runtime, user_id: uuid.UUID, device: Device
) -> Tokens:
    """Open a session on a device that has none of the account, whose row is held."""
    session_id = await sql.add_session(
        conn,
        user_id,
        runtime.clock(),
        device_id=device.id,
        provider=device.provider,
        app_token=device.app_token,
    )
    return await issue_tokens(conn, runtime, User(user_id, session_id))


async def issue_tokens(conn: Connection, runtime: Runtime, user: User) -> Tokens:
    """Make an access token, and a refresh token that is stored as its digest."""
    settings, now = runtime.settings, runtime.clock()
    refresh_token = PREFIX + secrets.token_urlsafe(32)
    await sql.add_refresh_token(
        conn,
        user.session_id,
        digest_refresh_token(refresh_token),
        now + timedelta(days=settings.refresh_token_days),
    )
    expires = now + timedelta(minutes=settings.access_token_minutes)
    return Tokens(make_access_token(runtime.signer, user, expires), refresh_token)


def digest_refresh_token(token: str) -> bytes:
    """Return what is stored of a refresh token: its SHA-256."""
    # Without salt or stretching: 256 random bits can't be guessed.
    return hashlib.sha256(token.encode()).digest()
