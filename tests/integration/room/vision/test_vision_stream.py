"""StreamTidyRoom over gRPC, with an engine that does as it is told."""

from __future__ import annotations

import grpc
import pytest
from sqlalchemy import func, select

from core.platform.database import Database
from core.room.media.tables import media_files
from core.room.vision.port import VisionUnavailable
from tests.integration.room.vision.vision_help import Caller, ScriptedVision
from tests.support import fields_of, reason_of, tables


async def test_progress_rises_to_the_answer(caller: Caller, vision: ScriptedVision) -> None:
    vision.stages = [(0.5, "그리는 중"), (0.25, "다시 그리는 중"), (9.0, "다 그림")]
    *progress, done = [event async for event in caller.stream()]
    assert {event.event for event in progress} == {"progress"}
    shares = [event.progress.share for event in progress]
    assert shares == sorted(shares)
    assert (progress[0].progress.share, progress[0].progress.stage) == (0.45, "그리는 중")
    assert max(shares) < 1
    assert all(event.progress.stage and not event.progress.choices for event in progress)
    assert (done.event, done.progress.share) == ("done", 1.0)
    [answer] = done.progress.choices
    assert "\n\nGPT Analysis:\n침대를 정리했습니다." in answer.message.content


async def test_errors_before_the_first_event(caller: Caller, vision: ScriptedVision) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await caller.stream(b"no").read()
    assert (reason_of(raised.value), fields_of(raised.value)) == ("INVALID_REQUEST", ["image"])
    vision.stages, vision.failure = [], VisionUnavailable("away")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await caller.stream().read()
    assert reason_of(raised.value) == "UNAVAILABLE"


async def test_an_error_after_an_event_ends_the_stream(
    caller: Caller, vision: ScriptedVision
) -> None:
    vision.failure = VisionUnavailable("away")
    stream = caller.stream()
    assert (await stream.read()).event == "progress"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stream.read()
    assert reason_of(raised.value) == "UNAVAILABLE"


async def test_a_client_that_leaves_ends_the_work(
    caller: Caller, vision: ScriptedVision, database: Database
) -> None:
    vision.open.clear()
    stream = caller.stream()
    assert (await stream.read()).event == "progress"
    stream.cancel()
    await vision.left.wait()
    async with tables(database) as conn:
        count = select(func.count()).select_from(media_files)
        assert (await conn.execute(count)).scalar_one() == 0
    # And the next caller finds everything as it was.
    vision.open.set()
    assert [event.event async for event in caller.stream()][-1] == "done"
