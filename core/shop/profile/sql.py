"""SQL of profiles."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.shop.profile.tables import profiles

_COLUMNS = [column for column in profiles.c if column.name != "tenant_id"]
_PROFILE = select(*_COLUMNS).where(
    profiles.c.tenant_id == bindparam("tenant"), profiles.c.id == bindparam("id")
)


async def read_profile(
    conn: AsyncConnection, tenant_id: uuid.UUID, profile_id: str
) -> Row[Any] | None:
    """A tenant's profile."""
    values = {"tenant": tenant_id, "id": uuid.UUID(profile_id)}
    return (await conn.execute(_PROFILE, values)).first()


async def put_profile(
    conn: AsyncConnection, tenant_id: uuid.UUID, profile_id: str, values: dict[str, Any]
) -> Row[Any]:
    """Set these values of a tenant's profile, or create it with them; as it is then."""
    statement = insert(profiles).values(tenant_id=tenant_id, id=uuid.UUID(profile_id), **values)
    statement = statement.on_conflict_do_update(
        index_elements=[profiles.c.tenant_id, profiles.c.id],
        set_={**values, "updated_at": func.now()},
    )
    return (await conn.execute(statement.returning(*_COLUMNS))).one()
