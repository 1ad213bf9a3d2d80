"""VerifySignUpCode: a right code makes the number's account and opens a session of it."""

from __future__ import annotations

from dataclasses import dataclass

from onegenie.error.v1.reasons import AppReason

from core.platform.runtime import Runtime
from core.room.accounts import failures, sql
from core.room.accounts.identity import Sessions
from core.room.accounts.passwords import matches
from core.room.accounts.sessions import Device, Tokens, open_session
from edge import ApiError

# Of one code, from all addresses together: whoever has many of them guesses no further.
MOST_TRIES = 20
_VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class VerifySignUpCode:
    """A code as it was typed, and who signs up with it.

    phone: in E.164.
    name: in its normal form.
    address: the caller's IP address.
    """

    phone: str
    code: str
    name: str
    address: str
    device: Device


async def verify_sign_up_code(
    runtime: Runtime, sessions: Sessions, command: VerifySignUpCode
) -> Tokens:
    """Check a code, make or rename the number's account, and open a session on the device.

    Every other session of the account ends: the number may have a new owner. Raises RATE_LIMITED
    when the address has failed too often in a day, whatever the number; USER_ALREADY_EXISTS;
    WRONG_CODE; and CODE_EXPIRED, also when the tries of the code are used up.
    """
    phone, most = command.phone, runtime.settings.codes_per_address
    async with runtime.database.begin() as conn:
        # It counts as a failure until it is none; so does every answer that tells of a number.
        await failures.count_today(conn, _VERIFY, command.address, runtime.clock(), most=most)
    code_hash = await _count_try(runtime, command)
    if not await runtime.passwords.run(matches, code_hash, command.code):
        raise ApiError(AppReason.WRONG_CODE)
    async with runtime.database.begin() as conn:
        if not await sql.use_code(conn, phone, code_hash):
            raise ApiError(AppReason.WRONG_CODE)
        user_id = await sql.sign_up(conn, phone, command.name, runtime.clock())
        if user_id is None:
            raise ApiError(AppReason.USER_ALREADY_EXISTS)
        ended = await sql.end_sessions(conn, user_id)
        tokens = await open_session(conn, runtime, user_id, command.device)
        await failures.uncount_today(conn, _VERIFY, command.address)
    for session_id in ended:
        sessions.forget(session_id)
    return tokens


async def _count_try(runtime: Runtime, command: VerifySignUpCode) -> str:
    """Count a try of the number's code and return the hash to check it against.

    The try is counted before the code is checked: simultaneous guesses get no more tries, and
    neither a lock nor a connection is held while the hash is worked out. Raises
    USER_ALREADY_EXISTS, WRONG_CODE when no code is pending, and CODE_EXPIRED.
    """
    async with runtime.database.begin() as conn:
        if await sql.phone_has_password(conn, command.phone):
            raise ApiError(AppReason.USER_ALREADY_EXISTS)
        pending = await sql.lock_code(conn, command.phone)
        if pending is None:
            raise ApiError(AppReason.WRONG_CODE)
        tries = pending.tried_from
        of_address = tries.count(command.address)
        used_up = len(tries) >= MOST_TRIES or of_address >= runtime.settings.code_tries
        if used_up or pending.expires_at <= runtime.clock():
            raise ApiError(AppReason.CODE_EXPIRED)
        await sql.count_try(conn, command.phone, command.address)
    return pending.code_hash
