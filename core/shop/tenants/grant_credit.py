"""Grant a tenant credit, or take some away."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core.platform.database import Connection
from core.shop.tenants import sql

# A balance stays where every client's numbers are exact.
MOST_CREDIT = 10**12


@dataclass(frozen=True, slots=True)
class GrantCredit:
    """How much for whom, and why; a negative amount takes credit away."""

    tenant_id: uuid.UUID
    amount: int
    note: str | None = None
    idempotency_key: str | None = None


class UsedForAnotherGrant(Exception):
    """The idempotency key came with another amount or note before."""


async def grant_credit(conn: Connection, command: GrantCredit) -> int:
    """Change a tenant's credit and return the new balance, which is 0 to MOST_CREDIT.

    A grant that has come before under its idempotency key changes nothing. Raises LookupError
    when there is no such tenant, ValueError for a balance out of bounds, UsedForAnotherGrant.
    """
    tenant_id, key = command.tenant_id, command.idempotency_key
    grant = sql.Grant(command.amount, command.note)
    # Changes of one balance take turns from here on.
    balance = await sql.lock_balance(conn, tenant_id)
    if balance is None:
        raise LookupError("there is no such tenant")
    if key is not None:
        before = await sql.grant_by_idempotency_key(conn, tenant_id, key)
        if before is not None:
            if before != grant:
                raise UsedForAnotherGrant
            return balance
    balance += command.amount
    if balance < 0:
        raise ValueError("must not take more credit than there is")
    if balance > MOST_CREDIT:
        raise ValueError(f"must not make the balance more than {MOST_CREDIT:,}")
    await sql.set_balance(conn, tenant_id, balance)
    await sql.add_grant(conn, tenant_id, grant, key)
    return balance
