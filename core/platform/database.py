"""Run SQL, in one way for all domains, on one catalogue of tables.

A statement is written once with SQLAlchemy Core, as data in a domain's `sql.py`. psycopg runs it;
SQLAlchemy never executes anything here, so psycopg.Error is the only family of errors. A `Database`
runs each query by itself. `Database.begin` gives a `Connection`, whose statements are one
transaction (docs/decisions/0040-one-way-to-run-sql.md).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from functools import cached_property
from select import POLLIN, poll
from typing import Any, Generic, TypeVar

import psycopg
import structlog
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Executable,
    MetaData,
    Table,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from edge import ApiError, Call, digits
from edge.v1.annotations_pb2 import CONDITION_UNAVAILABLE

log = structlog.get_logger(__name__)

Row = TypeVar("Row")
Driver = psycopg.AsyncConnection[tuple[Any, ...]]

# Connections kept for reads. Transactions wait for each other's locks and reads wait for nobody, so
# reads must not run out of connections when transactions wait.
_FOR_READS = 4
# Seconds. A call that gets no connection for this long is told to come back.
_WAIT_SECONDS = 10.0

# Constraints have explicit names, so that migrations can name what they change.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# ---- statements ----

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Statement:
    """A statement as data: compiled when it first runs, and never again.

    Its parameters are `bindparam`s. Their values are what psycopg takes, and plain JSON values for
    JSON columns. Pass a list as `column == any_(bindparam(…, type_=ARRAY(…)))`, because an IN would
    need another statement for each length.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    @cached_property
    def text(self) -> bytes:
        """The SQL in the form that psycopg takes."""
        text: str = self._compiled.string
        assert "POSTCOMPILE" not in text, f"an IN over a list: {text}"
        return text.encode()

    def bind(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of all parameters, including those written in the statement itself."""
        bound = {**self._constants, **values}
        for name in self._json:
            if bound[name] is not None:
                bound[name] = Jsonb(bound[name])
        return bound

    @cached_property
    def _compiled(self) -> Any:
        return self._statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]

    @cached_property
    def _constants(self) -> dict[str, Any]:
        binds: Mapping[str, BindParameter[Any]] = self._compiled.binds
        return {name: bind.value for name, bind in binds.items() if not bind.required}

    @cached_property
    def _json(self) -> list[str]:
        binds: Mapping[str, BindParameter[Any]] = self._compiled.binds
        return [name for name, bind in binds.items() if isinstance(bind.type, JSON)]


class Query(Statement, Generic[Row]):
    """A statement that returns rows, and the type of a row.

    The type is a dataclass whose fields have the columns' names in the columns' order. For a
    single column it may be the type of its values.
    """

    def __init__(self, statement: Executable, row: type[Row]) -> None:
        super().__init__(statement)
        self._row = row
        self._names = [field.name for field in fields(row)] if is_dataclass(row) else None
        self._checked = False

    def rows(self, columns: Sequence[Any], found: list[tuple[Any, ...]]) -> list[Row]:
        """Return what psycopg found, as rows. `columns` have the names that the database gave."""
        if not self._checked:
            names = [column.name for column in columns]
            assert self._names == names if self._names else len(names) == 1, (self._row, names)
            self._checked = True
        if self._names is None:
            return [value for (value,) in found]
        return [self._row(*values) for values in found]


def params(*names: str) -> dict[str, BindParameter[Any]]:
    """Return a parameter for each column of these names, for use in `insert(…).values`."""
    return {name: bindparam(name) for name in names}


# ---- running them ----


class Reader(ABC):
    """Runs queries: a Database each by itself, a Connection all in one transaction."""

    @abstractmethod
    async def all(self, query: Query[Row], /, **values: Any) -> list[Row]:
        """Return the rows of a query. Raises psycopg.Error."""

    async def first(self, query: Query[Row], /, **values: Any) -> Row | None:
        """Return the first row, or None if the query finds no row. Raises psycopg.Error."""
        rows = await self.all(query, **values)
        return rows[0] if rows else None

    async def one(self, query: Query[Row], /, **values: Any) -> Row:
        """Return the row of a query that always finds exactly one. Raises psycopg.Error."""
        rows = await self.all(query, **values)
        assert len(rows) == 1, f"{len(rows)} rows of {query.text.decode()}"
        return rows[0]


class Connection(Reader):
    """A transaction. `driver` is psycopg's connection, for other code that must join it."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    async def all(self, query: Query[Row], /, **values: Any) -> list[Row]:
        """Return the rows of a query, which may also change rows and return them.

        Raises psycopg.Error.
        """
        cursor = await self.driver.execute(query.text, query.bind(values), binary=True)
        return query.rows(cursor.description or (), await cursor.fetchall())

    async def run(self, statement: Statement, /, **values: Any) -> int:
        """Run a statement. Return the number of rows that it changed. Raises psycopg.Error."""
        return (await self.driver.execute(statement.text, statement.bind(values))).rowcount

    async def run_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement once for each row of values, in a pipeline. Raises psycopg.Error."""
        cursor = self.driver.cursor()
        await cursor.executemany(statement.text, [statement.bind(row) for row in rows])

    async def replace_rows(
        self,
        table: Table,
        tenant_id: Any,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
    ) -> int:
        """Replace all of the tenant's rows in `table` by `rows`, the values of `columns`.

        Return the number of new rows. They are written with COPY. Raises psycopg.Error.
        """
        into = sql.Identifier(table.name)
        await self.driver.execute(
            sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(into), (tenant_id,)
        )
        names = sql.SQL(", ").join(map(sql.Identifier, ("tenant_id", *columns)))
        count = 0
        async with (
            self.driver.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(into, names)) as copy,
        ):
            for count, row in enumerate(rows, 1):  # noqa: B007
                await copy.write_row((tenant_id, *row))
        return count


class Database(Reader):
    """Connections to one Postgres: `pool_size` for transactions, and a few more for reads.

    Each connection is made by the call that needs it, so that every call learns at once when the
    database is away.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = url
        self._transactions = asyncio.Semaphore(pool_size)
        self._places = asyncio.Semaphore(pool_size + _FOR_READS)
        # Connections that nobody uses. The one that was used last is taken first.
        self._idle: list[Driver] = []
        self._closed = False

    async def all(self, query: Query[Row], /, **values: Any) -> list[Row]:
        """Return the rows of a query, which must be safe to run twice.

        It runs a second time, on a living connection, if it fails with its connection. Raises Busy
        if no connection is free for 10 s, else psycopg.Error.
        """
        try:
            return await self._all(query, values)
        except Busy:
            raise
        except psycopg.OperationalError:
            return await self._all(query, values)

    async def _all(self, query: Query[Row], values: Mapping[str, Any]) -> list[Row]:
        driver = await self._take()
        try:
            return await Connection(driver).all(query, **values)
        finally:
            await self._give_back(driver)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        Everything done on its connection happens together or not at all, including deferred jobs
        and notifications. Raises Busy if no connection is free for 10 s.
        """
        await _enter(self._transactions)
        try:
            driver = await self._take()
            try:
                async with driver.transaction():
                    yield Connection(driver)
            finally:
                await self._give_back(driver)
        finally:
            self._transactions.release()

    async def close(self) -> None:
        """Close every connection. One that is in use is closed when it is given back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _take(self) -> Driver:
        """Return a living connection, which nobody else gets until it is given back."""
        await _enter(self._places)
        try:
            while self._idle:
                driver = self._idle.pop()
                if not hung_up(driver):
                    return driver
                await driver.close()
            return await _connect(self.url)
        except BaseException:
            self._places.release()
            raise

    async def _give_back(self, driver: Driver) -> None:
        self._places.release()
        if self._closed or driver.pgconn.transaction_status != TransactionStatus.IDLE:
            await driver.close()
        else:
            self._idle.append(driver)


class Busy(psycopg.OperationalError):
    """Raised when every connection has been in use for 10 s."""


async def _enter(places: asyncio.Semaphore) -> None:
    if not places.locked():
        await places.acquire()
        return
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await places.acquire()
    except TimeoutError:
        raise Busy("every connection is in use") from None


async def _connect(url: str) -> Driver:
    # Prepare each statement when it first runs: their number is fixed, so none is ever dropped.
    driver = await psycopg.AsyncConnection.connect(
        libpq_url(url), autocommit=True, prepare_threshold=0
    )
    driver.prepared_max = None
    set_json_loads(digits.loads, driver)
    set_json_dumps(digits.dumps, driver)
    return driver


@asynccontextmanager
async def open_database(url: str, pool_size: int = 10) -> AsyncIterator[Database]:
    """Open a Database, and close it when the block ends."""
    database = Database(url, pool_size)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def unavailable_without_database(call: Call) -> AsyncIterator[None]:
    """Answer calls with CONDITION_UNAVAILABLE while the database is away.

    Without this, an OperationalError would be answered as an internal error.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        log.warning("database_away", method=call.method.path, error=type(error).__name__)
        raise ApiError(CONDITION_UNAVAILABLE, retry_after=1) from error


_HOLD_LOCK = Statement(select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger))))


async def hold_lock(conn: Connection, key: int) -> None:
    """Hold the advisory lock `key` until the transaction ends; wait for it if it is held."""
    await conn.run(_HOLD_LOCK, key=key)


def hung_up(conn: psycopg.AsyncConnection[Any]) -> bool:
    """Return whether the server has ended an idle connection.

    A server that ends a connection says so on it: there is something to read where there should be
    nothing. Asking the kernel takes 2 µs; a statement would take a round trip. If the server sent
    something else, the only cost is a new connection.
    """
    if conn.closed:
        return True
    unread = poll()
    unread.register(conn.fileno(), POLLIN)
    return bool(unread.poll(0))


def sqlalchemy_url(url: str) -> str:
    """Return the URL with the driver's name, which SQLAlchemy needs (for migrations)."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def libpq_url(url: str) -> str:
    """Return the URL without a driver's name, for libpq, psycopg and procrastinate."""
    return "postgresql://" + url.split("://", 1)[1]
