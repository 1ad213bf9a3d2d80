"""A bounded pool of threads for work that would hold up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest

T = TypeVar("T")


class WorkPool:
    """Runs functions in `threads` threads. At most `waiting` more wait for one."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._limit = threads + waiting
        self._taken = 0

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """`function(*args)` in a thread; told to come back a little later when all are taken.

        A caller that leaves does not stop what has begun: its place is free when that ends.
        """
        if self._taken >= self._limit:
            raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=1)
        self._taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, function, *args)
        future.add_done_callback(self._free)
        try:
            return await asyncio.shield(future)
        finally:
            # An exception's traceback has this frame: with the future in it they would keep each
            # other, and a picture's pixels, until the next full collection.
            del future

    def _free(self, future: asyncio.Future[T]) -> None:
        self._taken -= 1
        if not future.cancelled():
            future.exception()  # seen, also when nobody waits for it any more

    def close(self) -> None:
        """Wait for what runs; drop what waits."""
        self._executor.shutdown(cancel_futures=True)
