"""Run work that would block the event loop, in a bounded pool of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edge import ApiError
from edge.v1 import annotations_pb2 as rest

T = TypeVar("T")


class WorkPool:
    """Runs functions in `threads` threads. At most `waiting` more may wait for a thread."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._limit = threads + waiting
        self._taken = 0

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """Return `function(*args)`, run in a thread.

        Raises ApiError CONDITION_RATE_LIMITED, with one second to wait, when all places are taken.
        A caller that is cancelled does not stop the function: its place is freed when it ends.
        """
        if self._taken >= self._limit:
            raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=1)
        self._taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, function, *args)
        future.add_done_callback(self._free)
        try:
            return await asyncio.shield(future)
        finally:
            # An exception's traceback holds this frame. With the future in it, the two would keep
            # each other alive, and a picture's pixels with them, until the next full collection.
            del future

    def _free(self, future: asyncio.Future[T]) -> None:
        self._taken -= 1
        if not future.cancelled():
            future.exception()  # marks it as seen, in case nobody waits for it any more

    def close(self) -> None:
        """Wait for the functions that run; drop those that wait."""
        self._executor.shutdown(cancel_futures=True)
