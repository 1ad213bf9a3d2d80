"""The pool of threads for work that would hold up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref

import pytest

from core.platform.pool import WorkPool
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest


async def test_so_many_wait_and_no_more() -> None:
    go_on = threading.Event()
    with contextlib.closing(WorkPool(threads=1, waiting=1)) as pool:
        running, waiting = (asyncio.create_task(pool.run(go_on.wait)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as refused:
            await pool.run(go_on.wait)
        assert refused.value.reason == rest.CONDITION_RATE_LIMITED
        # Who leaves frees no place: the work goes on.
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(ApiError):
            await pool.run(go_on.wait)
        go_on.set()
        assert await waiting
        thread = await pool.run(threading.current_thread)
    assert thread is not threading.main_thread()


class Pixels:
    """What work holds while it runs."""


async def test_what_failed_work_held_is_let_go_without_the_collector() -> None:
    seen: list[weakref.ref[Pixels]] = []

    def fail() -> None:
        pixels = Pixels()
        seen.append(weakref.ref(pixels))
        raise ValueError("broken off")

    gc.collect()
    gc.disable()
    try:
        with contextlib.closing(WorkPool(1, 1)) as pool, contextlib.suppress(ValueError):
            await pool.run(fail)
        async with asyncio.timeout(20):
            while seen[0]() is not None:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
