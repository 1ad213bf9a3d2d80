"""The database: one table catalogue for all domains, and the unit of work."""

from __future__ import annotations

import select
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any

import psycopg
import structlog
from psycopg.rows import namedtuple_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout
from sqlalchemy import Executable, MetaData
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.event import listen
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from edge import digits
from edge.reply.errors import ApiError
from edge.serve.call import Call
from edge.v1.annotations_pb2 import CONDITION_UNAVAILABLE

log = structlog.get_logger(__name__)

# Connections of a process for `Database.fetch`, each used for a fraction of a millisecond.
_READERS = 4

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
            json_serializer=lambda value: digits.dumps(value).decode(),
            json_deserializer=digits.loads,
        )
        listen(self._engine.sync_engine, "checkout", _refuse_dead)
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._readers = AsyncConnectionPool(
            libpq_url(url),
            min_size=1,
            max_size=_READERS,
            open=False,
            timeout=10,
            # Given up early, a connection is asked for anew by the next read, not after a back-off.
            reconnect_timeout=2,
            kwargs={"autocommit": True, "prepare_threshold": 0},
            configure=_configure,
        )

    async def open(self) -> None:
        """Make ready for `fetch`."""
        await self._readers.open()

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        return self._engine.begin()

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for reads; every statement is a transaction of its own."""
        return self._reader.connect()

    async def fetch(self, statement: Executable, values: Mapping[str, Any]) -> list[Any]:
        """The rows of one reading statement, as `fetch` below returns them, for hot paths.

        A read that fails with its connection is tried once more on a living one.
        """
        try:
            async with self._readers.connection() as conn:
                return await _rows(conn, statement, values)
        except (PoolClosed, PoolTimeout):
            raise
        except psycopg.OperationalError:
            await self._readers.check()
            async with self._readers.connection() as conn:
                return await _rows(conn, statement, values)

    async def close(self) -> None:
        """Close every connection."""
        await self._readers.close()
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


async def fetch(
    conn: AsyncConnection, statement: Executable, values: Mapping[str, Any]
) -> list[Any]:
    """The rows of a statement run in the transaction of `conn`, as named tuples.

    Runs on psycopg itself with binary results: a third of the time that SQLAlchemy's execution
    takes (docs/performance.md). `statement` lives as long as the process (its SQL is written
    once), returns rows, and has no IN over a list; values are what psycopg takes.
    """
    return await _rows(await driver_connection(conn), statement, values)


async def _rows(
    conn: psycopg.AsyncConnection[Any], statement: Executable, values: Mapping[str, Any]
) -> list[Any]:
    sql, constants = _compiled(statement)
    async with conn.cursor(binary=True, row_factory=namedtuple_row) as cursor:
        await cursor.execute(sql, {**constants, **values})
        return await cursor.fetchall()


@cache
def _compiled(statement: Executable) -> tuple[bytes, Mapping[str, Any]]:
    """SQL for psycopg, and the values that stand in the statement itself."""
    compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    return compiled.string.encode(), compiled.params


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def hung_up(conn: psycopg.AsyncConnection[Any]) -> bool:
    """Whether the server has ended an idle connection.

    A server that restarts, or ends one connection, says so on each: there is something to read
    where there should be nothing. Asking the kernel takes 2 µs, a statement a round trip. What
    else the server may have sent costs a new connection and no more.
    """
    if conn.closed:
        return True
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _refuse_dead(connection: Any, record: Any, proxy: Any) -> None:
    """For SQLAlchemy's pool: neither a connection that the server has ended is handed out, nor
    any that is as old."""
    if hung_up(connection.driver_connection):
        raise InvalidatePoolError


async def _configure(conn: psycopg.AsyncConnection[Any]) -> None:
    set_json_loads(digits.loads, conn)


@asynccontextmanager
async def unavailable_without_database(call: Call) -> AsyncIterator[None]:
    """While the database is away, calls are told to come back instead of an internal error."""
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout, OperationalError, PoolExhausted) as error:
        log.warning("database_away", method=call.method.path, error=type(error).__name__)
        raise ApiError(CONDITION_UNAVAILABLE, retry_after=1) from error


@asynccontextmanager
async def open_database(url: str, pool_size: int = 10) -> AsyncIterator[Database]:
    """A Database that is closed when the block ends."""
    database = Database(url, pool_size)
    try:
        await database.open()
        yield database
    finally:
        await database.close()
