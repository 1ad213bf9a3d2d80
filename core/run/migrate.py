"""Bring the database's tables up to date (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, text

from core.platform.database import sqlalchemy_url

# Key of the advisory lock by which processes that start together take turns: the first one
# migrates, the others find it done.
_LOCK = 0x6F6E6567656E6965


def upgrade(database_url: str) -> None:
    """Run the migrations that the database has not had yet. Raises OperationalError."""
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as conn:
        conn.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        conn.commit()
        try:
            command.upgrade(config(conn), "head")
            conn.commit()
        finally:
            conn.rollback()
            conn.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            conn.commit()


def config(conn: Connection) -> Config:
    """Return Alembic's configuration for a connection."""
    result = Config()
    result.set_main_option(
        "script_location", str(Path(__file__).resolve().parent.parent / "migrations")
    )
    result.attributes["connection"] = conn
    return result
