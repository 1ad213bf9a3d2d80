"""Core processes are killed in every step: no round is lost, no step is applied twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb
from sqlalchemy import func, select, text

from core.platform.database import Database
from core.shop.recommend.tables import rounds
from core.shop.tenants.tables import credit_ledger, tenants
from tests.support import Shopper, make_shopper, tables

# Every change of a round, written down by the database itself.
_AUDIT = """
CREATE TABLE audit (round_id uuid, steps_done int, status text);
CREATE FUNCTION write_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit VALUES (NEW.id, NEW.steps_done, NEW.status); RETURN NEW; END $$;
CREATE TRIGGER write_audit AFTER UPDATE ON rounds FOR EACH ROW EXECUTE FUNCTION write_audit();
"""


class Core:
    """A core process on a socket, to be started and killed."""

    def __init__(self, database_url: str, directory: Path, name: str) -> None:
        self.address = directory / f"{name}.sock"
        self._environment = {**os.environ, "DATABASE_URL": database_url, "JOB_CONCURRENCY": "20"}
        self._environment["DATABASE_URL"] = "postgresql://" + database_url.split("://", 1)[1]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.address.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.slow_core", "--socket", str(self.address),
            env=self._environment,
        )  # fmt: skip
        async with asyncio.timeout(30), self.channel() as channel:
            await channel.channel_ready()

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"unix:{self.address}")

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@pytest.fixture
async def cores(database: Database, database_url: str) -> AsyncIterator[tuple[Core, Core]]:
    async with tables(database) as conn:
        await conn.execute(text(_AUDIT))
    with tempfile.TemporaryDirectory(prefix="og-") as directory:
        both = (
            Core(database_url, Path(directory), "a"),
            Core(database_url, Path(directory), "b"),
        )
        try:
            yield both
        finally:
            for core in both:
                await core.kill()


async def kick_off(database: Database, core: Core, prompts: list[str]) -> Shopper:
    """A shopper who has asked for a round with each prompt."""
    async with core.channel() as channel:
        shopper = await make_shopper(database, channel, credits=1000)
        await asyncio.gather(*(shopper.start(prompt) for prompt in prompts))
    return shopper


async def until(database: Database, condition: str, count: int) -> None:
    """Wait until `count` rounds meet an SQL condition."""
    query = select(func.count()).select_from(rounds).where(text(condition))
    async with asyncio.timeout(60):
        while True:
            async with tables(database) as conn:
                if await conn.scalar(query) == count:
                    return
            await asyncio.sleep(0.05)


async def in_their_slow_steps(database: Database, per_step: int) -> None:
    for step in range(1, 5):
        stuck = f"prompt LIKE 'slow {step}%' AND steps_done = {step - 1}"
        await until(database, stuck, per_step)


async def check(database: Database, shopper: Shopper, count: int) -> None:
    """Every round completed, every step applied once, credits add up."""
    await until(database, "status = 'completed'", count)
    async with tables(database) as conn:
        changes: dict[uuid.UUID, list[tuple[int, str]]] = {}
        for row in await conn.execute(text("SELECT * FROM audit")):
            changes.setdefault(row.round_id, []).append((row.steps_done, row.status))
        contents = (await conn.execute(select(rounds.c.results))).scalars().all()
        credits = await conn.scalar(select(tenants.c.credits).filter_by(id=shopper.tenant_id))
        ledger = await conn.scalar(select(func.sum(credit_ledger.c.delta)))
        jobs = await conn.scalar(text("SELECT count(*) FROM procrastinate_jobs"))
    assert len(changes) == count
    once = [(1, "in_progress"), (2, "in_progress"), (3, "in_progress"), (4, "completed")]
    assert all(sorted(seen) == once for seen in changes.values())
    for content in contents:
        round_ = pb.Round.FromString(content)
        assert len(round_.todos.items) == 1
        ids = [item.rec_id for item in round_.recommended_items]
        assert len(ids) == len(set(ids))
        assert len(round_.notifications.ad.items) <= 3
    assert credits == ledger == 1000 - count
    assert jobs == 0


async def test_a_living_process_takes_over_from_a_killed_one(
    database: Database, cores: tuple[Core, Core]
) -> None:
    killed, living = cores
    await asyncio.gather(killed.start(), living.start())
    prompts = [f"slow {step}: {number}" for step in range(1, 5) for number in range(4)]
    shopper = await kick_off(database, killed, prompts)
    await in_their_slow_steps(database, per_step=4)
    await killed.kill()
    await check(database, shopper, len(prompts))


async def test_rounds_go_on_after_a_restart_when_nobody_was_left(
    database: Database, cores: tuple[Core, Core]
) -> None:
    core, _ = cores
    await core.start()
    prompts = [f"slow {step}: {number}" for step in range(1, 5) for number in range(3)]
    shopper = await kick_off(database, core, prompts)
    await in_their_slow_steps(database, per_step=3)
    await core.kill()
    await core.start()
    await check(database, shopper, len(prompts))


async def test_kills_at_any_moment(database: Database, cores: tuple[Core, Core]) -> None:
    moments = random.Random(7)
    first, second = cores
    await asyncio.gather(first.start(), second.start())
    shopper = await kick_off(database, second, [f"{number}" for number in range(60)])
    for core in (first, second, first):
        await asyncio.sleep(moments.uniform(0.02, 0.25))
        await core.kill()
        with contextlib.suppress(grpc.aio.AioRpcError):
            await core.start()
    await check(database, shopper, 60)
