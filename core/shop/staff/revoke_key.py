"""RevokeKey: staff end a key."""

from __future__ import annotations

from uuid import UUID

from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.shop.tenants import revoke_key as keys
from core.shop.tenants.sql import Caller
from edge import ApiError


async def revoke_key(
    database: Database, caller: Caller, key_id: UUID, *, keep_made: bool
) -> list[UUID]:
    """End one of the tenant's keys and return those that ended: what was made with it, too, unless
    `keep_made`. Raises NOT_FOUND.

    Also the caller's own and the tenant's last: ending a key that got out must never have to wait.
    """
    try:
        async with database.begin() as conn:
            return await keys.revoke_key(conn, caller.tenant_id, key_id, keep_made=keep_made)
    except LookupError:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such key.") from None
