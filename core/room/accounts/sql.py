"""SQL of accounts, codes and sessions. Locks are taken in one order: user, session, token."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Column,
    DateTime,
    LargeBinary,
    Text,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from core.platform.database import (
    Connection,
    Database,
    Query,
    Reader,
    Statement,
    hold_lock,
    params,
)
from core.room.accounts.tables import (
    auth_code_requests,
    auth_codes,
    auth_failures,
    auth_refresh_tokens,
    auth_sessions,
    users,
)

# ---- accounts ----


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account and what its password is checked against."""

    id: uuid.UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class Named:
    """A user as others find them."""

    id: uuid.UUID
    name: str


_COMPLETE_OF_PHONE = Query(
    select(users.c.id).where(
        users.c.phone == bindparam("phone"), users.c.password_hash.is_not(None)
    ),
    uuid.UUID,
)
_NEW_USER = upsert(users).values(params("id", "phone", "name", "created_at"))
_SIGN_UP = Query(
    _NEW_USER.on_conflict_do_update(
        index_elements=[users.c.phone],
        set_={"name": _NEW_USER.excluded.name},
        where=users.c.password_hash.is_(None),
    ).returning(users.c.id),
    uuid.UUID,
)
_HAS_PASSWORD_OR_TAKEN = Query(
    select(users.c.id)
    .where(
        or_(
            (users.c.id == bindparam("user")) & users.c.password_hash.is_not(None),
            (users.c.id != bindparam("user")) & (users.c.email == bindparam("email")),
        )
    )
    .limit(1),
    uuid.UUID,
)
_COMPLETE = Statement(
    update(users)
    .where(users.c.id == bindparam("user"), users.c.password_hash.is_(None))
    .values(params("email", "birth", "password_hash"))
)
_BY_EMAIL = Query(
    select(users.c.id, users.c.password_hash).where(users.c.email == bindparam("email")),
    Credentials,
)
_LOCK_USER = Query(
    select(users.c.id).where(users.c.id == bindparam("user")).with_for_update(), uuid.UUID
)
_REPLACE_HASH = Statement(
    update(users)
    .where(users.c.id == bindparam("user"), users.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
)
_OLDEST_OF_NAME = Query(
    select(users.c.id, users.c.name)
    .where(users.c.name == bindparam("name"))
    .order_by(users.c.created_at, users.c.id)
    .limit(1),
    Named,
)


async def phone_has_password(reader: Reader, phone: str) -> bool:
    """Return whether the number has a complete account."""
    return await reader.first(_COMPLETE_OF_PHONE, phone=phone) is not None


async def sign_up(conn: Connection, phone: str, name: str, now: datetime) -> uuid.UUID | None:
    """Make or rename the number's account, hold its row and return its id.

    Return None if the account has a password.
    """
    return await conn.first(_SIGN_UP, id=uuid.uuid4(), phone=phone, name=name, created_at=now)


async def has_password_or_taken(reader: Reader, user_id: uuid.UUID, email: str) -> bool:
    """Return whether the account has a password, or another one the e-mail."""
    return await reader.first(_HAS_PASSWORD_OR_TAKEN, user=user_id, email=email) is not None


async def complete_account(
    conn: Connection, user_id: uuid.UUID, *, email: str, birth: date, password_hash: str
) -> bool:
    """Complete an account. Return False if it is complete.

    Raises psycopg.errors.UniqueViolation when the e-mail is another's.
    """
    completed = await conn.run(
        _COMPLETE, user=user_id, email=email, birth=birth, password_hash=password_hash
    )
    return completed == 1


async def find_by_email(reader: Reader, email: str) -> Credentials | None:
    """Return the account that logs in with the e-mail."""
    return await reader.first(_BY_EMAIL, email=email)


async def lock_user(conn: Connection, user_id: uuid.UUID) -> bool:
    """Hold the account's row. Return False if it is gone."""
    return await conn.first(_LOCK_USER, user=user_id) is not None


async def replace_hash(conn: Connection, user_id: uuid.UUID, old: str, new: str) -> None:
    """Store the same password's new hash."""
    await conn.run(_REPLACE_HASH, user=user_id, old=old, new=new)


async def oldest_of_name(reader: Reader, name: str) -> Named | None:
    """Return who has had the name for longest."""
    return await reader.first(_OLDEST_OF_NAME, name=name)


# ---- codes ----


@dataclass(frozen=True, slots=True)
class Requests:
    """How many codes a number was to be sent, and when the last one."""

    number: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """That a number was to be sent a code."""

    phone: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class PendingCode:
    """A code that was sent, and the address of each try."""

    code_hash: str
    expires_at: datetime
    tried_from: list[str]


_requested_at = auth_code_requests.c.requested_at
_COUNT_REQUESTS = Query(
    select(func.count().label("number"), func.max(_requested_at).label("last")).where(
        auth_code_requests.c.phone == bindparam("phone"), _requested_at > bindparam("after")
    ),
    Requests,
)


def _nth_last(column: Column[str] | Column[bool]) -> Query[datetime]:
    return Query(
        select(_requested_at)
        .where(column == bindparam("of"), _requested_at > bindparam("after"))
        .order_by(_requested_at.desc())
        .offset(bindparam("nth", type_=BigInteger) - 1)
        .limit(1),
        datetime,
    )


_NTH_LAST = {
    name: _nth_last(auth_code_requests.c[name]) for name in ("phone", "address", "complete")
}
_ADD_REQUEST = Query(
    insert(auth_code_requests)
    .values(params("phone", "address", "requested_at", "complete"))
    .returning(auth_code_requests.c.id),
    int,
)
_newer = auth_code_requests.alias()
_LATEST_REQUEST = Query(
    select(auth_code_requests.c.phone, _requested_at).where(
        auth_code_requests.c.id == bindparam("id"),
        ~exists().where(
            _newer.c.phone == auth_code_requests.c.phone, _newer.c.id > auth_code_requests.c.id
        ),
    ),
    CodeRequest,
)
_NEW_CODE = upsert(auth_codes).values(params("phone", "code_hash", "expires_at", "tried_from"))
_PUT_CODE = Statement(
    _NEW_CODE.on_conflict_do_update(
        index_elements=[auth_codes.c.phone],
        set_={name: _NEW_CODE.excluded[name] for name in ("code_hash", "expires_at", "tried_from")},
    )
)
_LOCK_CODE = Query(
    select(auth_codes.c.code_hash, auth_codes.c.expires_at, auth_codes.c.tried_from)
    .where(auth_codes.c.phone == bindparam("phone"))
    .with_for_update(),
    PendingCode,
)
_COUNT_TRY = Statement(
    update(auth_codes)
    .where(auth_codes.c.phone == bindparam("b_phone"))
    .values(tried_from=func.array_append(auth_codes.c.tried_from, bindparam("address", type_=Text)))
)
_USE_CODE = Statement(
    delete(auth_codes).where(
        auth_codes.c.phone == bindparam("phone"), auth_codes.c.code_hash == bindparam("hash")
    )
)


async def lock_code_limits(conn: Connection, phone: str, address: str) -> None:
    """Hold the number's and the address's limits until the transaction ends."""
    keys = sorted({_lock_key("phone", phone), _lock_key("address", address)})
    for key in keys:  # in one order, or two transactions could wait for each other
        await hold_lock(conn, key)


async def lock_codes_of(conn: Connection, phone: str) -> None:
    """Hold the number's limits: nobody asks for a code of it until the transaction ends."""
    await hold_lock(conn, _lock_key("phone", phone))


async def lock_service_limit(conn: Connection) -> None:
    """Hold the service's limit, after the others."""
    await hold_lock(conn, _lock_key("service", ""))


def _lock_key(kind: str, value: str) -> int:
    digest = hashlib.sha256(f"onegenie.auth.{kind}:{value}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


async def count_requests(reader: Reader, phone: str, after: datetime) -> Requests:
    """Count the codes that the number was to be sent after then."""
    return await reader.one(_COUNT_REQUESTS, phone=phone, after=after)


async def nth_last_request(
    reader: Reader, after: datetime, nth: int, **of: str | bool
) -> datetime | None:
    """Return when the nth last code, counted from 1, was asked for, if that was after then.

    `of` is one of `phone`, `address` and `complete`: only codes with that value are counted.
    """
    ((name, value),) = of.items()
    return await reader.first(_NTH_LAST[name], of=value, after=after, nth=nth)


async def add_request(
    conn: Connection, phone: str, address: str, now: datetime, *, complete: bool = False
) -> int:
    """Store that a code was asked for, and return the request's id.

    No code is sent for it if the account is `complete`.
    """
    return await conn.one(
        _ADD_REQUEST, phone=phone, address=address, requested_at=now, complete=complete
    )


async def latest_request(reader: Reader, request_id: int) -> CodeRequest | None:
    """Return the request, or None if it is gone or the number has a newer one."""
    return await reader.first(_LATEST_REQUEST, id=request_id)


async def put_code(conn: Connection, phone: str, code_hash: str, expires_at: datetime) -> None:
    """Make this the code that the number signs up with."""
    await conn.run(
        _PUT_CODE, phone=phone, code_hash=code_hash, expires_at=expires_at, tried_from=[]
    )


async def lock_code(conn: Connection, phone: str) -> PendingCode | None:
    """Hold the row of the number's code, and return the code."""
    return await conn.first(_LOCK_CODE, phone=phone)


async def count_try(conn: Connection, phone: str, address: str) -> None:
    """Add a try of the number's code, from an address."""
    await conn.run(_COUNT_TRY, b_phone=phone, address=address)


async def use_code(conn: Connection, phone: str, code_hash: str) -> bool:
    """Take the code away. Return False if it is gone or another one by now."""
    return await conn.run(_USE_CODE, phone=phone, hash=code_hash) == 1


# ---- sessions ----


@dataclass(frozen=True, slots=True)
class Session:
    """A session and whose it is."""

    id: uuid.UUID
    user_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token that renews a session once."""

    expires_at: datetime
    used_at: datetime | None


_OF_USER = auth_sessions.c.user_id == bindparam("user")
_END_SESSIONS = Query(
    delete(auth_sessions).where(_OF_USER).returning(auth_sessions.c.id), uuid.UUID
)
_END_ON_DEVICE = Query(
    delete(auth_sessions)
    .where(_OF_USER, auth_sessions.c.device_id == bindparam("device"))
    .returning(auth_sessions.c.id),
    uuid.UUID,
)
_END_SESSION = Statement(delete(auth_sessions).where(auth_sessions.c.id == bindparam("session")))
_ADD_SESSION = Statement(
    insert(auth_sessions).values(
        params("id", "user_id", "device_id", "provider", "app_token", "created_at", "refreshed_at")
    )
)
_LIVE_SESSION = Query(
    select(auth_sessions.c.id).where(auth_sessions.c.id == bindparam("session"), _OF_USER),
    uuid.UUID,
)
_ADD_TOKEN = Statement(
    insert(auth_refresh_tokens).values(params("hash", "session_id", "expires_at"))
)
_OF_HASH = auth_refresh_tokens.c.hash == bindparam("b_hash")
_LOCK_SESSION_OF = Query(
    select(auth_sessions.c.id, auth_sessions.c.user_id)
    .where(
        auth_sessions.c.id
        == select(auth_refresh_tokens.c.session_id).where(_OF_HASH).scalar_subquery()
    )
    .with_for_update(),
    Session,
)
_TOKEN = Query(
    select(auth_refresh_tokens.c.expires_at, auth_refresh_tokens.c.used_at).where(_OF_HASH),
    RefreshToken,
)
_USE_TOKEN = Statement(update(auth_refresh_tokens).where(_OF_HASH).values(used_at=bindparam("now")))
_RENEW_SESSION = Statement(
    update(auth_sessions)
    .where(auth_sessions.c.id == bindparam("session"))
    .values(refreshed_at=bindparam("now"))
)


async def end_sessions(
    conn: Connection, user_id: uuid.UUID, device_id: str | None = None
) -> list[uuid.UUID]:
    """End the account's sessions, or the one on the device. Return their ids."""
    if device_id is None:
        return await conn.all(_END_SESSIONS, user=user_id)
    return await conn.all(_END_ON_DEVICE, user=user_id, device=device_id)


async def end_session(conn: Connection, session_id: uuid.UUID) -> None:
    """End one session, with its tokens."""
    await conn.run(_END_SESSION, session=session_id)


async def add_session(
    conn: Connection,
    user_id: uuid.UUID,
    now: datetime,
    *,
    device_id: str,
    provider: str,
    app_token: str | None,
) -> uuid.UUID:
    """Add a session on a device that has none of the account. Return its id."""
    session_id = uuid.uuid4()
    await conn.run(
        _ADD_SESSION,
        id=session_id,
        user_id=user_id,
        device_id=device_id,
        provider=provider,
        app_token=app_token,
        created_at=now,
        refreshed_at=now,
    )
    return session_id


async def session_is_live(reader: Reader, user_id: uuid.UUID, session_id: uuid.UUID) -> bool:
    """Return whether the user's session has not ended."""
    return await reader.first(_LIVE_SESSION, user=user_id, session=session_id) is not None


async def add_refresh_token(
    conn: Connection, session_id: uuid.UUID, digest: bytes, expires_at: datetime
) -> None:
    """Add a token that renews the session."""
    await conn.run(_ADD_TOKEN, hash=digest, session_id=session_id, expires_at=expires_at)


async def lock_session_of(conn: Connection, digest: bytes) -> Session | None:
    """Hold the row of the session that a refresh token is of, and return the session."""
    return await conn.first(_LOCK_SESSION_OF, b_hash=digest)


async def refresh_token(reader: Reader, digest: bytes) -> RefreshToken | None:
    """Return a token, or None if it has expired and was swept."""
    return await reader.first(_TOKEN, b_hash=digest)


async def use_refresh_token(
    conn: Connection, session_id: uuid.UUID, digest: bytes, now: datetime
) -> None:
    """Mark a token as used and its session as renewed."""
    await conn.run(_USE_TOKEN, b_hash=digest, now=now)
    await conn.run(_RENEW_SESSION, session=session_id, now=now)


# ---- failures ----


@dataclass(frozen=True, slots=True)
class Failures:
    """How often something has failed, counted from the first time on."""

    key: bytes
    failures: int
    first_at: datetime
    last_at: datetime


_keys = (
    func.unnest(bindparam("keys", type_=ARRAY(LargeBinary)))
    .table_valued("key", with_ordinality="place")
    .render_derived("keys_")
)
_now: BindParameter[datetime] = bindparam("now", type_=DateTime(timezone=True))
_NO_FAILURES = upsert(auth_failures).from_select(
    ["key", "failures", "first_at", "last_at"],
    select(_keys.c.key, literal_column("0"), _now, _now).order_by(_keys.c.place),
)
_LOCK_FAILURES = Query(
    _NO_FAILURES.on_conflict_do_update(
        index_elements=[auth_failures.c.key], set_={"key": _NO_FAILURES.excluded.key}
    ).returning(
        auth_failures.c.key,
        auth_failures.c.failures,
        auth_failures.c.first_at,
        auth_failures.c.last_at,
    ),
    Failures,
)
_OF_KEY = auth_failures.c.key == bindparam("b_key")
_SET_FAILURES = Statement(
    update(auth_failures).where(_OF_KEY).values(params("failures", "first_at", "last_at"))
)
_FORGET_LAST = Statement(delete(auth_failures).where(_OF_KEY, auth_failures.c.failures <= 1))
_TAKE_BACK = Statement(
    update(auth_failures).where(_OF_KEY).values(failures=auth_failures.c.failures - 1)
)
_FORGET = Statement(
    delete(auth_failures).where(
        auth_failures.c.key == any_(bindparam("keys", type_=ARRAY(LargeBinary)))
    )
)
_TAKE_BACK_TIMED = Statement(
    update(auth_failures)
    .where(_OF_KEY, auth_failures.c.failures > 0)
    .values(
        failures=auth_failures.c.failures - 1,
        # Unless there was another one since: nobody waits for a success.
        last_at=case(
            (auth_failures.c.last_at == bindparam("counted"), bindparam("before")),
            else_=auth_failures.c.last_at,
        ),
    )
)


async def lock_failures(conn: Connection, keys: Sequence[bytes], now: datetime) -> list[Failures]:
    """Hold the row of each key, added where there was none, and return the failures.

    Rows are taken in the order given, which is the same everywhere: no two transactions wait for
    each other.
    """
    return await conn.all(_LOCK_FAILURES, keys=list(keys), now=now)


async def set_failures(conn: Connection, row: Failures) -> None:
    """Store what has been counted."""
    await conn.run(
        _SET_FAILURES,
        b_key=row.key,
        failures=row.failures,
        first_at=row.first_at,
        last_at=row.last_at,
    )


async def take_back_failure(conn: Connection, key: bytes) -> None:
    """Count one less, and forget the key when that was the last one."""
    await conn.run(_FORGET_LAST, b_key=key)
    await conn.run(_TAKE_BACK, b_key=key)


async def take_back_failure_of(
    conn: Connection, key: bytes, counted: datetime, before: datetime
) -> None:
    """Count one less; when the last one was that of `counted`, it is that of `before` again."""
    await conn.run(_TAKE_BACK_TIMED, b_key=key, counted=counted, before=before)


async def forget_failures(conn: Connection, keys: Iterable[bytes]) -> None:
    """Forget all failures of these keys."""
    await conn.run(_FORGET, keys=list(keys))


# ---- sweeping ----


def _sweep(column: Column[datetime]) -> Statement:
    """Make the statement that deletes a table's rows that are as old as `at`, by a column.

    What a call holds is left for the next time: neither waits for the other.
    """
    table = column.table
    key = next(iter(table.primary_key))
    old = select(key).where(column <= bindparam("at")).with_for_update(skip_locked=True)
    return Statement(delete(table).where(key.in_(old)))


_SWEEP_REQUESTS = _sweep(auth_code_requests.c.requested_at)
_SWEEP_CODES = _sweep(auth_codes.c.expires_at)
_SWEEP_FAILURES = _sweep(auth_failures.c.first_at)
_SWEEP_TOKENS = _sweep(auth_refresh_tokens.c.expires_at)
_SWEEP_SESSIONS = _sweep(auth_sessions.c.refreshed_at)


async def sweep(
    database: Database,
    now: datetime,
    *,
    day: timedelta,
    failures_for: timedelta,
    refresh_token_life: timedelta,
) -> None:
    """Delete what has no effect any more at `now`, each kind in a transaction of its own."""
    for statement, at in (
        (_SWEEP_REQUESTS, now - day),
        # A day longer than needed: somebody late hears that the code has expired.
        (_SWEEP_CODES, now - day),
        (_SWEEP_FAILURES, now - failures_for),
        (_SWEEP_TOKENS, now),
        # Its last refresh token expired a day ago, and with it every access token.
        (_SWEEP_SESSIONS, now - refresh_token_life - day),
    ):
        async with database.begin() as conn:
            await conn.run(statement, at=at)
