"""A task that ends before it is told to takes its process out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from core.platform.background import Background


async def for_ever() -> None:
    await asyncio.Event().wait()


async def returns() -> None:
    await asyncio.sleep(0)


async def raises() -> None:
    await asyncio.sleep(0)
    raise RuntimeError("an error nobody foresaw")


async def gives_up() -> None:
    await asyncio.sleep(0)
    raise asyncio.CancelledError


@pytest.mark.parametrize("work", [returns, raises, gives_up])
async def test_a_task_that_ends_is_noticed(work: Any) -> None:
    background = Background(asyncio.Event())
    background.start("other", for_ever())
    background.start("work", work())
    async with asyncio.timeout(10):
        await background.failed.wait()
        await background.end()


@pytest.mark.parametrize("error", [None, RuntimeError])
async def test_an_end_that_was_asked_for_is_no_failure(error: type[Exception] | None) -> None:
    told = asyncio.Event()

    async def watches() -> None:
        await told.wait()
        if error is not None:
            raise error

    background = Background(told)
    background.start("cancelled", for_ever())
    background.start("watching", watches(), ends_when_told=True)
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await background.end()
    assert not background.failed.is_set()


_RUN = """
import asyncio, contextlib, sys
import core.app.wire
from core.platform.background import Background
core.app.wire._LAST_SECONDS = 1

async def ends():
    await asyncio.sleep(0.05)

@contextlib.asynccontextmanager
async def serving():
    background = Background(asyncio.Event())
    background.start("work", ends())
    yield background
    print("drained", flush=True)
    {end}
    await background.end()

sys.exit(asyncio.run(core.app.wire.run(serving())))
"""


@pytest.mark.parametrize("end", ["pass", "await asyncio.Event().wait()"])
def test_its_process_ends_with_an_error_even_if_it_hangs(end: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _RUN.replace("{end}", end)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, b"drained" in ended.stdout) == (1, True)
