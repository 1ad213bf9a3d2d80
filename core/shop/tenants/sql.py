"""SQL of tenants, their keys and their credit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.platform.database import Connection, Query, Reader, Statement, params
from core.shop.tenants.tables import api_key_secrets, api_keys, credit_ledger, tenants

KeyKind = Literal["sdk", "admin", "signage"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a key stands for."""

    tenant_id: uuid.UUID
    key_id: uuid.UUID
    kind: KeyKind
    signage_id: str | None


# ---- tenants ----


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as the operator sees it."""

    id: uuid.UUID
    name: str
    locale: str
    credits: int
    created_at: datetime


_TENANTS = Query(select(tenants).order_by(tenants.c.created_at), Tenant)
_TENANT_BY_NAME = Query(select(tenants.c.id).where(tenants.c.name == bindparam("name")), uuid.UUID)
_SOME_TENANTS = Query(select(tenants.c.id).limit(2), uuid.UUID)
_FIND_TENANTS = Query(
    select(tenants.c.id)
    .where(or_(tenants.c.name == bindparam("name"), tenants.c.id == bindparam("id")))
    .limit(2),
    uuid.UUID,
)
_CREATE_TENANT = Statement(insert(tenants).values(params("id", "name", "locale")))
_LOCALE = Query(select(tenants.c.locale).where(tenants.c.id == bindparam("tenant")), str)


async def create_tenant(conn: Connection, name: str, locale: str = "ko") -> uuid.UUID:
    """Add a tenant without credit and return its id.

    Raises psycopg.errors.UniqueViolation for a name in use.
    """
    tenant_id = uuid.uuid4()
    await conn.run(_CREATE_TENANT, id=tenant_id, name=name, locale=locale)
    return tenant_id


async def list_tenants(reader: Reader) -> list[Tenant]:
    """Return all tenants, oldest first."""
    return await reader.all(_TENANTS)


async def has_tenants(reader: Reader) -> bool:
    """Return whether there is any tenant."""
    return bool(await reader.all(_SOME_TENANTS))


async def tenant_by_name(reader: Reader, name: str) -> uuid.UUID | None:
    """Return the tenant of that name."""
    return await reader.first(_TENANT_BY_NAME, name=name)


async def find_tenant(reader: Reader, id_or_name: str | None) -> uuid.UUID:
    """Find a tenant by id or name; None is the only tenant there is.

    Raises LookupError, which says what is wrong.
    """
    if id_or_name is None:
        found = await reader.all(_SOME_TENANTS)
    else:
        found = await reader.all(_FIND_TENANTS, name=id_or_name, id=_uuid(id_or_name))
    if len(found) == 1:
        return found[0]
    if id_or_name is not None:
        raise LookupError(f"no tenant has the id or name {id_or_name!r}")
    raise LookupError(
        "there are several tenants: say which with --tenant (`onegenie tenant list`)"
        if found
        else "there is no tenant yet: `onegenie tenant create NAME`"
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


async def read_locale(reader: Reader, tenant_id: uuid.UUID) -> str | None:
    """Return the language of the tenant's answers."""
    return await reader.first(_LOCALE, tenant=tenant_id)


# ---- keys ----

_ADD_KEY = Statement(
    insert(api_keys).values(params("id", "tenant_id", "kind", "name", "signage_id", "created_by"))
)
_ADD_SECRET = Statement(insert(api_key_secrets).values(params("hash", "key_id", "hint")))
# Until the transaction is over.
_TAKE_TURNS = Statement(
    select(
        func.pg_advisory_xact_lock(
            func.hashtext(literal("keys ") + cast(bindparam("tenant", type_=Uuid), Text))
        )
    )
)


async def take_turns(conn: Connection, tenant_id: uuid.UUID) -> None:
    """Let no other transaction make a key with a key of this tenant, or end one, until this one
    is over: else a key that is made while its maker ends would stay."""
    await conn.run(_TAKE_TURNS, tenant=tenant_id)


async def add_key(conn: Connection, key_id: uuid.UUID, **values: Any) -> None:
    """Add a key without a secret; `values` are those of the other columns."""
    await conn.run(_ADD_KEY, id=key_id, **values)


async def add_secret(conn: Connection, key_id: uuid.UUID, digest: bytes, hint: str) -> None:
    """Add a secret to a key."""
    await conn.run(_ADD_SECRET, hash=digest, key_id=key_id, hint=hint)


_OWN_KEY = select(api_keys.c.id).where(
    api_keys.c.id == bindparam("b_key"), api_keys.c.tenant_id == bindparam("b_tenant")
)
_made = _OWN_KEY.cte("ending", recursive=True)
_WITH_MADE = _made.union(select(api_keys.c.id).join(_made, api_keys.c.created_by == _made.c.id))
_END = (
    update(api_keys)
    .where(api_keys.c.revoked_at.is_(None))
    .values(revoked_at=func.now())
    .returning(api_keys.c.id)
)
_REVOKE = Query(_END.where(api_keys.c.id.in_(_OWN_KEY)), uuid.UUID)
_REVOKE_WITH_MADE = Query(_END.where(api_keys.c.id.in_(select(_WITH_MADE.c.id))), uuid.UUID)


async def revoke_key(
    conn: Connection, tenant_id: uuid.UUID, key_id: uuid.UUID, *, with_made: bool
) -> list[uuid.UUID]:
    """End a key, and with `with_made` those made with it, down to the last; return what ended."""
    revoke = _REVOKE_WITH_MADE if with_made else _REVOKE
    return await conn.all(revoke, b_tenant=tenant_id, b_key=key_id)


_REVOKE_OTHERS = Statement(
    update(api_key_secrets)
    .where(
        api_key_secrets.c.key_id == bindparam("b_key"),
        api_key_secrets.c.hash != bindparam("b_keep"),
        api_key_secrets.c.revoked_at.is_(None),
    )
    .values(revoked_at=func.now())
)


async def revoke_other_secrets(conn: Connection, key_id: uuid.UUID, keep: bytes) -> int:
    """End every secret of a key but the one with this digest; return how many ended."""
    return await conn.run(_REVOKE_OTHERS, b_key=key_id, b_keep=keep)


_CALLER = Query(
    select(
        api_keys.c.tenant_id, api_keys.c.id.label("key_id"), api_keys.c.kind, api_keys.c.signage_id
    )
    .join(api_key_secrets, api_key_secrets.c.key_id == api_keys.c.id)
    .where(api_key_secrets.c.hash == bindparam("hash"))
    .where(api_key_secrets.c.revoked_at.is_(None), api_keys.c.revoked_at.is_(None)),
    Caller,
)


async def caller_by_digest(reader: Reader, digest: bytes) -> Caller | None:
    """Return whom a living secret stands for."""
    return await reader.first(_CALLER, hash=digest)


_LIVING = Query(
    select(api_keys.c.id).where(api_keys.c.id == bindparam("key"), api_keys.c.revoked_at.is_(None)),
    uuid.UUID,
)
_LIVING_OF_NAME = Query(
    select(api_keys.c.id)
    .where(
        api_keys.c.tenant_id == bindparam("tenant"),
        api_keys.c.kind == bindparam("kind"),
        api_keys.c.name == bindparam("name"),
        api_keys.c.revoked_at.is_(None),
    )
    .order_by(api_keys.c.created_at)
    .limit(1),
    uuid.UUID,
)


async def key_is_living(reader: Reader, key_id: uuid.UUID) -> bool:
    """Return whether a key has not been revoked."""
    return await reader.first(_LIVING, key=key_id) is not None


async def key_by_name(
    reader: Reader, tenant_id: uuid.UUID, kind: KeyKind, name: str
) -> uuid.UUID | None:
    """Return the tenant's oldest living key of that kind and name."""
    return await reader.first(_LIVING_OF_NAME, tenant=tenant_id, kind=kind, name=name)


@dataclass(frozen=True, slots=True)
class Key:
    """A key, with the hints of its living secrets, oldest first; None when there are none."""

    id: uuid.UUID
    kind: KeyKind
    name: str
    signage_id: str | None
    created_by: uuid.UUID | None
    created_at: datetime
    revoked_at: datetime | None
    hints: list[str] | None


_ALL_KEYS = (
    select(
        api_keys.c.id,
        api_keys.c.kind,
        api_keys.c.name,
        api_keys.c.signage_id,
        api_keys.c.created_by,
        api_keys.c.created_at,
        api_keys.c.revoked_at,
        func.array_agg(aggregate_order_by(api_key_secrets.c.hint, api_key_secrets.c.created_at))
        .filter(api_key_secrets.c.revoked_at.is_(None), api_keys.c.revoked_at.is_(None))
        .label("hints"),
    )
    .outerjoin(api_key_secrets, api_key_secrets.c.key_id == api_keys.c.id)
    .where(api_keys.c.tenant_id == bindparam("tenant"))
    .group_by(api_keys.c.id)
    .order_by(api_keys.c.created_at, api_keys.c.id)
)
_KEYS = Query(_ALL_KEYS, Key)
_KEY = Query(_ALL_KEYS.where(api_keys.c.id == bindparam("key")), Key)


async def list_keys(reader: Reader, tenant_id: uuid.UUID) -> list[Key]:
    """Return a tenant's keys, oldest first."""
    return await reader.all(_KEYS, tenant=tenant_id)


async def find_key(reader: Reader, tenant_id: uuid.UUID, key_id: uuid.UUID) -> Key | None:
    """Return one of a tenant's keys, living or not."""
    return await reader.first(_KEY, tenant=tenant_id, key=key_id)


# ---- credit ----


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A change of a tenant's credit."""

    id: int
    delta: int
    reason: str
    round_id: uuid.UUID | None
    note: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a grant of credit changed the balance by, and why."""

    delta: int
    note: str | None


_BALANCE = Query(select(tenants.c.credits).where(tenants.c.id == bindparam("tenant")), int)
_LEDGER = Query(
    select(
        credit_ledger.c.id,
        credit_ledger.c.delta,
        credit_ledger.c.reason,
        credit_ledger.c.round_id,
        credit_ledger.c.note,
        credit_ledger.c.created_at,
    )
    .where(credit_ledger.c.tenant_id == bindparam("tenant"))
    .where(credit_ledger.c.id < func.coalesce(bindparam("before", type_=BigInteger), 2**63 - 1))
    .order_by(credit_ledger.c.id.desc())
    .limit(bindparam("limit", type_=BigInteger)),
    LedgerEntry,
)
_LOCK_BALANCE = Query(
    select(tenants.c.credits)
    .where(tenants.c.id == bindparam("tenant"))
    .with_for_update(key_share=True),
    int,
)
_EARLIER_GRANT = Query(
    select(credit_ledger.c.delta, credit_ledger.c.note).where(
        credit_ledger.c.tenant_id == bindparam("tenant"),
        credit_ledger.c.idempotency_key == bindparam("idem"),
    ),
    Grant,
)
_SET_BALANCE = Statement(
    update(tenants).where(tenants.c.id == bindparam("b_tenant")).values(credits=bindparam("b_new"))
)
_ADD_GRANT = Statement(
    insert(credit_ledger).values(
        params("tenant_id", "delta", "note", "idempotency_key") | {"reason": "grant"}
    )
)


async def read_balance(reader: Reader, tenant_id: uuid.UUID) -> int:
    """Return the credits that a tenant has left."""
    return await reader.one(_BALANCE, tenant=tenant_id)


async def list_ledger(
    reader: Reader, tenant_id: uuid.UUID, before: int | None, limit: int
) -> list[LedgerEntry]:
    """Return entries of a tenant's ledger, newest first, from the one before id `before` on.

    Whoever writes one holds the tenant's row, so a later entry has a higher id.
    """
    return await reader.all(_LEDGER, tenant=tenant_id, before=before, limit=limit)


async def lock_balance(conn: Connection, tenant_id: uuid.UUID) -> int | None:
    """Return a tenant's balance, which only this transaction may change from here on.

    None when there is no such tenant.
    """
    return await conn.first(_LOCK_BALANCE, tenant=tenant_id)


async def grant_by_idempotency_key(
    conn: Connection, tenant_id: uuid.UUID, idempotency_key: str
) -> Grant | None:
    """Return the grant that came under that key."""
    return await conn.first(_EARLIER_GRANT, tenant=tenant_id, idem=idempotency_key)


async def set_balance(conn: Connection, tenant_id: uuid.UUID, balance: int) -> None:
    """Set a tenant's balance."""
    await conn.run(_SET_BALANCE, b_tenant=tenant_id, b_new=balance)


async def add_grant(
    conn: Connection, tenant_id: uuid.UUID, grant: Grant, idempotency_key: str | None
) -> None:
    """Enter a grant into the ledger."""
    await conn.run(
        _ADD_GRANT,
        tenant_id=tenant_id,
        delta=grant.delta,
        note=grant.note,
        idempotency_key=idempotency_key,
    )


_PAID = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant"), tenants.c.credits >= 1)
    .values(credits=tenants.c.credits - 1)
    .returning(tenants.c.id)
    .cte("paid")
)
_SPEND = Statement(
    insert(credit_ledger).from_select(
        ["tenant_id", "delta", "reason", "round_id"],
        select(
            _PAID.c.id,
            literal_column("-1"),
            literal_column("'round'"),
            bindparam("round", type_=credit_ledger.c.round_id.type),
        ),
    )
)
_REFUND = Statement(
    update(tenants).where(tenants.c.id == bindparam("tenant")).values(credits=tenants.c.credits + 1)
)
_ADD_REFUND = Statement(
    insert(credit_ledger).values(params("tenant_id", "round_id") | {"delta": 1, "reason": "refund"})
)


async def spend_credit(conn: Connection, tenant_id: uuid.UUID, round_id: uuid.UUID) -> bool:
    """Take the one credit that a round costs; return False, and take nothing, when none is left."""
    return await conn.run(_SPEND, tenant=tenant_id, round=round_id) == 1


async def refund_credit(conn: Connection, tenant_id: uuid.UUID, round_id: uuid.UUID) -> None:
    """Give back the credit of a round that ended in error."""
    await conn.run(_REFUND, tenant=tenant_id)
    await conn.run(_ADD_REFUND, tenant_id=tenant_id, round_id=round_id)
