"""LogIn: by e-mail and password, slower after each failure."""

from __future__ import annotations

from dataclasses import dataclass

from onegenie.error.v1.reasons import AppReason

from core.platform.runtime import Runtime
from core.room.accounts import failures, sql
from core.room.accounts.identity import Sessions
from core.room.accounts.passwords import hash_password, is_outdated, matches
from core.room.accounts.sessions import Device, Tokens, open_session
from edge import ApiError


@dataclass(frozen=True, slots=True)
class LogIn:
    """Who wants to log in: email as `normal_email` returns it, address the caller's IP address."""

    email: str
    password: str
    address: str
    device: Device


async def log_in(runtime: Runtime, sessions: Sessions, command: LogIn) -> Tokens:
    """Open a session on the device; the one it had of the account ends.

    Raises RATE_LIMITED, before anything is checked, USER_NOT_FOUND and WRONG_PASSWORD.
    """
    database, pool = runtime.database, runtime.passwords
    email, address = command.email, command.address
    async with database.begin() as conn:
        now = runtime.clock()
        # It counts as a failure until it is none: simultaneous guesses can't slip past.
        before = await failures.count(conn, email, address, now)
        account = await sql.find_by_email(conn, email)
    if account is None:
        raise ApiError(AppReason.USER_NOT_FOUND)
    if not await pool.run(matches, account.password_hash, command.password):
        raise ApiError(AppReason.WRONG_PASSWORD)
    outdated = is_outdated(account.password_hash)
    fresh = await pool.run(hash_password, command.password) if outdated else None
    async with database.begin() as conn:
        await failures.forgive(conn, email, address, counted=now, before=before)
    async with database.begin() as conn:
        if not await sql.lock_user(conn, account.id):
            raise ApiError(AppReason.USER_NOT_FOUND)
        if fresh is not None:
            await sql.replace_hash(conn, account.id, account.password_hash, fresh)
        ended = await sql.end_sessions(conn, account.id, command.device.id)
        tokens = await open_session(conn, runtime, account.id, command.device)
    for session_id in ended:
        sessions.forget(session_id)
    return tokens
