"""After the database was away, the first calls work: no connection of before is handed out."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from core.platform.database import Database, Query, Statement, libpq_url, open_database
from core.platform.jobs import ERRANDS, Jobs
from core.run.embedded_postgres import EmbeddedPostgres
from core.run.migrate import upgrade
from tests.support import ScriptedEngine, make_shopper, running_core

_SLEEP = Statement(text("SELECT pg_sleep(0.3)"))
_ONE = Query(text("SELECT 1"), int)
_PID = Query(text("SELECT pg_backend_pid()"), int)
_END_ALL = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def fill(database: Database, connections: int) -> None:
    """Have a pool hold so many connections."""

    async def one() -> None:
        async with database.begin() as conn:
            await conn.run(_SLEEP)

    await asyncio.gather(*(one() for _ in range(connections)))


def end_all_sessions(url: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as conn:
        conn.execute(_END_ALL)


async def test_no_transaction_gets_a_connection_that_was_ended(database: Database) -> None:
    await fill(database, 5)
    end_all_sessions(database.url)
    for _ in range(10):
        async with database.begin() as conn:
            assert await conn.one(_ONE) == 1
        async with database.begin() as conn:
            assert await conn.one(_ONE) == 1


async def test_one_ended_connection_is_replaced(database: Database) -> None:
    """As by a proxy between us that ends what was idle for long."""
    async with database.begin() as conn:
        pid = await conn.one(_PID)
    with psycopg.connect(libpq_url(database.url), autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
    async with database.begin() as after:
        assert await after.one(_PID) != pid


async def test_the_queue_gets_no_connection_that_was_ended(
    database: Database, database_url: str
) -> None:
    async with Jobs(database_url, 1) as jobs:
        jobs.task("test.nothing", lambda context: asyncio.sleep(0), ERRANDS)

        async def look() -> None:
            await jobs.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=8)

        await asyncio.gather(*(look() for _ in range(8)))
        end_all_sessions(database_url)
        for _ in range(8):
            await look()


@pytest.mark.parametrize("calls", [20])
async def test_the_first_calls_after_a_restart(calls: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="og-", ignore_cleanup_errors=True) as directory,
        EmbeddedPostgres(Path(directory) / "pg", durable=False) as server,
    ):
        upgrade(server.url)
        async with (
            open_database(server.url) as database,
            running_core(server.url, ScriptedEngine()) as channel,
        ):
            shopper = await make_shopper(database, channel)
            started = await asyncio.gather(*(shopper.start() for _ in range(calls)))
            for one in started:
                await shopper.finish(one)
            server.stop()
            server.start()
            # All at once, so that every connection of every pool is asked for.
            again = await asyncio.gather(*(shopper.start() for _ in range(calls)))
            await asyncio.gather(*(shopper.get_round(one) for one in started))
            for one in again:
                await shopper.finish(one)
