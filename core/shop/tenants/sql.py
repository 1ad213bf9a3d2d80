"""SQL of tenants, their keys and their credit."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import Database, driver_connection, fetch
from core.shop.tenants.tables import api_key_secrets, api_keys, credit_ledger, tenants

KeyKind = Literal["sdk", "admin", "signage"]
PREFIXES: dict[KeyKind, str] = {"sdk": "osk_", "admin": "oat_", "signage": "osg_"}


# A balance stays where every client's numbers are exact.
MOST_CREDIT = 10**12


class UsedForAnotherGrant(Exception):
    """The idempotency key came with another amount or note before."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a key stands for."""

    tenant_id: uuid.UUID
    key_id: uuid.UUID
    kind: KeyKind
    signage_id: str | None


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret.

    Secrets are 256 random bits, so one SHA-256 is as hard to turn back as any slow hash.
    """
    return hashlib.sha256(secret.encode()).digest()


async def create_tenant(conn: AsyncConnection, name: str, locale: str = "ko") -> uuid.UUID:
    """A new tenant without credit."""
    tenant_id = uuid.uuid4()
    await conn.execute(insert(tenants).values(id=tenant_id, name=name, locale=locale))
    return tenant_id


async def find_tenant(conn: AsyncConnection, id_or_name: str | None) -> uuid.UUID:
    """A tenant by id or name; None is the only tenant there is. LookupError says what is wrong."""
    query = select(tenants.c.id, tenants.c.name)
    if id_or_name is not None:
        try:
            query = query.where(
                or_(tenants.c.name == id_or_name, tenants.c.id == uuid.UUID(id_or_name))
            )
        except ValueError:
            query = query.where(tenants.c.name == id_or_name)
    rows = (await conn.execute(query.limit(2))).all()
    if len(rows) == 1:
        return rows[0].id
    if id_or_name is not None:
        raise LookupError(f"no tenant has the id or name {id_or_name!r}")
    raise LookupError(
        "there are several tenants: say which with --tenant (`onegenie tenant list`)"
        if rows
        else "there is no tenant yet: `onegenie tenant create NAME`"
    )


async def replace_rows(
    conn: AsyncConnection,
    tenant_id: uuid.UUID,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Put `rows` (values of `columns`) in place of all the tenant's rows in `table`; their number.

    Goes through COPY, in the transaction of `conn`.
    """
    await conn.execute(delete(table).where(table.c.tenant_id == tenant_id))
    driver = await driver_connection(conn)
    names = ", ".join(("tenant_id", *columns))
    count = 0
    async with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy,
    ):
        for count, row in enumerate(rows, 1):  # noqa: B007
            await copy.write_row((tenant_id, *row))
    return count


async def create_key(
    conn: AsyncConnection,
    tenant_id: uuid.UUID,
    kind: KeyKind,
    name: str,
    signage_id: str | None = None,
    created_by: uuid.UUID | None = None,
) -> tuple[uuid.UUID, str]:
    """A new key and its secret, which is shown here and never again.

    `created_by` is the key that makes it; LookupError when that one has been revoked.
    """
    key_id = uuid.uuid4()
    if created_by is not None:
        # A process may know the maker as living for some seconds after its end.
        await _take_turns(conn, tenant_id)
        if (await conn.execute(_LIVING, {"key": created_by})).first() is None:
            raise LookupError(f"the key {created_by} has been revoked")
    await conn.execute(
        insert(api_keys).values(
            id=key_id,
            tenant_id=tenant_id,
            kind=kind,
            name=name,
            signage_id=signage_id,
            created_by=created_by,
        )
    )
    return key_id, await add_secret(conn, key_id, kind)


async def add_secret(conn: AsyncConnection, key_id: uuid.UUID, kind: KeyKind) -> str:
    """One more secret of a key: both work until the old one is revoked."""
    secret = PREFIXES[kind] + secrets.token_urlsafe(32)
    hint = f"{PREFIXES[kind]}…{secret[-4:]}"
    await conn.execute(
        insert(api_key_secrets).values(hash=hash_secret(secret), key_id=key_id, hint=hint)
    )
    return secret


async def revoke_key(
    conn: AsyncConnection, tenant_id: uuid.UUID, key_id: uuid.UUID, *, keep_made: bool = False
) -> list[uuid.UUID]:
    """End a key with all its secrets, and unless `keep_made` what was made with it, down to the
    last; the keys that ended here, none when there was no such living key.

    Goes through a key that has ended already: what it made may live.
    """
    await _take_turns(conn, tenant_id)
    ending = (
        select(api_keys.c.id)
        .where(api_keys.c.id == key_id, api_keys.c.tenant_id == tenant_id)
        .cte("ending", recursive=True)
    )
    if not keep_made:
        made = select(api_keys.c.id).join(ending, api_keys.c.created_by == ending.c.id)
        ending = ending.union(made)
    ended = await conn.scalars(
        update(api_keys)
        .where(api_keys.c.id.in_(select(ending.c.id)), api_keys.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(api_keys.c.id)
    )
    return list(ended)


async def _take_turns(conn: AsyncConnection, tenant_id: uuid.UUID) -> None:
    """Let no other transaction make a key with a key of this tenant, or end one, until this one
    is over: else a key that is made while its maker ends would stay."""
    await conn.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"keys {tenant_id}"))))


async def revoke_other_secrets(conn: AsyncConnection, key_id: uuid.UUID, keep: str) -> int:
    """End every secret of a key but `keep`; how many ended."""
    result = await conn.execute(
        update(api_key_secrets)
        .where(api_key_secrets.c.key_id == key_id, api_key_secrets.c.hash != hash_secret(keep))
        .where(api_key_secrets.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    return result.rowcount


_CALLER = (
    select(api_keys.c.tenant_id, api_keys.c.id, api_keys.c.kind, api_keys.c.signage_id)
    .join(api_key_secrets, api_key_secrets.c.key_id == api_keys.c.id)
    .where(api_key_secrets.c.hash == bindparam("hash"))
    .where(api_key_secrets.c.revoked_at.is_(None), api_keys.c.revoked_at.is_(None))
)


async def caller_by_hash(conn: AsyncConnection, hashed: bytes) -> Caller | None:
    """Who a living secret stands for."""
    row = (await conn.execute(_CALLER, {"hash": hashed})).first()
    return Caller(*row) if row else None


_LIVING = select(api_keys.c.id).where(
    api_keys.c.id == bindparam("key"), api_keys.c.revoked_at.is_(None)
)


async def key_is_living(database: Database, key_id: uuid.UUID) -> bool:
    """Whether a key has not been revoked."""
    return bool(await database.fetch(_LIVING, {"key": key_id}))


_KEYS = (
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
_KEY = _KEYS.where(api_keys.c.id == bindparam("key"))


async def list_keys(conn: AsyncConnection, tenant_id: uuid.UUID) -> Sequence[Any]:
    """A tenant's keys, oldest first, each with the hints of its living secrets (or None)."""
    return await fetch(conn, _KEYS, {"tenant": tenant_id})


async def read_key(conn: AsyncConnection, tenant_id: uuid.UUID, key_id: uuid.UUID) -> Any:
    """One key of a tenant that has it, as list_keys gives it."""
    (row,) = await fetch(conn, _KEY, {"tenant": tenant_id, "key": key_id})
    return row


_BALANCE = select(tenants.c.credits).where(tenants.c.id == bindparam("tenant"))
_LEDGER = (
    select(credit_ledger)
    .where(credit_ledger.c.tenant_id == bindparam("tenant"))
    .where(credit_ledger.c.id < func.coalesce(bindparam("before", type_=BigInteger), 2**63 - 1))
    .order_by(credit_ledger.c.id.desc())
    .limit(bindparam("limit", type_=BigInteger))
)


async def read_balance(database: Database, tenant_id: uuid.UUID) -> int:
    """Credits left."""
    ((balance,),) = await database.fetch(_BALANCE, {"tenant": tenant_id})
    return balance


async def list_ledger(
    database: Database, tenant_id: uuid.UUID, before: int | None, limit: int
) -> Sequence[Any]:
    """Entries of a tenant's ledger, newest first, from the one before id `before` on.

    Whoever writes one holds the tenant's row, so a later entry has a higher id.
    """
    values = {"tenant": tenant_id, "before": before, "limit": limit}
    return await database.fetch(_LEDGER, values)


async def grant_credit(
    conn: AsyncConnection,
    tenant_id: uuid.UUID,
    amount: int,
    note: str | None = None,
    idempotency_key: str | None = None,
) -> int:
    """Add to a tenant's credit, or take from it; the new balance, which is 0 to MOST_CREDIT.

    A grant that has come before under its idempotency key changes nothing. Raises LookupError
    without such a tenant, ValueError for a balance out of bounds, UsedForAnotherGrant.
    """
    # Changes of one balance take turns from here on.
    balance = await conn.scalar(
        select(tenants.c.credits).where(tenants.c.id == tenant_id).with_for_update(key_share=True)
    )
    if balance is None:
        raise LookupError("there is no such tenant")
    if idempotency_key is not None:
        before = await conn.execute(
            select(credit_ledger.c.delta, credit_ledger.c.note).filter_by(
                tenant_id=tenant_id, idempotency_key=idempotency_key
            )
        )
        if (first := before.first()) is not None:
            if tuple(first) != (amount, note):
                raise UsedForAnotherGrant
            return balance
    if balance + amount < 0:
        raise ValueError("must not take more credit than there is")
    if balance + amount > MOST_CREDIT:
        raise ValueError(f"must not make the balance more than {MOST_CREDIT:,}")
    await conn.execute(
        update(tenants).where(tenants.c.id == tenant_id).values(credits=balance + amount)
    )
    await conn.execute(
        insert(credit_ledger).values(
            tenant_id=tenant_id,
            delta=amount,
            reason="grant",
            note=note,
            idempotency_key=idempotency_key,
        )
    )
    return balance + amount


_PAID = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant"), tenants.c.credits >= 1)
    .values(credits=tenants.c.credits - 1)
    .returning(tenants.c.id)
    .cte("paid")
)
_SPEND = (
    insert(credit_ledger)
    .from_select(
        ["tenant_id", "delta", "reason", "round_id"],
        select(
            _PAID.c.id,
            literal_column("-1"),
            literal_column("'round'"),
            bindparam("round", type_=credit_ledger.c.round_id.type),
        ),
    )
    .returning(credit_ledger.c.id)
)
_REFUND = (
    update(tenants).where(tenants.c.id == bindparam("tenant")).values(credits=tenants.c.credits + 1)
)


async def spend_credit(conn: AsyncConnection, tenant_id: uuid.UUID, round_id: uuid.UUID) -> bool:
    """Take the one credit a round costs; False, and nothing taken, when there is none left."""
    return bool(await fetch(conn, _SPEND, {"tenant": tenant_id, "round": round_id}))


async def refund_credit(conn: AsyncConnection, tenant_id: uuid.UUID, round_id: uuid.UUID) -> None:
    """Give back the credit of a round that ended in error."""
    await conn.execute(_REFUND, {"tenant": tenant_id})
    await conn.execute(
        insert(credit_ledger),
        {"tenant_id": tenant_id, "delta": 1, "reason": "refund", "round_id": round_id},
    )
