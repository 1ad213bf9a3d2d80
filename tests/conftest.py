"""Fixtures: a real Postgres, and for each test an empty, migrated database of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from core.platform.database import Database, libpq_url, open_database
from core.run.embedded_postgres import EmbeddedPostgres
from core.run.migrate import upgrade
from core.shop.tenants.sql import create_tenant

pytest_plugins = ["tests.parallel"]

# In every core process that a test starts, itself included.
os.environ["LISTED_REASONS_ONLY"] = "true"

_numbers = itertools.count(1)

_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %(name)s
"""
# What tells one schema from another.
_SCHEMA = """
SELECT (SELECT (count(*), max(oid))::text FROM pg_class),
       (SELECT (count(*), max(oid))::text FROM pg_constraint),
       (SELECT (count(*), max(oid))::text FROM pg_proc),
       (SELECT (count(*), max(oid))::text FROM pg_trigger),
       (SELECT (count(*), max(oid))::text FROM pg_type),
       (SELECT (count(*), max(oid))::text FROM pg_namespace),
       (SELECT (count(*), count(*) FILTER (WHERE attnotnull))::text FROM pg_attribute)
"""
# Of small tables the rows are deleted, as TRUNCATE makes new files.
_EMPTY = """
DO $$
DECLARE found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT oid::regclass AS name, pg_relation_size(oid) AS size FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname <> 'alembic_version'
    LOOP
        IF found.size > 100000 THEN
            EXECUTE format('TRUNCATE %s CASCADE', found.name);
        ELSIF found.size > 0 THEN
            EXECUTE format('DELETE FROM %s', found.name);
        END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of the test's own, with a short name, as Unix sockets want it.

    pytest's lies in a folder that each run closes to other users; the embedded Postgres is one.
    """
    with tempfile.TemporaryDirectory(prefix="og-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres server of this test run's own."""
    # Short, because a Unix socket's path is.
    with (
        tempfile.TemporaryDirectory(prefix="og-pg-", ignore_cleanup_errors=True) as directory,
        EmbeddedPostgres(Path(directory) / "pg", durable=False) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """Name of a migrated database that tests clone."""
    with psycopg.connect(libpq_url(postgres.url), autocommit=True) as conn:
        conn.execute("CREATE DATABASE template_onegenie")
    upgrade(postgres.url_of("template_onegenie"))
    return "template_onegenie"


class Databases:
    """Migrated, empty databases. One that a test is done with is emptied for the next: a
    fifteenth of the work of making one."""

    def __init__(self, postgres: EmbeddedPostgres, template: str) -> None:
        self._postgres = postgres
        self._template = template
        self._free: list[str] = []
        with psycopg.connect(libpq_url(postgres.url_of(template))) as conn:
            self._schema = conn.execute(_SCHEMA).fetchone()

    @contextlib.contextmanager
    def one(self) -> Iterator[str]:
        """URL of a database that nobody else has."""
        name = self._free.pop() if self._free else self._make()
        try:
            yield self._postgres.url_of(name)
        finally:
            self._take_back(name)

    def _make(self) -> str:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(libpq_url(self._postgres.url), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return name

    def _take_back(self, name: str) -> None:
        with psycopg.connect(libpq_url(self._postgres.url), autocommit=True) as conn:
            conn.execute(_END_SESSIONS, {"name": name})
            with psycopg.connect(libpq_url(self._postgres.url_of(name))) as emptied:
                same = emptied.execute(_SCHEMA).fetchone() == self._schema
                if same:
                    emptied.execute(_EMPTY)
            if same:
                self._free.append(name)
            else:  # the test changed more than rows
                conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres, template: str) -> Databases:
    return Databases(postgres, template)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated, empty database."""
    with databases.one() as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(databases: Databases) -> Iterator[str]:
    """A database for all tests of a file, which tell their rows apart by the people they make."""
    with databases.one() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A Database on a fresh database."""
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
async def shared_database(shared_database_url: str) -> AsyncIterator[Database]:
    """A Database on the file's database."""
    async with open_database(shared_database_url) as opened:
        yield opened


@dataclass(frozen=True)
class TenantRow:
    """A tenant for a test."""

    id: uuid.UUID
    locale: str


@pytest.fixture
async def tenant(database: Database) -> TenantRow:
    """A tenant in the test's database."""
    async with database.begin() as conn:
        return TenantRow(id=await create_tenant(conn, "test store", "ko"), locale="ko")
