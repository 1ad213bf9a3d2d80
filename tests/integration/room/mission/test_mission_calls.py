"""MissionService on a core process: a person's day, from the suggestion to the list."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from onegenie.mission.v1 import mission_pb2 as pb
from sqlalchemy import delete, update

from core.platform.database import Database
from core.room.mission import sql
from core.room.mission.tables import missions, today_missions
from tests.clock import FakeClock
from tests.integration.room.mission.mission_help import NOON, Caller, register
from tests.support import fields_of, make_person, reason_of, refused_reason, running_core, tables


@dataclass
class Room:
    """A core with a clock of the test's, and two people."""

    database: Database
    clock: FakeClock
    me: Caller
    other: Caller


@pytest.fixture(scope="module")
async def core(shared_database_url: str) -> AsyncIterator[tuple[FakeClock, grpc.aio.Channel]]:
    """The file's core, and its clock."""
    clock = FakeClock(NOON)
    async with running_core(shared_database_url, clock=clock) as channel:
        yield clock, channel


@pytest.fixture
async def room(
    shared_database: Database, core: tuple[FakeClock, grpc.aio.Channel]
) -> AsyncIterator[Room]:
    clock, channel = core
    clock.now = NOON
    people = [Caller(await make_person(shared_database, channel)) for _ in range(2)]
    yield Room(shared_database, clock, *people)
    async with tables(shared_database) as conn:
        await conn.execute(delete(today_missions))
        await conn.execute(delete(missions))


async def complete(room: Room, mission_id: str) -> bool:
    async with room.database.begin() as conn:
        return await sql.complete(conn, room.me.person.id, uuid.UUID(mission_id), room.clock())


# ---- suggestions ----


async def test_a_suggestion_stays_until_it_is_accepted(room: Room) -> None:
    await register(room.database, "방 청소", "빨래 개기")

    first = await room.me.recommend()
    room.clock.advance(hours=5)
    again = await room.me.recommend()

    assert again == first
    assert first.content in {"방 청소", "빨래 개기"}
    assert await room.me.today() == []


async def test_an_accepted_suggestion_keeps_its_id(room: Room) -> None:
    await register(room.database, "방 청소", "빨래 개기")
    first = await room.me.recommend()
    room.clock.advance(minutes=30)

    assert (await room.me.accept(first.mission_id)).message == "성공"

    (listed,) = await room.me.today()
    assert listed.mission_id == first.mission_id
    assert listed.content == first.content
    assert listed.status == pb.MISSION_STATUS_ONGOING
    assert listed.target_date.ToDatetime(UTC) == NOON + timedelta(minutes=30)
    assert await room.me.get(first.mission_id) == listed
    second = await room.me.recommend()
    assert second.mission_id != first.mission_id
    assert {first.content, second.content} == {"방 청소", "빨래 개기"}


async def test_nothing_registered(room: Room) -> None:
    assert await refused_reason(room.me.recommend()) == "MISSION_NOT_FOUND"


async def test_nothing_left(room: Room) -> None:
    await register(room.database, "방 청소")
    await room.me.accept((await room.me.recommend()).mission_id)

    assert await refused_reason(room.me.recommend()) == "MISSION_NOT_FOUND"

    room.clock.advance(days=1)
    assert (await room.me.recommend()).content == "방 청소"


async def test_ones_own_words_count_as_the_same_mission(room: Room) -> None:
    await register(room.database, "TV  위 먼지 닦기", "빨래 개기")
    await room.me.create("  tv 위   먼지 닦기 ")

    assert (await room.me.recommend()).content == "빨래 개기"


async def test_a_suggestion_made_ones_own_is_replaced(room: Room) -> None:
    await register(room.database, "방 청소", "빨래 개기")
    first = await room.me.recommend()
    await room.me.create(first.content)

    second = await room.me.recommend()

    assert second.content != first.content
    assert await refused_reason(room.me.accept(first.mission_id)) == "MISSION_NOT_FOUND"


async def test_a_retired_mission_is_not_suggested_any_more(room: Room) -> None:
    await register(room.database, "방 청소", "빨래 개기")
    first = await room.me.recommend()
    async with tables(room.database) as conn:
        await conn.execute(
            update(missions).filter_by(content=first.content).values(retired_at=NOON)
        )

    second = await room.me.recommend()

    assert second.content != first.content
    assert await room.me.recommend() == second


async def test_a_declined_mission_waits_behind_the_others(room: Room) -> None:
    await register(room.database, "방 청소", "빨래 개기", "창문 닦기")
    suggested = []
    for _ in range(3):
        suggested.append((await room.me.recommend()).content)
        room.clock.advance(days=1)

    assert set(suggested) == {"방 청소", "빨래 개기", "창문 닦기"}


async def test_a_category_that_is_done_comes_before_one_that_is_declined(room: Room) -> None:
    await register(room.database, "방 청소", category="청소")
    await room.me.accept(done := (await room.me.recommend()).mission_id)
    assert await complete(room, done)
    await register(room.database, "창문 닦기", category="청소")
    await register(room.database, "빨래 개기", category="빨래")
    room.clock.advance(days=1)

    # Not the one done yesterday, but one of its kind.
    assert (await room.me.recommend()).content == "창문 닦기"
    room.clock.advance(days=1)
    # That was declined, and 방 청소 was done two days ago.
    assert (await room.me.recommend()).content == "빨래 개기"


# ---- the list ----


async def test_three_a_day(room: Room) -> None:
    await register(room.database, "방 청소")
    for content in ("빨래 개기", "창문 닦기"):
        assert (await room.me.create(content)).message == "생성 완료"
        room.clock.advance(minutes=1)
    suggestion = await room.me.recommend()
    await room.me.create("설거지")
    (first, *_) = await room.me.today()
    await complete(room, first.mission_id)

    assert await refused_reason(room.me.create("하나 더")) == "MISSION_LIST_FULL"
    assert await refused_reason(room.me.accept(suggestion.mission_id)) == "MISSION_LIST_FULL"
    assert await room.me.contents() == ["빨래 개기", "창문 닦기", "설거지"]
    # Somebody else's list has room.
    await room.other.create("하나 더")
    assert await room.other.contents() == ["하나 더"]


async def test_accepting_again_adds_nothing(room: Room) -> None:
    await register(room.database, "방 청소")
    suggestion = await room.me.recommend()
    await room.me.accept(suggestion.mission_id)
    (listed,) = await room.me.today()
    room.clock.advance(minutes=1)

    await room.me.accept(suggestion.mission_id)
    assert await room.me.today() == [listed]

    await complete(room, suggestion.mission_id)
    await room.me.create("빨래 개기")
    await room.me.create("창문 닦기")
    # The list is full and the mission done: still nothing to complain about.
    assert (await room.me.accept(suggestion.mission_id.upper())).message == "성공"
    assert len(await room.me.today()) == 3


async def test_what_one_creates_is_trimmed(room: Room) -> None:
    await room.me.create("  나만의 미션: 빨래 개기\n")
    assert await room.me.contents() == ["나만의 미션: 빨래 개기"]


@pytest.mark.parametrize("content", ["", "   ", "\u3000\n\t", "가" * 201, "빨래\0"])
async def test_what_is_no_mission(room: Room, content: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await room.me.create(content)
    assert reason_of(error.value) == "INVALID_REQUEST"
    assert fields_of(error.value) == ["mission"]


async def test_a_completed_mission(room: Room) -> None:
    await room.me.create("빨래 개기")
    (listed,) = await room.me.today()

    assert await complete(room, listed.mission_id)
    assert not await complete(room, listed.mission_id)

    (listed,) = await room.me.today()
    assert listed.status == pb.MISSION_STATUS_COMPLETED
    assert listed.target_date.ToDatetime(UTC) == NOON


@pytest.mark.parametrize("mission_id", ["mission123", "123", "00000000000000000000000000000000"])
async def test_a_malformed_id_is_an_unknown_one(room: Room, mission_id: str) -> None:
    assert await refused_reason(room.me.accept(mission_id)) == "MISSION_NOT_FOUND"
    assert await refused_reason(room.me.get(mission_id)) == "MISSION_NOT_FOUND"


async def test_what_is_another_persons_is_unknown(room: Room) -> None:
    await register(room.database, "방 청소", "빨래 개기")
    await room.other.create("창문 닦기")
    (own,) = await room.other.today()
    await room.other.accept(accepted := (await room.other.recommend()).mission_id)
    suggested = (await room.other.recommend()).mission_id

    for mission_id in (own.mission_id, accepted, suggested, str(uuid.uuid4())):
        assert await refused_reason(room.me.get(mission_id)) == "MISSION_NOT_FOUND"
        assert await refused_reason(room.me.accept(mission_id)) == "MISSION_NOT_FOUND"
        async with room.database.begin() as conn:
            assert await sql.find_listed(conn, room.me.person.id, mission_id) is None
        assert not await complete(room, mission_id)
    assert await room.me.today() == []
    assert [one.status for one in await room.other.today()] == [pb.MISSION_STATUS_ONGOING] * 2


async def test_a_suggestion_is_not_on_a_list(room: Room) -> None:
    await register(room.database, "방 청소")
    suggestion = await room.me.recommend()

    assert await refused_reason(room.me.get(suggestion.mission_id)) == "MISSION_NOT_FOUND"
    async with room.database.begin() as conn:
        found = await sql.find_listed(conn, room.me.person.id, suggestion.mission_id)
    assert found is None
    assert not await complete(room, suggestion.mission_id)


# ---- midnight ----

# One second before midnight in Seoul.
LAST_SECOND = datetime(2026, 4, 1, 14, 59, 59, tzinfo=UTC)


async def test_the_day_ends_at_midnight_in_the_services_zone(room: Room) -> None:
    await register(room.database, "방 청소")
    room.clock.now = LAST_SECOND
    suggestion = await room.me.recommend()
    for content in ("빨래 개기", "창문 닦기", "설거지"):
        await room.me.create(content)
    (first, *_) = await room.me.today()
    assert await refused_reason(room.me.create("하나 더")) == "MISSION_LIST_FULL"

    room.clock.advance(seconds=1)

    assert await room.me.today() == []
    assert await refused_reason(room.me.accept(suggestion.mission_id)) == "MISSION_NOT_FOUND"
    assert (await room.me.recommend()).mission_id != suggestion.mission_id
    assert await room.me.get(first.mission_id) == first
    assert await refused_reason(room.me.accept(first.mission_id)) == "MISSION_NOT_FOUND"
    await room.me.create("하나 더")
    assert await room.me.contents() == ["하나 더"]


async def test_another_zone(shared_database: Database, shared_database_url: str) -> None:
    clock = FakeClock(LAST_SECOND)
    async with running_core(
        shared_database_url, clock=clock, service_zone="America/New_York"
    ) as channel:
        me = Caller(await make_person(shared_database, channel))
        await me.create("빨래 개기")
        clock.advance(seconds=1)
        assert await me.contents() == ["빨래 개기"]
        # Summer time: midnight is at four.
        clock.now = datetime(2026, 4, 2, 3, 59, 59, tzinfo=UTC)
        assert await me.contents() == ["빨래 개기"]
        clock.advance(seconds=1)
        assert await me.contents() == []
