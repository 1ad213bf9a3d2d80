"""Revoke a key, and what was made with it."""

from __future__ import annotations

import uuid

from core.platform.database import Connection
from core.shop.tenants import sql


async def revoke_key(
    conn: Connection, tenant_id: uuid.UUID, key_id: uuid.UUID, *, keep_made: bool = False
) -> list[uuid.UUID]:
    """End a key with all its secrets and return the keys that ended.

    Unless `keep_made`, the keys that were made with it end too, down to the last, also when the
    key itself has ended before. Raises LookupError when the tenant has no such living key.
    """
    await sql.take_turns(conn, tenant_id)
    ended = await sql.revoke_key(conn, tenant_id, key_id, with_made=not keep_made)
    if not ended:
        raise LookupError(f"the tenant has no living key {key_id}")
    return ended
