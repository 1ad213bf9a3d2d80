"""Issue a key to a tenant's app, staff or screen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core.platform.database import Connection
from core.shop.tenants import sql
from core.shop.tenants.key_secret import add_secret


@dataclass(frozen=True, slots=True)
class IssueKey:
    """The key that is wanted.

    signage_id: the screen that a signage key is for.
    created_by: the key that it is made with; None when the operator makes it.
    """

    tenant_id: uuid.UUID
    kind: sql.KeyKind
    name: str
    signage_id: str | None = None
    created_by: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key's id and its secret, which is shown here and never again."""

    id: uuid.UUID
    secret: str


async def issue_key(conn: Connection, command: IssueKey) -> IssuedKey:
    """Add a key with its first secret. Raises LookupError when its maker has been revoked."""
    maker, tenant_id = command.created_by, command.tenant_id
    if maker is not None:
        # A process may know the maker as living for some seconds after its end.
        await sql.take_turns(conn, tenant_id)
        if not await sql.key_is_living(conn, maker):
            raise LookupError(f"the key {maker} has been revoked")
    key_id = uuid.uuid4()
    await sql.add_key(
        conn,
        key_id,
        tenant_id=tenant_id,
        kind=command.kind,
        name=command.name,
        signage_id=command.signage_id,
        created_by=maker,
    )
    return IssuedKey(key_id, await add_secret(conn, key_id, command.kind))
