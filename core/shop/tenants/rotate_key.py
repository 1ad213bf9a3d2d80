"""Rotate a key: one more secret, and the old ones end when they may."""

from __future__ import annotations

import uuid

from core.platform.database import Connection
from core.shop.tenants import sql
from core.shop.tenants.key_secret import add_secret, revoke_other_secrets


async def rotate_key(
    conn: Connection, tenant_id: uuid.UUID, key_id: uuid.UUID, *, revoke_old: bool
) -> str:
    """Give a tenant's key another secret and return it; the chats made with the key stay.

    With `revoke_old` the secrets that it had end. Raises LookupError when the tenant has no such
    living key.
    """
    key = await sql.find_key(conn, tenant_id, key_id)
    if key is None or key.revoked_at is not None:
        raise LookupError(f"the tenant has no living key {key_id}")
    secret = await add_secret(conn, key_id, key.kind)
    if revoke_old:
        await revoke_other_secrets(conn, key_id, keep=secret)
    return secret
