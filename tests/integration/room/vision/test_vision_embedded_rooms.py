"""VisionService with the engine it has by itself, over drawn rooms."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from onegenie.media.v1 import media_pb2_grpc
from PIL import Image

from core.platform.database import Database
from tests.clock import FakeClock
from tests.integration.room.vision.test_vision_calls import add_mission, completed_at
from tests.integration.room.vision.vision_help import Caller
from tests.photos import encode
from tests.rooms import Room, Shot
from tests.support import asked_for, make_person, running_core


@pytest.fixture
async def caller(database_url: str, database: Database, clock: FakeClock) -> AsyncIterator[Caller]:
    async with running_core(database_url, clock=clock) as channel:
        yield Caller(await make_person(database, channel))


async def test_from_an_untidy_room_to_a_completed_mission(
    caller: Caller, database: Database, clock: FakeClock
) -> None:
    room = Room(1)
    untidy = encode(room.picture(room.clutter(14)), "JPEG")
    tidy = encode(room.picture((), Shot.jittered(2, 0.5)), "JPEG")
    assert "어질러져" in await caller.analyze(untidy)
    mission_id = await add_mission(database, caller.person, clock(), "방 청소")

    reply = await caller.verify(mission_id, untidy, untidy)
    assert not reply.completed
    assert await completed_at(database, mission_id) is None

    reply = await caller.verify(mission_id, untidy, tidy)
    assert reply.completed
    assert reply.text == "미션 완료! 방이 깨끗하게 정리되었습니다."
    assert reply.estimated
    assert await completed_at(database, mission_id) == clock()


async def test_an_untidy_room_is_tidied_with_its_progress(caller: Caller) -> None:
    room = Room(1)
    untidy = room.picture(room.clutter(14))
    *progress, done = [event async for event in caller.stream(encode(untidy, "JPEG"))]
    shares = [event.progress.share for event in progress]
    assert shares
    assert shares == sorted(shares)
    [answer] = done.progress.choices
    link, text = answer.message.content.split("\n\nGPT Analysis:\n")
    assert "방이 깔끔하게 정리되었습니다." in text
    shown = await media_pb2_grpc.MediaServiceStub(caller.person.channel).GetMedia(
        asked_for(link), timeout=20
    )
    with Image.open(io.BytesIO(shown.data)) as picture:
        assert picture.size == untidy.size
