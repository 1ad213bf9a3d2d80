"""Work that has begun is finished, whoever waits for it."""

from __future__ import annotations

import asyncio
import gc

import pytest

from core.platform.finish import finish


async def test_the_result_and_the_error_are_the_works() -> None:
    async def answer() -> int:
        return 7

    async def fail() -> None:
        raise LookupError("gone")

    assert await finish(answer()) == 7
    with pytest.raises(LookupError, match="gone"):
        await finish(fail())


async def test_a_caller_that_leaves_does_not_end_the_work() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    caller = asyncio.create_task(finish(work()))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    del caller
    gc.collect()
    assert not done.is_set()
    go_on.set()
    async with asyncio.timeout(10):
        await done.wait()
