"""Reads on psycopg itself: same transaction, same types, and a lost connection is not noticed."""

from __future__ import annotations

import contextlib
import uuid

import psycopg
from sqlalchemy import bindparam, insert, select, text

from core.platform.database import Database, fetch, libpq_url
from core.shop.profile.tables import profiles
from core.shop.tenants.tables import tenants
from tests.conftest import TenantRow

_PID = text("SELECT pg_backend_pid() AS pid")
_PROFILE = select(profiles).where(profiles.c.id == bindparam("profile"), profiles.c.age == 34)
_ADD_TENANT = (
    insert(tenants)
    .values(id=bindparam("id", type_=tenants.c.id.type), name="other", locale="en")
    .returning(tenants.c.name)
)
_TENANT = select(tenants.c.name).where(tenants.c.id == bindparam("id"))


async def test_a_read_outlives_its_connection(database: Database) -> None:
    before = (await database.fetch(_PID, {}))[0].pid
    with psycopg.connect(libpq_url(database.url), autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(%s)", (before,))
    assert (await database.fetch(_PID, {}))[0].pid != before


async def test_fetch_joins_the_transaction(database: Database) -> None:
    identifier = uuid.uuid4()
    with contextlib.suppress(KeyError):
        async with database.begin() as conn:
            added = await fetch(conn, _ADD_TENANT, {"id": identifier})
            assert [row.name for row in added] == ["other"]
            assert len(await fetch(conn, _TENANT, {"id": identifier})) == 1
            raise KeyError
    assert await database.fetch(_TENANT, {"id": identifier}) == []


async def test_rows_have_the_types_that_sqlalchemy_gives(
    database: Database, tenant: TenantRow
) -> None:
    identifier, extra = uuid.uuid4(), {"몸": [1, 2.5, None]}
    async with database.begin() as conn:
        await conn.execute(
            insert(profiles).values(
                tenant_id=tenant.id, id=identifier, name="하나", age=34, extra=extra
            )
        )
    values = {"profile": identifier}
    async with database.connect() as conn:
        expected = (await conn.execute(_PROFILE, values)).one()
    (row,) = await database.fetch(_PROFILE, values)
    assert row._asdict() == expected._asdict()
    assert (row.id, row.extra) == (identifier, extra)
