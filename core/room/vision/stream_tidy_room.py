"""StreamTidyRoom: what GenerateTidyRoom does, with its progress."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal

from core.room.vision.generate_tidy_room import Ports, TidiedRoom, generate_tidy_room
from edge import ApiError
from edge.v1 import annotations_pb2 as rest

DONE = "완료"


@dataclass(frozen=True, slots=True)
class TidyRoomEvent:
    """The share of the work that is done (0 to 1) and its stage; last, the tidied room."""

    event: Literal["progress", "done"]
    share: float
    stage: str
    room: TidiedRoom | None = None


async def stream_tidy_room(
    ports: Ports, user_id: uuid.UUID, image: bytes
) -> AsyncGenerator[TidyRoomEvent]:
    """Tidy the room in a picture as `generate_tidy_room` does, and yield the progress.

    Stages that come faster than the caller reads are passed over; the share never falls. When
    the server stops the stream ends with UNAVAILABLE: the caller has to begin anew. Otherwise
    raises what `generate_tidy_room` raises.
    """
    stage = LatestStage()
    work = asyncio.create_task(generate_tidy_room(ports, user_id, image, stage.tell))
    stop = asyncio.create_task(ports.runtime.stopping.wait())
    for task in (work, stop):
        task.add_done_callback(lambda _: stage.changed.set())
    try:
        while not work.done():
            await stage.changed.wait()
            stage.changed.clear()
            if news := stage.take():
                yield TidyRoomEvent("progress", *news)
            if stop.done() and not work.done():
                raise ApiError(rest.CONDITION_UNAVAILABLE, retry_after=1)
        yield TidyRoomEvent("done", 1.0, DONE, work.result())
    finally:
        work.cancel()
        stop.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
        del work  # what it raised has this frame in its traceback: they would keep each other


class LatestStage:
    """The stage that work in a thread has come to: the latest only, however many were told."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._share = 0.0
        self._news: tuple[float, str] | None = None

    def tell(self, share: float, stage: str) -> None:
        """Take note of a stage, from any thread. The event loop is woken once until `take`."""
        with self._lock:
            known = self._news is not None
            self._share = max(self._share, share)
            self._news = (self._share, stage)
        if not known:
            self._loop.call_soon_threadsafe(self.changed.set)

    def take(self) -> tuple[float, str] | None:
        """Return what was told since the last time."""
        with self._lock:
            news, self._news = self._news, None
        return news
