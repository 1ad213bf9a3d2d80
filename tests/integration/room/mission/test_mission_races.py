"""One person's simultaneous calls, on two core processes that share a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest
from onegenie.mission.v1 import mission_pb2 as pb
from sqlalchemy import delete, func, select

from core.platform.database import Database
from core.room.mission.tables import missions, today_missions
from tests.clock import FakeClock
from tests.integration.room.mission.mission_help import Caller, register
from tests.support import make_person, reason_of, running_core, tables


@pytest.fixture(scope="module")
async def channels(shared_database_url: str) -> AsyncIterator[list[grpc.aio.Channel]]:
    """Of two cores."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(running_core(shared_database_url, clock=FakeClock()))
            for _ in range(2)
        ]


@pytest.fixture
async def callers(
    shared_database: Database, channels: list[grpc.aio.Channel]
) -> AsyncIterator[list[Caller]]:
    """One person, on each of the cores."""
    person = await make_person(shared_database, channels[0])
    yield [Caller(person, channel) for channel in channels]
    async with tables(shared_database) as conn:
        await conn.execute(delete(today_missions))
        await conn.execute(delete(missions))


def outcome(result: object) -> str:
    """OK, or the reason of the refusal."""
    if isinstance(result, grpc.aio.AioRpcError):
        return reason_of(result)
    assert isinstance(result, pb.CreateMissionResponse | pb.AcceptMissionResponse)
    return "OK"


async def test_never_more_than_three_a_day(
    shared_database: Database, callers: list[Caller]
) -> None:
    await register(shared_database, "방 청소", "빨래 개기")
    suggested = (await callers[0].recommend()).mission_id
    # Every connection is open beforehand, so that the calls below do meet.
    await asyncio.gather(*(callers[turn % 2].today() for turn in range(50)))

    results = await asyncio.gather(
        *(
            callers[turn % 2].accept(suggested)
            if turn % 5 == 0
            else callers[turn % 2].create(f"미션 {turn}")
            for turn in range(50)
        ),
        return_exceptions=True,
    )

    listed = await callers[0].today()
    assert len(listed) == 3
    accepted = [outcome(result) for result in results[::5]]
    created = [outcome(result) for turn, result in enumerate(results) if turn % 5]
    assert set(accepted + created) <= {"OK", "MISSION_LIST_FULL"}
    on_list = suggested in {mission.mission_id for mission in listed}
    # Who accepts what is on the list already is told of its success.
    assert ("OK" in accepted) == on_list
    assert created.count("OK") == 3 - on_list
    rows = select(func.count()).select_from(today_missions)
    async with tables(shared_database) as conn:
        assert await conn.scalar(rows.where(today_missions.c.listed_at.is_not(None))) == 3


async def test_simultaneous_suggestions_are_one(
    shared_database: Database, callers: list[Caller]
) -> None:
    await register(shared_database, *(f"미션 {number}" for number in range(30)))

    replies = await asyncio.gather(*(callers[turn % 2].recommend() for turn in range(20)))

    assert len({reply.mission_id for reply in replies}) == 1
