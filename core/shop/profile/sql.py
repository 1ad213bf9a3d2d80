"""SQL of profiles."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, case, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from core.platform.database import Connection, Query, Reader, params
from core.shop.profile.tables import profiles


@dataclass(frozen=True, slots=True)
class Profile:
    """A shopper as the tenant describes them."""

    id: uuid.UUID
    name: str | None
    gender: str | None
    age: int | None
    locale: str | None
    persona: str | None
    extra: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


# What a tenant may describe of a shopper.
FIELDS = ("name", "gender", "age", "locale", "persona", "extra")
_COLUMNS = [column for column in profiles.c if column.name != "tenant_id"]
_PROFILE = Query(
    select(*_COLUMNS).where(
        profiles.c.tenant_id == bindparam("tenant"), profiles.c.id == bindparam("id")
    ),
    Profile,
)
_FIRST = Query(
    select(profiles.c.id)
    .where(profiles.c.tenant_id == bindparam("tenant"))
    .order_by(profiles.c.created_at)
    .limit(1),
    uuid.UUID,
)
_INSERT = insert(profiles).values(params("tenant_id", "id", *FIELDS))
_NAMES = bindparam("names", type_=ARRAY(Text))
_PUT = Query(
    _INSERT.on_conflict_do_update(
        index_elements=[profiles.c.tenant_id, profiles.c.id],
        set_={
            name: case(
                (literal(name, Text) == any_(_NAMES), _INSERT.excluded[name]),
                else_=profiles.c[name],
            )
            for name in FIELDS
        }
        | {"updated_at": func.now()},
    ).returning(*_COLUMNS),
    Profile,
)


async def read_profile(reader: Reader, tenant_id: uuid.UUID, profile_id: str) -> Profile | None:
    """Read a tenant's profile; None when there is no such."""
    return await reader.first(_PROFILE, tenant=tenant_id, id=uuid.UUID(profile_id))


async def first_profile(reader: Reader, tenant_id: uuid.UUID) -> uuid.UUID | None:
    """Read the id of the profile that the tenant has had for longest; None when it has none."""
    return await reader.first(_FIRST, tenant=tenant_id)


async def put_profile(
    conn: Connection, tenant_id: uuid.UUID, profile_id: str, values: Mapping[str, Any]
) -> Profile:
    """Set these values of a tenant's profile, or create it with them; return it as it is then."""
    fields = {name: values.get(name) for name in FIELDS}
    return await conn.one(
        _PUT, tenant_id=tenant_id, id=uuid.UUID(profile_id), names=list(values), **fields
    )
