"""The one way to run SQL: transactions, types, lost connections, and what errors tell."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import asdict, dataclass

import psycopg
import pytest
from sqlalchemy import ARRAY, Integer, any_, bindparam, insert, select, text, update

from core.platform import database as platform_database
from core.platform.database import Database, Query, Statement, libpq_url, open_database, params
from core.shop.profile.sql import Profile
from core.shop.profile.tables import profiles
from core.shop.tenants.tables import tenants
from tests.conftest import TenantRow
from tests.support import tables

_PID = Query(text("SELECT pg_backend_pid() AS pid"), int)
_COLUMNS = [column for column in profiles.c if column.name != "tenant_id"]
_PROFILE = select(*_COLUMNS).where(profiles.c.id == bindparam("profile"), profiles.c.age == 34)
_ADD_PROFILE = Statement(insert(profiles).values(params("tenant_id", "id", "name", "age", "extra")))
_ADD_TENANT = Query(
    insert(tenants).values(params("id", "name") | {"locale": "en"}).returning(tenants.c.name),
    str,
)
_TENANT = Query(select(tenants.c.name).where(tenants.c.id == bindparam("id")), str)


async def test_a_read_outlives_its_connection(database: Database) -> None:
    before = await database.one(_PID)
    with psycopg.connect(libpq_url(database.url), autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(%s)", (before,))
    assert await database.one(_PID) != before


async def test_a_query_is_tried_twice_and_no_more(database: Database) -> None:
    end_one = Query(
        text(
            "SELECT pg_terminate_backend(pg_backend_pid()) FROM tenants"
            " WHERE id = :id AND locale = 'ko'"
        ),
        bool,
    )
    tenant_id = uuid.uuid4()
    async with database.begin() as conn:
        await conn.one(_ADD_TENANT, id=tenant_id, name="one")
        await conn.run(Statement(update(tenants).values(locale="ko")))
    # It ends each connection that it runs on.
    with pytest.raises(psycopg.OperationalError):
        await database.all(end_one, id=tenant_id)
    assert await database.all(_TENANT, id=tenant_id) == ["one"]


async def test_what_runs_in_a_transaction_happens_together(database: Database) -> None:
    identifier = uuid.uuid4()
    with contextlib.suppress(KeyError):
        async with database.begin() as conn:
            assert await conn.all(_ADD_TENANT, id=identifier, name="other") == ["other"]
            assert await conn.all(_TENANT, id=identifier) == ["other"]
            raise KeyError
    assert await database.all(_TENANT, id=identifier) == []


async def test_rows_have_the_types_that_sqlalchemy_gives(
    database: Database, tenant: TenantRow
) -> None:
    identifier, extra = uuid.uuid4(), {"몸": [1, 2.5, None, 10**30]}
    async with database.begin() as conn:
        await conn.run(
            _ADD_PROFILE, tenant_id=tenant.id, id=identifier, name="하나", age=34, extra=extra
        )
    async with tables(database) as there:
        expected = (await there.execute(_PROFILE, {"profile": identifier})).one()
    row = await database.one(Query(_PROFILE, Profile), profile=identifier)
    assert asdict(row) == expected._asdict()
    assert (row.id, row.extra) == (identifier, extra)


async def test_a_row_has_the_fields_of_its_columns(database: Database) -> None:
    @dataclass(frozen=True, slots=True)
    class Two:
        first: int
        second: int

    assert await database.one(Query(text("SELECT 1 AS first, 2 AS second"), Two)) == Two(1, 2)
    for wrong in ("SELECT 1 AS second, 2 AS first", "SELECT 1 AS first"):
        with pytest.raises(AssertionError):
            await database.one(Query(text(wrong), Two))


async def test_every_value_must_be_given(database: Database) -> None:
    with pytest.raises(psycopg.ProgrammingError):
        await database.all(_TENANT)


async def test_a_list_is_any_and_never_in() -> None:
    number = bindparam("numbers", type_=ARRAY(Integer), expanding=False)
    assert b"ANY" in Statement(select(profiles.c.id).where(profiles.c.age == any_(number))).text
    with pytest.raises(AssertionError):
        Statement(select(profiles.c.id).where(profiles.c.age.in_([1, 2]))).text  # noqa: B018


async def test_errors_are_psycopgs_and_tell_no_parameters(database: Database) -> None:
    async with database.begin() as conn:
        await conn.one(_ADD_TENANT, id=uuid.uuid4(), name="twice told")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        async with database.begin() as conn:
            await conn.one(_ADD_TENANT, id=uuid.uuid4(), name="twice told")
    assert "twice told" not in (caught.value.diag.message_primary or "")


async def test_reads_find_a_connection_while_transactions_have_theirs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_database, "_WAIT_SECONDS", 0.05)
    async with open_database(database_url, pool_size=1) as database, database.begin():
        assert await database.all(_PID)
        with pytest.raises(psycopg.OperationalError, match="every connection is in use"):
            async with database.begin():
                raise AssertionError("there is none")
    async with open_database(database_url, pool_size=1) as database:
        async with database.begin():
            waiting = asyncio.create_task(database.all(_PID))
        assert await waiting


async def test_who_is_cancelled_leaves_no_transaction_behind(database: Database) -> None:
    identifier = uuid.uuid4()

    async def slow() -> None:
        async with database.begin() as conn:
            await conn.one(_ADD_TENANT, id=identifier, name="other")
            begun.set()
            await conn.run(Statement(text("SELECT pg_sleep(60)")))

    begun = asyncio.Event()
    task = asyncio.create_task(slow())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.all(_TENANT, id=identifier) == []
    async with database.begin() as conn:
        assert await conn.all(_ADD_TENANT, id=identifier, name="other") == ["other"]
