"""Fixtures: a real Postgres, one database a test cloned from a migrated template."""

from __future__ import annotations

import itertools
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from core.platform.database import Database, libpq_url, open_database
from core.platform.embedded_postgres import EmbeddedPostgres
from core.platform.migrate import upgrade
from core.tenant.store import create_tenant

pytest_plugins = ["tests.parallel"]

_numbers = itertools.count(1)


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
        tempfile.TemporaryDirectory(prefix="og-pg-") as directory,
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


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A fresh, migrated, empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(libpq_url(postgres.url), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]
    yield postgres.url_of(name)
    with psycopg.connect(libpq_url(postgres.url), autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A Database on a fresh database."""
    async with open_database(database_url) as opened:
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
