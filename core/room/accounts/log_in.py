"""Logging in by e-mail and password, slower after each failure."""

from __future__ import annotations

from onegenie.error.v1.reasons import AppReason

from core.platform.clock import Clock
from core.platform.database import Database
from core.platform.pool import WorkPool
from core.room.accounts import failures, sql
from core.room.accounts.passwords import hash_secret, is_outdated, matches
from core.room.accounts.sessions import Device, Sessions, Tokens
from edge.reply.errors import ApiError


async def log_in(
    database: Database,
    pool: WorkPool,
    clock: Clock,
    sessions: Sessions,
    email: str,
    password: str,
    address: str,
    device: Device,
) -> Tokens:
    """Open a session on the device; the one it had of the account ends.

    Raises RATE_LIMITED, before anything is checked, USER_NOT_FOUND and WRONG_PASSWORD.
    """
    async with database.begin() as conn:
        now = clock()
        # It counts as a failure until it is none: simultaneous guesses can't slip past.
        before = await failures.count(conn, email, address, now)
        user = await sql.find_by_email(conn, email)
    if user is None:
        raise ApiError(AppReason.USER_NOT_FOUND)
    if not await pool.run(matches, user.password_hash, password):
        raise ApiError(AppReason.WRONG_PASSWORD)
    outdated = is_outdated(user.password_hash)
    fresh = await pool.run(hash_secret, password) if outdated else None
    async with database.begin() as conn:
        await failures.forgive(conn, email, address, now, before)
    async with database.begin() as conn:
        if not await sql.lock_user(conn, user.id):
            raise ApiError(AppReason.USER_NOT_FOUND)
        if fresh is not None:
            await sql.replace_hash(conn, user.id, user.password_hash, fresh)
        ended = await sql.end_sessions(conn, user.id, device.id)
        tokens = await sessions.open(conn, user.id, device)
    for session_id in ended:
        sessions.forget(session_id)
    return tokens
