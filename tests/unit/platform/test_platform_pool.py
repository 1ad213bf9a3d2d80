"""The pool of threads for work that would hold up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

from core.platform.pool import WorkPool


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
