"""Answer calls before working on rounds, in a process that does both (decision 47)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge import Call

# Seconds that a step waits at most, so that rounds go on however many call.
PATIENCE = 0.25


class CallsFirst:
    """Knows whether calls are being answered.

    Streams do not count: they wait most of the time.
    """

    def __init__(self) -> None:
        self._in_flight = 0
        self._none = asyncio.Event()
        self._none.set()

    @asynccontextmanager
    async def counted(self, call: Call) -> AsyncIterator[None]:
        """Count a call while it is answered; an interceptor."""
        if call.method.server_streaming:
            yield
            return
        self._in_flight += 1
        self._none.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._none.set()

    async def give_way(self) -> None:
        """Wait until no call is being answered, for PATIENCE seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._none.wait()
