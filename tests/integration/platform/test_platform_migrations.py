"""Migrations give exactly the tables that the code declares, also when replicas race."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from alembic import command
from sqlalchemy import NullPool, create_engine, text

import core.migrations.versions
from core.platform.database import libpq_url, sqlalchemy_url
from core.platform.embedded_postgres import EmbeddedPostgres
from core.platform.migrate import config, upgrade
from core.tables import metadata

MIGRATIONS = Path(core.migrations.versions.__file__).parent


def test_the_migrated_tables_are_the_declared_ones(database_url: str) -> None:
    assert metadata.tables
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as conn:
        command.check(config(conn))
        assert conn.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0
    upgrade(database_url)


def test_replicas_that_start_together_migrate_once(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(libpq_url(postgres.url), autocommit=True) as conn:
        conn.execute("CREATE DATABASE raced")
    url = postgres.url_of("raced")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [url] * 4))
    with psycopg.connect(libpq_url(url)) as conn:
        versions = conn.execute("SELECT version_num FROM alembic_version").fetchall()
    newest = max(path.name[:4] for path in MIGRATIONS.glob("[0-9]*.py"))
    assert versions == [(newest,)]
