"""Making an account: a verified number first, then e-mail, birth date and password."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from onegenie.auth.v1 import auth_pb2 as pb
from onegenie.error.v1.reasons import AppReason
from psycopg.errors import UniqueViolation

from core.platform.clock import Clock
from core.platform.database import Database
from core.platform.pool import WorkPool
from core.platform.text import is_unseen, strip_unseen
from core.room.accounts import failures, sql
from core.room.accounts.passwords import hash_secret, matches
from core.room.accounts.sessions import Device, Sessions, Tokens
from core.room.accounts.tokens import User, is_live
from edge.reply.errors import ApiError, FieldViolation, invalid
from edge.v1 import annotations_pb2 as rest

_EMAIL = re.compile(r"[^@]+@[^@]+\.[^@]+")
# As Korean and Japanese keyboards write them: ＠ and the like, and the Japanese full stop.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: 0x2E, 0xFF61: 0x2E}
_FIRST_BIRTH = date(1900, 1, 1)
# Of one code, from all addresses together: whoever has many of them guesses no further.
MOST_TRIES = 20
_VERIFY = "verify"


async def verify_code(
    database: Database,
    pool: WorkPool,
    clock: Clock,
    sessions: Sessions,
    tries: int,
    most_failures: int,
    phone: str,
    code: str,
    name: str,
    address: str,
    device: Device,
) -> Tokens:
    """Check a code, make or rename the number's account, and open a session on the device.

    Every other session of the account ends: the number may have a new owner. `tries` is how
    often an address may try a code, `most_failures` how often it may fail in a day, whatever the
    number. Raises RATE_LIMITED, USER_ALREADY_EXISTS, WRONG_CODE and CODE_EXPIRED.
    """
    async with database.begin() as conn:
        # It counts as a failure until it is none; so does every answer that tells of a number.
        await failures.count_today(conn, _VERIFY, address, most_failures, clock())
    async with database.begin() as conn:
        if await sql.phone_has_password(conn, phone):
            raise ApiError(AppReason.USER_ALREADY_EXISTS)
        pending = await sql.lock_code(conn, phone)
        if pending is None:
            raise ApiError(AppReason.WRONG_CODE)
        tried = pending.tried_from
        used_up = len(tried) >= MOST_TRIES or tried.count(address) >= tries
        if used_up or pending.expires_at <= clock():
            raise ApiError(AppReason.CODE_EXPIRED)
        # Counted before it is checked, so that simultaneous guesses don't get more tries, and
        # neither a lock nor a connection is held while the hash is worked out.
        await sql.count_try(conn, phone, address)
    if not await pool.run(matches, pending.code_hash, code):
        raise ApiError(AppReason.WRONG_CODE)
    async with database.begin() as conn:
        if not await sql.use_code(conn, phone, pending.code_hash):
            raise ApiError(AppReason.WRONG_CODE)
        user_id = await sql.sign_up(conn, phone, name, clock())
        if user_id is None:
            raise ApiError(AppReason.USER_ALREADY_EXISTS)
        ended = await sql.end_sessions(conn, user_id)
        tokens = await sessions.open(conn, user_id, device)
        await failures.uncount_today(conn, _VERIFY, address)
    for session_id in ended:
        sessions.forget(session_id)
    return tokens


async def create_password(
    database: Database,
    pool: WorkPool,
    today: date,
    user: User,
    request: pb.CreatePasswordRequest,
) -> None:
    """Complete an account. `today` is where the service is.

    Raises INVALID_ARGUMENT for an impossible birth date, USER_ALREADY_EXISTS when the account is
    complete or the e-mail another's, UNAUTHENTICATED when the session has ended.
    """
    email, birth = _email(request.email), _birth(request.birth, today)
    if await sql.has_password_or_taken(database, user.id, email):
        raise ApiError(AppReason.USER_ALREADY_EXISTS)
    password_hash = await pool.run(hash_secret, request.password)
    try:
        async with database.begin() as conn:
            # With the row held no verification can end the session any more. One that has must not
            # make this the password of the number's new owner.
            await sql.lock_user(conn, user.id)
            if not await is_live(conn, user):
                raise ApiError(rest.CONDITION_UNAUTHENTICATED)
            if not await sql.complete_account(
                conn, user.id, email=email, birth=birth, password_hash=password_hash
            ):
                raise ApiError(AppReason.USER_ALREADY_EXISTS)
    except UniqueViolation:
        # Another account took the e-mail a moment ago.
        raise ApiError(AppReason.USER_ALREADY_EXISTS) from None


def as_stored(email: str) -> str:
    """The e-mail as accounts have it: in lower case, its letters composed (NFC), those of full
    width as plain ones, without what pasting has left around it."""
    return unicodedata.normalize("NFC", strip_unseen(email).translate(_FULL_WIDTH).lower())


def _email(text: str) -> str:
    email = as_stored(text)
    if not email:
        raise invalid(FieldViolation("email", "is required"))
    # Two accounts whose e-mails look the same would be a trap.
    if any(is_unseen(letter) for letter in email):
        raise invalid(FieldViolation("email", "must not contain spaces or invisible characters"))
    if not _EMAIL.fullmatch(email):
        raise invalid(FieldViolation("email", "must be an e-mail address, for example a@b.kr"))
    return email


def _birth(text: str, today: date) -> date:
    try:
        birth = date.fromisoformat(text)
    except ValueError:
        raise invalid(FieldViolation("birth", "must be a date of the calendar")) from None
    if not _FIRST_BIRTH <= birth <= today:
        raise invalid(FieldViolation("birth", f"must be from {_FIRST_BIRTH} to today"))
    return birth
