"""VisionService with an engine that does as it is told."""

from __future__ import annotations

import asyncio
import io
import uuid
from datetime import datetime

import grpc
from google.api import httpbody_pb2
from onegenie.media.v1 import media_pb2_grpc
from PIL import Image
from sqlalchemy import insert, select, text

from core.platform.database import Database
from core.room.media.tables import media_files
from core.room.mission.tables import today_missions
from core.room.vision.port import TidyRoom, Verdict, VisionUnavailable
from edge.contract.load import load_contract
from edge.envoy.descriptor import BODY_NAME, request_class
from tests.clock import FakeClock
from tests.integration.room.vision.vision_help import PHOTO, Caller, ScriptedVision
from tests.photos import photo
from tests.support import (
    Person,
    asked_for,
    fields_of,
    make_person,
    reason_of,
    refusal,
    running_core,
    tables,
)

NOT_YET = Verdict(False, "아직 미션이 끝나지 않았습니다.")


async def add_mission(
    database: Database,
    person: Person,
    now: datetime,
    content: str = "책상 치우기",
    listed: bool = True,
    completed: bool = False,
) -> uuid.UUID:
    mission_id = uuid.uuid4()
    row = {
        "id": mission_id,
        "user_id": person.id,
        "content": content,
        "day": now.date(),
        "suggested_at": now,
        "listed_at": now if listed else None,
        "completed_at": now if completed else None,
    }
    async with tables(database) as conn:
        await conn.execute(insert(today_missions).values(row))
    return mission_id


async def completed_at(database: Database, mission_id: uuid.UUID) -> datetime | None:
    query = select(today_missions.c.completed_at).where(today_missions.c.id == mission_id)
    async with tables(database) as conn:
        return (await conn.execute(query)).scalar_one()


async def kept(database: Database) -> list[uuid.UUID]:
    """Owner of each kept picture."""
    async with tables(database) as conn:
        return list(await conn.scalars(select(media_files.c.owner_id)))


async def test_a_room_is_analyzed(caller: Caller, vision: ScriptedVision) -> None:
    assert await caller.analyze(photo("PNG", 3200, 1600)) == "방이 깨끗합니다."
    [(room,)] = vision.asked
    assert isinstance(room, Image.Image)
    assert (room.mode, room.size) == ("RGB", (1600, 800))


async def test_what_is_no_picture_is_named(
    caller: Caller, vision: ScriptedVision, database: Database, clock: FakeClock
) -> None:
    mission_id = await add_mission(database, caller.person, clock())
    for call, field in (
        (caller.analyze(b"GIF89a"), "image"),
        (caller.tidy(PHOTO[:200]), "image"),
        (caller.verify(mission_id, before=b"no"), "beforeImage"),
        (caller.verify(mission_id, after=b"no"), "afterImage"),
    ):
        error = await refusal(call)
        assert (reason_of(error), fields_of(error)) == ("INVALID_REQUEST", [field])
    assert vision.asked == []
    assert await kept(database) == []


async def test_a_done_mission_is_completed(
    caller: Caller, vision: ScriptedVision, database: Database, clock: FakeClock
) -> None:
    mission_id = await add_mission(database, caller.person, clock(), "빨래 개기")
    clock.advance(hours=1)
    reply = await caller.verify(mission_id, photo(width=40), photo(width=50))
    assert (reply.text, reply.completed) == (vision.verdict.text, True)
    [(before, after, mission)] = vision.asked
    assert isinstance(before, Image.Image)
    assert isinstance(after, Image.Image)
    assert (before.width, after.width, mission) == (40, 50, "빨래 개기")
    assert await completed_at(database, mission_id) == clock()
    # Once and for all: neither looked at nor completed again.
    clock.advance(hours=1)
    again = await caller.verify(mission_id, b"no", b"no")
    assert (again.text, again.completed) == ("이미 완료한 미션입니다.", True)
    assert len(vision.asked) == 1
    assert await completed_at(database, mission_id) != clock()


async def test_an_undone_mission_stays(
    caller: Caller, vision: ScriptedVision, database: Database, clock: FakeClock
) -> None:
    mission_id = await add_mission(database, caller.person, clock())
    vision.verdict = NOT_YET
    reply = await caller.verify(mission_id)
    assert (reply.text, reply.completed) == (NOT_YET.text, False)
    assert await completed_at(database, mission_id) is None


async def test_only_a_mission_of_ones_own_list(
    caller: Caller, vision: ScriptedVision, database: Database, clock: FakeClock
) -> None:
    other = await make_person(database, caller.person.channel)
    for mission_id in (
        "mission123",
        uuid.uuid4(),
        await add_mission(database, other, clock()),
        await add_mission(database, other, clock(), completed=True),
        await add_mission(database, caller.person, clock(), listed=False),
    ):
        # Before anybody looks at the pictures.
        assert (
            reason_of(await refusal(caller.verify(mission_id, b"no", b"no"))) == "MISSION_NOT_FOUND"
        )
    assert vision.asked == []


async def test_verified_twice_at_once_it_is_completed_once(
    caller: Caller, vision: ScriptedVision, database: Database, clock: FakeClock
) -> None:
    mission_id = await add_mission(database, caller.person, clock())
    vision.open.clear()
    calls = [asyncio.create_task(caller.verify(mission_id)) for _ in range(4)]
    async with asyncio.timeout(20):
        while len(vision.asked) < 4:
            await asyncio.sleep(0.01)
    vision.open.set()
    assert [reply.completed for reply in await asyncio.gather(*calls)] == [True] * 4
    assert await completed_at(database, mission_id) == clock()


async def test_an_engine_without_an_answer_is_unavailable(
    caller: Caller, vision: ScriptedVision, database: Database, clock: FakeClock
) -> None:
    mission_id = await add_mission(database, caller.person, clock())
    vision.failure = VisionUnavailable("secret upstream text")
    for call in (caller.analyze(), caller.verify(mission_id), caller.tidy()):
        error = await refusal(call)
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
        assert "secret" not in str(error)
    assert await completed_at(database, mission_id) is None
    assert await kept(database) == []


async def test_an_engine_that_takes_too_long_is_left(
    database_url: str, database: Database, clock: FakeClock, vision: ScriptedVision
) -> None:
    vision.open.clear()
    async with running_core(
        database_url, clock=clock, vision=vision, vision_timeout=0.05
    ) as channel:
        caller = Caller(await make_person(database, channel))
        mission_id = await add_mission(database, caller.person, clock())
        calls = (caller.analyze(), caller.verify(mission_id), caller.tidy(), last(caller))
        for call in calls:
            vision.left.clear()
            assert reason_of(await refusal(call)) == "DEADLINE_EXCEEDED"
            await vision.left.wait()
    assert await completed_at(database, mission_id) is None


async def last(caller: Caller) -> object:
    """The last event of a stream."""
    return [event async for event in caller.stream()][-1]


async def test_a_tidied_room_is_kept_and_linked(
    caller: Caller, vision: ScriptedVision, database: Database
) -> None:
    link, rest = (await caller.tidy()).split("\n\n", 1)
    assert rest == "GPT Analysis:\n침대를 정리했습니다."
    assert link.startswith("http://127.0.0.1:8080/media/")
    assert await kept(database) == [caller.person.id]
    # Links work for up to seven hours; nothing else leads to it, so it goes after them.
    due = "SELECT scheduled_at > now() + interval '6 h 30 min' FROM procrastinate_jobs"
    async with tables(database) as conn:
        assert list(await conn.scalars(text(due))) == [True]
    request = asked_for(link)
    shown = await media_pb2_grpc.MediaServiceStub(caller.person.channel).GetMedia(
        request, timeout=20
    )
    with Image.open(io.BytesIO(shown.data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (80, 60))
    # Made anew: not the engine's own bytes.
    assert shown.data != vision.tidied.picture


async def test_an_engine_that_draws_no_picture_is_unavailable(
    caller: Caller, vision: ScriptedVision, database: Database
) -> None:
    vision.tidied = TidyRoom(b"<svg/>", "그림")
    assert reason_of(await refusal(caller.tidy())) == "UNAVAILABLE"
    assert await kept(database) == []


async def test_rest_answers_as_documented(
    caller: Caller, database: Database, clock: FakeClock
) -> None:
    mission_id = await add_mission(database, caller.person, clock())
    contract = load_contract(["onegenie.vision.v1.VisionService"])

    async def rest(rpc: str, parts: tuple[str, ...], **strings: str) -> bytes:
        path = f"/onegenie.vision.v1.VisionService/{rpc}"
        message = request_class(contract.methods[path])()
        for name, value in strings.items():
            getattr(message, name).append(value)
        form = b"".join(
            b"--B\r\nContent-Disposition: form-data; name=%s; filename=room.png\r\n"
            b"Content-Type: image/png\r\n\r\n%s\r\n" % (part.encode(), PHOTO)
            for part in parts
        )
        http = getattr(message, BODY_NAME)
        http.content_type, http.data = "multipart/form-data; boundary=B", form + b"--B--"
        call = caller.person.channel.unary_unary(path)(
            message.SerializeToString(),
            metadata=(("x-envoy-original-path", "/"), *caller.person.metadata),
            timeout=20,
        )
        return httpbody_pb2.HttpBody.FromString(await call).data

    assert (await rest("AnalyzeRoom", ("image",))).decode() == (
        '{"choices":[{"index":0,"message":{"role":"assistant","content":"방이 깨끗합니다."}}]}'
    )
    done = await rest(
        "VerifyMission", ("beforeImage", "afterImage"), today_mission_id=str(mission_id)
    )
    assert done.decode() == '"미션 완료! 방이 깨끗하게 정리되었습니다."'
    tidied = await rest("GenerateTidyRoom", ("image",))
    assert tidied.startswith(
        b'{"choices":[{"index":0,"message":{"role":"assistant","content":"http'
    )
    assert tidied.decode().endswith('\\n\\nGPT Analysis:\\n침대를 정리했습니다."}}]}')
