"""While the database is away calls are told to come back, and they work when it is."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import grpc
import pytest

from core.platform.database import open_database
from core.run.embedded_postgres import EmbeddedPostgres
from core.run.migrate import upgrade
from tests.support import ScriptedEngine, make_shopper, reason_of, running_core


async def test_calls_while_the_database_is_away() -> None:
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
            started = await shopper.start()
            await shopper.finish(started)
            server.stop()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await shopper.get_round(started)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            assert reason_of(caught.value) == "UNAVAILABLE"
            server.start()
            async with asyncio.timeout(20):
                while True:
                    try:
                        await shopper.get_round(started)
                        break
                    except grpc.aio.AioRpcError:
                        await asyncio.sleep(0.2)
            await shopper.finish(await shopper.start())
