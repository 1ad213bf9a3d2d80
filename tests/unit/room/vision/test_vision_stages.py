"""The progress of tidying a room: what is told, kept, passed over and stopped."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.platform.pool import WorkPool
from core.platform.settings import Settings
from core.room.vision.generate_tidy_room import NobodyWaits, Ports, generate_tidy_room
from core.room.vision.port import Progress
from core.room.vision.stream_tidy_room import LatestStage, stream_tidy_room
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest
from tests.photos import photo
from tests.support import make_runtime


async def test_only_the_latest_is_kept_and_the_share_never_falls() -> None:
    stage = LatestStage()

    def work() -> None:
        for number in range(10_000):
            stage.tell(number / 10_000, f"{number}")
        stage.tell(0.1, "뒤로")
        stage.tell(float("nan"), "어디쯤")

    await asyncio.to_thread(work)
    await stage.changed.wait()
    assert stage.take() == (0.9999, "어디쯤")
    assert stage.take() is None
    stage.changed.clear()
    stage.tell(1.0, "끝")
    await stage.changed.wait()
    assert stage.take() == (1.0, "끝")


async def test_what_is_not_taken_wakes_the_reader_once() -> None:
    stage, woken = LatestStage(), 0

    class Counting:
        def call_soon_threadsafe(self, *_: object) -> None:
            nonlocal woken
            woken += 1

    stage._loop = Counting()  # type: ignore[assignment]
    for _ in range(100):
        stage.tell(0.5, "그리는 중")
    assert woken == 1


class Working:
    """An engine at work in a thread, telling its progress until that is refused."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    async def tidy(self, room: object, progress: Progress) -> Any:
        def work() -> None:
            try:
                while True:
                    progress(0.5, "그리는 중")
            except NobodyWaits:
                self.stopped.set()

        # As in the pool, the thread goes on when nobody waits for it any more.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work))


@pytest.fixture
async def pool() -> AsyncIterator[WorkPool]:
    opened = WorkPool(1, 1)
    yield opened
    opened.close()


def ports(pool: WorkPool, engine: Any, stopping: asyncio.Event, timeout: float = 30) -> Ports:
    """Nothing is kept in these tests, so there is nothing to keep it in."""
    nothing: Any = None
    settings = Settings(vision_timeout=timeout)
    runtime = make_runtime(settings=settings, pictures=pool, stopping=stopping)
    return Ports(runtime, engine, nothing)


async def drained(events: AsyncIterator[object]) -> None:
    async for _ in events:
        pass


async def test_a_reader_that_leaves_stops_the_work(pool: WorkPool) -> None:
    engine = Working()
    before = asyncio.all_tasks()
    events = stream_tidy_room(ports(pool, engine, asyncio.Event()), uuid.uuid4(), photo())
    assert (await anext(events)).event == "progress"
    await events.aclose()
    assert await asyncio.to_thread(engine.stopped.wait, 20)
    assert asyncio.all_tasks() == before


async def test_a_server_that_stops_ends_the_stream(pool: WorkPool) -> None:
    engine, stopping = Working(), asyncio.Event()
    events = stream_tidy_room(ports(pool, engine, stopping), uuid.uuid4(), photo())
    assert (await anext(events)).event == "progress"
    stopping.set()
    with pytest.raises(ApiError) as raised:
        await drained(events)
    assert raised.value.reason == rest.CONDITION_UNAVAILABLE
    assert await asyncio.to_thread(engine.stopped.wait, 20)


async def test_a_call_that_takes_too_long_stops_the_work(pool: WorkPool) -> None:
    engine = Working()
    hasty = ports(pool, engine, asyncio.Event(), timeout=0.05)
    with pytest.raises(ApiError) as raised:
        await generate_tidy_room(hasty, uuid.uuid4(), photo())
    assert raised.value.reason == rest.CONDITION_DEADLINE_EXCEEDED
    assert await asyncio.to_thread(engine.stopped.wait, 20)
