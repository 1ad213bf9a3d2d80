"""A process that is kept running says how it ended, and is started again whatever the reason."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from core.run import child
from core.run.child import Child


async def first_ends(one: Child, count: int) -> list[str]:
    """What is said of its first ends."""
    said: list[str] = []
    enough = asyncio.Event()

    def died(_: Child, outcome: str, again: str) -> None:
        said.append(f"{outcome}; {again}")
        if len(said) == count:
            enough.set()

    running = asyncio.create_task(one.run(died))
    await asyncio.wait_for(enough.wait(), 30)
    await one.stop(5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return said[:count]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_BACK_OFF", (0.01, 0.05))


async def test_one_that_ends_again_and_again_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = Child("one", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ), log)
    assert await first_ends(one, 3) == [
        "ended with exit code 3; starting it again",
        f"ended with exit code 3; starting it again in 0.0 s (2 times in a row: see {log})",
        f"ended with exit code 3; starting it again in 0.0 s (3 times in a row: see {log})",
    ]


async def test_one_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    """For want of memory or descriptors, say: another time there may be some."""
    program = tmp_path / "program"
    one = Child("one", [str(program)], dict(os.environ), tmp_path / "log")
    first, _ = await first_ends(one, 2)
    assert first.startswith("could not be started (")
    log = tmp_path / "folder"
    log.mkdir()
    one = Child("one", [sys.executable, "-c", ""], dict(os.environ), log)
    first, _ = await first_ends(one, 2)
    assert "Is a directory" in first


async def test_one_whose_user_it_cannot_become_is_not_run(tmp_path: Path) -> None:
    def refuse() -> None:
        raise PermissionError("no")

    touch = [sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w')"]
    one = Child("one", touch, dict(os.environ), tmp_path / "log", become=refuse)
    first, _ = await first_ends(one, 2)
    assert first.startswith("could not be started (")
    assert not (tmp_path / "ran").exists()


async def test_a_replaced_one_has_not_died(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "import os, time; print(os.environ['X'], flush=True); time.sleep(600)"
    one = Child("one", [sys.executable, "-c", program], {**os.environ, "X": "old"}, log)
    said: list[str] = []
    running = asyncio.create_task(one.run(lambda _, outcome, __: said.append(outcome)))

    async def until(text: str) -> None:
        async with asyncio.timeout(30):
            while not log.exists() or log.read_text() != text:
                await asyncio.sleep(0.01)

    await until("old\n")
    first = one.pid
    one.environment = {**os.environ, "X": "new"}
    await one.replace(5)
    await until("old\nnew\n")
    assert one.pid != first
    assert (said, one.deaths) == ([], 0)
    await one.stop(5)
    await running
