"""CreatePassword: e-mail, birth date and password complete an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from onegenie.error.v1.reasons import AppReason
from psycopg.errors import UniqueViolation

from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.passwords import hash_password
from core.room.accounts.tokens import User, is_live
from edge import ApiError, FieldViolation, invalid
from edge.v1 import annotations_pb2 as rest

_FIRST_BIRTH = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class CreatePassword:
    """What completes an account: email as `parse_email` returns it."""

    email: str
    birth: date
    password: str


async def create_password(runtime: Runtime, user: User, command: CreatePassword) -> None:
    """Complete the user's account.

    Raises INVALID_ARGUMENT for an impossible birth date, USER_ALREADY_EXISTS when the account is
    complete or the e-mail another's, UNAUTHENTICATED when the session has ended.
    """
    today = runtime.day_of(runtime.clock())
    if not _FIRST_BIRTH <= command.birth <= today:
        raise invalid(FieldViolation("birth", f"must be from {_FIRST_BIRTH} to today"))
    if await sql.has_password_or_taken(runtime.database, user.id, command.email):
        raise ApiError(AppReason.USER_ALREADY_EXISTS)
    password_hash = await runtime.passwords.run(hash_password, command.password)
    try:
        async with runtime.database.begin() as conn:
            # With the row held no verification can end the session any more. One that has must not
            # make this the password of the number's new owner.
            await sql.lock_user(conn, user.id)
            if not await is_live(conn, user):
                raise ApiError(rest.CONDITION_UNAUTHENTICATED)
            if not await sql.complete_account(
                conn,
                user.id,
                email=command.email,
                birth=command.birth,
                password_hash=password_hash,
            ):
                raise ApiError(AppReason.USER_ALREADY_EXISTS)
    except UniqueViolation:
        # Another account took the e-mail a moment ago.
        raise ApiError(AppReason.USER_ALREADY_EXISTS) from None
