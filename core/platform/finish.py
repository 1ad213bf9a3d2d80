"""Work that is finished once it has begun, whoever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# The event loop itself keeps no task from being collected.
_running: set[asyncio.Task[Any]] = set()


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Return the work's result; when the caller is cancelled, the work still runs to its end.

    A REST client that leaves cancels its call. A transaction that was about to commit then commits,
    so that a repeated call finds its effect. Raises what the work raises.
    """
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return await asyncio.shield(task)
