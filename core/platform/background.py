"""Run tasks that live as long as their process: if one ends early, the process must end too.

A task that nobody awaits ends unseen: its work is no longer done, while everything else looks well.
The supervisor restarts a process that ends, and with it all of its tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Background:
    """The long-lived tasks of a process. `failed` is set when one ends before it is told to.

    Setting `told` tells the tasks that watch it to end; all others are cancelled.
    """

    def __init__(self, told: asyncio.Event) -> None:
        self.failed = asyncio.Event()
        self._told = told
        self._watching: list[asyncio.Task[None]] = []
        self._cancelled: list[asyncio.Task[None]] = []

    def start(
        self, name: str, work: Coroutine[Any, Any, None], *, ends_when_told: bool = False
    ) -> None:
        """Run `work` until `end`. `ends_when_told` says that it watches `told` itself."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        (self._watching if ends_when_told else self._cancelled).append(task)

    async def end(self) -> None:
        """Tell all tasks to end, and wait until they have."""
        self._told.set()
        for task in self._cancelled:
            task.cancel()
        await asyncio.gather(*self._watching, *self._cancelled, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if not self._told.is_set():
            self.failed.set()
            log.critical("background_task_ended", task=task.get_name(), exc_info=error)
