"""SQL of accounts, codes and sessions. Locks are taken in one order: user, session, token."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.room.accounts.tables import (
    auth_code_requests,
    auth_codes,
    auth_refresh_tokens,
    auth_sessions,
    users,
)

# Accounts


async def phone_has_password(conn: AsyncConnection, phone: str) -> bool:
    """Whether the number has a complete account."""
    query = select(users.c.id).where(users.c.phone == phone, users.c.password_hash.is_not(None))
    return await conn.scalar(query) is not None


async def sign_up(conn: AsyncConnection, phone: str, name: str, now: datetime) -> uuid.UUID | None:
    """The number's account without a password, made or renamed, and locked.

    None when the account has a password.
    """
    statement = upsert(users).values(id=uuid.uuid4(), phone=phone, name=name, created_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=[users.c.phone],
        set_={"name": statement.excluded.name},
        where=users.c.password_hash.is_(None),
    )
    return await conn.scalar(statement.returning(users.c.id))


async def has_password_or_taken(conn: AsyncConnection, user_id: uuid.UUID, email: str) -> bool:
    """Whether the account has a password, or another one the e-mail."""
    query = select(users.c.id).where(
        or_(
            (users.c.id == user_id) & users.c.password_hash.is_not(None),
            (users.c.id != user_id) & (users.c.email == email),
        )
    )
    return await conn.scalar(query.limit(1)) is not None


async def complete_account(
    conn: AsyncConnection, user_id: uuid.UUID, email: str, birth: date, password_hash: str
) -> bool:
    """Complete an account; False when it is complete. IntegrityError when the e-mail is taken."""
    statement = (
        update(users)
        .where(users.c.id == user_id, users.c.password_hash.is_(None))
        .values(email=email, birth=birth, password_hash=password_hash)
    )
    return (await conn.execute(statement)).rowcount == 1


async def find_by_email(conn: AsyncConnection, email: str) -> Any | None:
    """id and password_hash of the account that logs in with the e-mail."""
    query = select(users.c.id, users.c.password_hash).where(users.c.email == email)
    return (await conn.execute(query)).one_or_none()


async def lock_user(conn: AsyncConnection, user_id: uuid.UUID) -> bool:
    """Hold the account's row; False when it is gone."""
    query = select(users.c.id).where(users.c.id == user_id).with_for_update()
    return await conn.scalar(query) is not None


async def replace_hash(conn: AsyncConnection, user_id: uuid.UUID, old: str, new: str) -> None:
    """Store the same password's new hash."""
    await conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.password_hash == old)
        .values(password_hash=new)
    )


# Codes


async def lock_code_limits(conn: AsyncConnection, phone: str, address: str) -> None:
    """Hold the number's and the address's limits until the transaction ends."""
    keys = sorted({_lock_key("phone", phone), _lock_key("address", address)})
    for key in keys:  # in one order, or two transactions could wait for each other
        await _lock(conn, key)


async def lock_codes_of(conn: AsyncConnection, phone: str) -> None:
    """Hold the number's limits: nobody asks for a code of it until the transaction ends."""
    await _lock(conn, _lock_key("phone", phone))


async def lock_service_limit(conn: AsyncConnection) -> None:
    """Hold the service's limit, after the others."""
    await _lock(conn, _lock_key("service", ""))


async def _lock(conn: AsyncConnection, key: int) -> None:
    await conn.execute(select(func.pg_advisory_xact_lock(bindparam("key", key, type_=BigInteger))))


def _lock_key(kind: str, value: str) -> int:
    digest = hashlib.sha256(f"onegenie.auth.{kind}:{value}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


async def count_requests(
    conn: AsyncConnection, phone: str, after: datetime
) -> tuple[int, datetime | None]:
    """How many codes the number was to be sent after then, and when the last one."""
    requested_at = auth_code_requests.c.requested_at
    query = select(func.count(), func.max(requested_at))
    query = query.where(auth_code_requests.c.phone == phone, requested_at > after)
    number, last = (await conn.execute(query)).one()
    return number, last


async def nth_last_request(
    conn: AsyncConnection, after: datetime, nth: int, **of: str | bool
) -> datetime | None:
    """When the nth last code, counted from 1, was asked for after then, among those that have the
    `phone`, the `address`, or are of accounts that were `complete` or weren't."""
    requested_at = auth_code_requests.c.requested_at
    query = (
        select(requested_at)
        .filter_by(**of)
        .where(requested_at > after)
        .order_by(requested_at.desc())
        .offset(nth - 1)
        .limit(1)
    )
    return await conn.scalar(query)


async def add_request(
    conn: AsyncConnection, phone: str, address: str, now: datetime, complete: bool = False
) -> int:
    """Store that a code was asked for, or could have been were the account not `complete`. Its
    id."""
    statement = insert(auth_code_requests).values(
        phone=phone, address=address, requested_at=now, complete=complete
    )
    added: int = (await conn.execute(statement.returning(auth_code_requests.c.id))).scalar_one()
    return added


async def latest_request(conn: AsyncConnection, request_id: int) -> Any | None:
    """phone and requested_at; None when it is gone or the number has a newer one."""
    newer = auth_code_requests.alias()
    query = select(auth_code_requests.c.phone, auth_code_requests.c.requested_at).where(
        auth_code_requests.c.id == request_id,
        ~exists().where(newer.c.phone == auth_code_requests.c.phone, newer.c.id > request_id),
    )
    return (await conn.execute(query)).one_or_none()


async def put_code(conn: AsyncConnection, phone: str, code_hash: str, expires_at: datetime) -> None:
    """Make this the code that the number signs up with."""
    values = {"code_hash": code_hash, "expires_at": expires_at, "tried_from": []}
    statement = upsert(auth_codes).values(phone=phone, **values)
    await conn.execute(
        statement.on_conflict_do_update(index_elements=[auth_codes.c.phone], set_=values)
    )


async def lock_code(conn: AsyncConnection, phone: str) -> Any | None:
    """code_hash, expires_at and tried_from of the number's code, its row held."""
    query = select(auth_codes).where(auth_codes.c.phone == phone).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def count_try(conn: AsyncConnection, phone: str, address: str) -> None:
    """One more try of the number's code, from an address."""
    tried_from = func.array_append(auth_codes.c.tried_from, address)
    await conn.execute(
        update(auth_codes).where(auth_codes.c.phone == phone).values(tried_from=tried_from)
    )


async def use_code(conn: AsyncConnection, phone: str, code_hash: str) -> bool:
    """Take the code away; False when it is gone or another one by now."""
    statement = delete(auth_codes).where(
        auth_codes.c.phone == phone, auth_codes.c.code_hash == code_hash
    )
    return (await conn.execute(statement)).rowcount == 1


# Sessions


async def end_sessions(
    conn: AsyncConnection, user_id: uuid.UUID, device_id: str | None = None
) -> list[uuid.UUID]:
    """End the account's sessions, or the one on the device. Their ids."""
    statement = delete(auth_sessions).where(auth_sessions.c.user_id == user_id)
    if device_id is not None:
        statement = statement.where(auth_sessions.c.device_id == device_id)
    return list(await conn.scalars(statement.returning(auth_sessions.c.id)))


async def end_session(conn: AsyncConnection, session_id: uuid.UUID) -> None:
    """End one session, with its tokens."""
    await conn.execute(delete(auth_sessions).where(auth_sessions.c.id == session_id))


async def add_session(
    conn: AsyncConnection,
    user_id: uuid.UUID,
    device_id: str,
    provider: str,
    app_token: str | None,
    now: datetime,
) -> uuid.UUID:
    """A new session on a device that has none of the account."""
    session_id = uuid.uuid4()
    await conn.execute(
        insert(auth_sessions).values(
            id=session_id,
            user_id=user_id,
            device_id=device_id,
            provider=provider,
            app_token=app_token,
            created_at=now,
            refreshed_at=now,
        )
    )
    return session_id


async def add_refresh_token(
    conn: AsyncConnection, session_id: uuid.UUID, token_hash: bytes, expires_at: datetime
) -> None:
    """One more token that renews the session."""
    await conn.execute(
        insert(auth_refresh_tokens).values(
            hash=token_hash, session_id=session_id, expires_at=expires_at
        )
    )


async def lock_session_of(conn: AsyncConnection, token_hash: bytes) -> Any | None:
    """id and user_id of the session that a refresh token is of, its row held."""
    of = select(auth_refresh_tokens.c.session_id).where(auth_refresh_tokens.c.hash == token_hash)
    query = (
        select(auth_sessions.c.id, auth_sessions.c.user_id)
        .where(auth_sessions.c.id == of.scalar_subquery())
        .with_for_update()
    )
    return (await conn.execute(query)).one_or_none()


async def refresh_token(conn: AsyncConnection, token_hash: bytes) -> Any | None:
    """expires_at and used_at of a token; None when it has expired and was swept."""
    query = select(auth_refresh_tokens).where(auth_refresh_tokens.c.hash == token_hash)
    return (await conn.execute(query)).one_or_none()


async def use_refresh_token(
    conn: AsyncConnection, session_id: uuid.UUID, token_hash: bytes, now: datetime
) -> None:
    """Mark a token as used and its session as renewed."""
    await conn.execute(
        update(auth_refresh_tokens)
        .where(auth_refresh_tokens.c.hash == token_hash)
        .values(used_at=now)
    )
    await conn.execute(
        update(auth_sessions).where(auth_sessions.c.id == session_id).values(refreshed_at=now)
    )
