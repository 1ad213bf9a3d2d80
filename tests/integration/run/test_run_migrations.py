"""Migrations give exactly the tables that the code declares, also when replicas race."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from alembic import command
from sqlalchemy import NullPool, create_engine, text

import core.migrations.versions
from core.app.tables import metadata
from core.platform.database import libpq_url, sqlalchemy_url
from core.platform.text import one_line
from core.run.embedded_postgres import EmbeddedPostgres
from core.run.migrate import config, upgrade

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


def test_names_of_before_are_found_as_they_are_looked_for_now(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(libpq_url(postgres.url), autocommit=True) as conn:
        conn.execute("CREATE DATABASE earlier")
    url = postgres.url_of("earlier")
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as conn:
        command.upgrade(config(conn), "0003")
        conn.commit()
    kept = ["김유저", "kim  hana", "👩\u200d💻", "نمی\u200cخواهم", "\u200b"]
    changed = ["\u202e김\u200b유저\u202c", "김\u3000유저\u00a0", "\ufeff a\u00adb\t"]
    insert = "INSERT INTO users (id, phone, name, created_at) VALUES (%s, %s, %s, now())"
    with psycopg.connect(libpq_url(url)) as conn:
        for name in [*kept, *changed]:
            conn.execute(insert, (uuid.uuid4(), name, name))
    upgrade(url)
    with psycopg.connect(libpq_url(url)) as conn:
        names: dict[str, str] = dict(conn.execute("SELECT phone, name FROM users").fetchall())
    assert [names[name] for name in kept] == kept
    assert [names[name] for name in changed] == [one_line(name) for name in changed]
