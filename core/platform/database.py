"""The database: one table catalogue for all domains, and the one way to run SQL.

A statement is written once with SQLAlchemy Core, as data of a domain's `sql.py`, and run by
psycopg: SQLAlchemy never executes anything here, so psycopg.Error is the only family of errors.
A `Database` runs one query by itself; `Database.begin` gives a `Connection`, whose statements are
one transaction (docs/decisions/0040-one-way-to-run-sql.md).
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

from edge import digits
from edge.reply.errors import ApiError
from edge.serve.call import Call
from edge.v1.annotations_pb2 import CONDITION_UNAVAILABLE

log = structlog.get_logger(__name__)

Row = TypeVar("Row")
Driver = psycopg.AsyncConnection[tuple[Any, ...]]

# Transactions wait for each other's locks, reads for nobody: these many connections are for reads
# whatever the transactions do.
_FOR_READS = 4
# Whoever gets no connection for this long is told to come back.
_WAIT_SECONDS = 10.0

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

# ---- statements ----

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Statement:
    """A statement as data: compiled when it first runs, and never again.

    Its parameters are `bindparam`s; their values are what psycopg takes, and plain JSON values
    for JSON columns. A list goes in as `column == any_(bindparam(…, type_=ARRAY(…)))`: an IN would
    be another statement for each length.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    @cached_property
    def text(self) -> bytes:
        """The SQL, as psycopg takes it."""
        text: str = self._compiled.string
        assert "POSTCOMPILE" not in text, f"an IN over a list: {text}"
        return text.encode()

    def bind(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of all parameters, those that stand in the statement itself included."""
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
    """A statement that returns rows, and what a row is.

    That is a dataclass with a field for each column, of the same names in the same order, or,
    where there is one column, the type of its values.
    """

    def __init__(self, statement: Executable, row: type[Row]) -> None:
        super().__init__(statement)
        self._row = row
        self._names = [field.name for field in fields(row)] if is_dataclass(row) else None
        self._checked = False

    def rows(self, columns: Sequence[Any], found: list[tuple[Any, ...]]) -> list[Row]:
        """What psycopg found, in rows. `columns` have the names that the database gave them."""
        if not self._checked:
            names = [column.name for column in columns]
            assert self._names == names if self._names else len(names) == 1, (self._row, names)
            self._checked = True
        if self._names is None:
            return [value for (value,) in found]
        return [self._row(*values) for values in found]


def params(*names: str) -> dict[str, BindParameter[Any]]:
    """Parameters named as the columns that they are the values of: for `insert(…).values`."""
    return {name: bindparam(name) for name in names}


# ---- running them ----


class Reader(ABC):
    """What runs queries: a Database each by itself, a Connection all in one transaction."""

    @abstractmethod
    async def all(self, query: Query[Row], /, **values: Any) -> list[Row]:
        """The rows of a query. Raises psycopg.Error."""

    async def first(self, query: Query[Row], /, **values: Any) -> Row | None:
        """The first row; None when there is none."""
        rows = await self.all(query, **values)
        return rows[0] if rows else None

    async def one(self, query: Query[Row], /, **values: Any) -> Row:
        """The row of a query that has exactly one."""
        rows = await self.all(query, **values)
        assert len(rows) == 1, f"{len(rows)} rows of {query.text.decode()}"
        return rows[0]


class Connection(Reader):
    """A transaction. `driver` is psycopg's connection, for what else must join it."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    async def all(self, query: Query[Row], /, **values: Any) -> list[Row]:
        """See Reader. The statement may also be one that changes rows and returns them."""
        cursor = await self.driver.execute(query.text, query.bind(values), binary=True)
        return query.rows(cursor.description or (), await cursor.fetchall())

    async def run(self, statement: Statement, /, **values: Any) -> int:
        """Run a statement; how many rows it changed. Raises psycopg.Error."""
        return (await self.driver.execute(statement.text, statement.bind(values))).rowcount

    async def run_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement with the values of each row, without waiting for one after the other."""
        cursor = self.driver.cursor()
        await cursor.executemany(statement.text, [statement.bind(row) for row in rows])

    async def replace_rows(
        self,
        table: Table,
        tenant_id: Any,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
    ) -> int:
        """Put `rows` (values of `columns`) in place of all the tenant's in `table`; their number.

        Goes through COPY.
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

    They are made when they are needed, by whoever needs them: while the database is away each
    call hears of it at once.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = url
        self._transactions = asyncio.Semaphore(pool_size)
        self._places = asyncio.Semaphore(pool_size + _FOR_READS)
        # Those nobody uses; the one used last is taken first.
        self._idle: list[Driver] = []
        self._closed = False

    async def all(self, query: Query[Row], /, **values: Any) -> list[Row]:
        """See Reader. A query that fails with its connection is tried once more on a living one,
        so it must be one that may run twice."""
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
        """One transaction: committed when the block ends, rolled back when it raises.

        Everything done on its connection, jobs deferred and notifications included, happens
        together or not at all.
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
        """Close every connection; those in use when they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _take(self) -> Driver:
        """A connection that lives, for nobody else until it is given back."""
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
    """Every connection is in use, and was for a while."""


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
    # Each of our statements is prepared when it first runs: their number is known.
    driver = await psycopg.AsyncConnection.connect(
        libpq_url(url), autocommit=True, prepare_threshold=0
    )
    driver.prepared_max = None
    set_json_loads(digits.loads, driver)
    set_json_dumps(digits.dumps, driver)
    return driver


@asynccontextmanager
async def open_database(url: str, pool_size: int = 10) -> AsyncIterator[Database]:
    """A Database that is closed when the block ends."""
    database = Database(url, pool_size)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def unavailable_without_database(call: Call) -> AsyncIterator[None]:
    """While the database is away, calls are told to come back instead of an internal error."""
    try:
        yield
    except psycopg.OperationalError as error:
        log.warning("database_away", method=call.method.path, error=type(error).__name__)
        raise ApiError(CONDITION_UNAVAILABLE, retry_after=1) from error


_HOLD_LOCK = Statement(select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger))))


async def hold_lock(conn: Connection, key: int) -> None:
    """Have transactions that hold the lock of this number take turns, until this one ends."""
    await conn.run(_HOLD_LOCK, key=key)


def hung_up(conn: psycopg.AsyncConnection[Any]) -> bool:
    """Whether the server has ended an idle connection.

    A server that restarts, or ends one connection, says so on each: there is something to read
    where there should be nothing. Asking the kernel takes 2 µs, a statement a round trip. What
    else the server may have sent costs a new connection and no more.
    """
    if conn.closed:
        return True
    unread = poll()
    unread.register(conn.fileno(), POLLIN)
    return bool(unread.poll(0))


def sqlalchemy_url(url: str) -> str:
    """The URL with the driver named, as SQLAlchemy wants it (for migrations)."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def libpq_url(url: str) -> str:
    """The URL without a driver, as libpq, psycopg and procrastinate want it."""
    return "postgresql://" + url.split("://", 1)[1]
