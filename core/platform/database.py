"""The database: one table catalogue for all domains, and the unit of work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

# Constraint names are spelt out so that migrations can name what they change.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Database:
    """Connections to one Postgres.

    `begin()` is the unit of work: everything done on its connection, jobs deferred and
    notifications included, happens together or not at all.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = url
        self._engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            # What people write and who they are stays out of error texts, and so out of the logs.
            hide_parameters=True,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        return self._engine.begin()

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for reads; every statement is a transaction of its own."""
        return self._reader.connect()

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def sqlalchemy_url(url: str) -> str:
    """The URL with the driver named, as SQLAlchemy wants it."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def libpq_url(url: str) -> str:
    """The URL without a driver, as libpq, psycopg and procrastinate want it."""
    return "postgresql://" + url.split("://", 1)[1]


async def driver_connection(conn: AsyncConnection) -> Any:
    """The psycopg connection under `conn`, for work that must join its transaction."""
    raw = await conn.get_raw_connection()
    return raw.driver_connection


@asynccontextmanager
async def open_database(url: str, pool_size: int = 10) -> AsyncIterator[Database]:
    """A Database that is closed when the block ends."""
    database = Database(url, pool_size)
    try:
        yield database
    finally:
        await database.close()
