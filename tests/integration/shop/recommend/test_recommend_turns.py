"""Whose turn it is: rounds of several tenants, rounds that have begun, and the other queues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from onegenie.auth.v1 import auth_pb2, auth_pb2_grpc
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.trigger.v1 import trigger_pb2, trigger_pb2_grpc
from sqlalchemy import bindparam, func, select, text, update

from core.platform.calls_first import CallsFirst
from core.platform.database import Database, Query
from core.platform.jobs import BEGIN, ROUNDS, Jobs
from core.shop.meal.models import Meal, MealRequest
from core.shop.recommend.pipeline import Pipeline
from core.shop.recommend.start_round import StartRound, start_round
from core.shop.recommend.tables import rounds
from core.shop.tenants.key_secret import digest_key
from core.shop.tenants.sql import Caller, caller_by_digest
from core.shop.tenants.tables import credit_ledger, tenants
from tests.support import (
    ScriptedEngine,
    Shopper,
    add_profile,
    make_shopper,
    plain_meal,
    reason_of,
    refusal,
    running_core,
    tables,
)

BACKLOG = 1500


@pytest.fixture
def engine() -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.open.clear()
    return engine


@pytest.fixture
async def channel(database_url: str, engine: ScriptedEngine) -> AsyncIterator[grpc.aio.Channel]:
    async with running_core(database_url, engine, job_concurrency=4) as opened:
        yield opened
        engine.open.set()


class Kicks:
    """Kick-offs by the use case itself, on the queue that the core works on."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self.database = database
        self.pipeline = Pipeline(
            database,
            jobs,
            calls=CallsFirst(),
            engine=None,  # type: ignore[arg-type]
            stores=None,  # type: ignore[arg-type]
            lift=None,  # type: ignore[arg-type]
        )

    async def off(self, shopper: Shopper, count: int) -> None:
        caller = await caller_by_digest(self.database, digest_key(shopper.secret))
        assert caller is not None
        gate = asyncio.Semaphore(4)

        async def one(caller: Caller, number: int) -> None:
            command = StartRound(shopper.profile_id, None, f"{number}", None)
            async with gate:
                await start_round(self.database, self.pipeline, caller, command)

        await asyncio.gather(*(one(caller, number) for number in range(count)))


@pytest.fixture
async def kicks(database: Database, database_url: str) -> AsyncIterator[Kicks]:
    async with Jobs(database_url, 1) as jobs:
        yield Kicks(database, jobs)


_COUNT = Query(
    select(func.count())
    .select_from(rounds)
    .where(rounds.c.tenant_id == bindparam("tenant"), rounds.c.status == bindparam("status")),
    int,
)
_QUEUED = Query(
    text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :q"), int
)
_BEGUN = Query(
    select(func.count())
    .select_from(rounds)
    .where(rounds.c.status == "in_progress", rounds.c.steps_done > 0),
    int,
)


async def count(database: Database, shopper: Shopper, status: str) -> int:
    return await database.one(_COUNT, tenant=shopper.tenant_id, status=status)


async def queued(database: Database, queue: str) -> int:
    return await database.one(_QUEUED, q=queue)


async def until_asked(engine: ScriptedEngine, times: int) -> None:
    async with asyncio.timeout(60):
        while len(engine.asked) < times:
            await asyncio.sleep(0.02)


async def test_a_backlog_of_one_tenant_is_not_anothers(
    database: Database, channel: grpc.aio.Channel, engine: ScriptedEngine, kicks: Kicks
) -> None:
    many = await make_shopper(database, channel, credits=2 * BACKLOG)
    few = await make_shopper(database, channel)
    await kicks.off(many, BACKLOG)
    started = await few.start("한 번")
    engine.open.set()
    assert (await few.finish(started)).status == pb.ROUND_STATUS_COMPLETED
    left = await count(database, many, "in_progress")
    assert left > BACKLOG / 2
    assert left + await count(database, many, "completed") == BACKLOG


async def test_begun_rounds_end_before_others_begin(
    database: Database, channel: grpc.aio.Channel, engine: ScriptedEngine, kicks: Kicks
) -> None:
    """At no time have more rounds begun than are worked on."""
    shopper = await make_shopper(database, channel, credits=200)
    await kicks.off(shopper, 60)
    begun: list[int] = []

    def answer(request: MealRequest) -> Meal:
        begun.append(len(begun))
        return plain_meal(request)

    engine.answer = answer
    engine.open.set()
    most = 0
    async with asyncio.timeout(60):
        while await count(database, shopper, "completed") < 60:
            most = max(most, await database.one(_BEGUN))
    # Four steps at a time, one more of rounds that have begun; each may be followed by another.
    assert most <= 12


async def ask_for_code(channel: grpc.aio.Channel, number: str) -> None:
    await auth_pb2_grpc.AuthServiceStub(channel).SendSignUpCode(
        auth_pb2.SendSignUpCodeRequest(phone_number=number, country_code="82"), timeout=20
    )


async def test_a_hanging_meal_engine_holds_up_nothing_else(
    database: Database, channel: grpc.aio.Channel, engine: ScriptedEngine
) -> None:
    shopper = await make_shopper(database, channel)
    engine.open.set()
    shown = await shopper.start()
    await shopper.finish(shown)
    # A round that has its meal when the engine begins to hang.
    begun = await shopper.start(chat_id=shown.chat_id)
    async for state in shopper.watch(begun):
        if state.round.pipeline_progress.step1 == pb.STEP_STATE_DONE:
            break
    engine.open.clear()
    engine.asked.clear()
    for _ in range(12):
        await shopper.start()
    await until_asked(engine, 4)
    assert (await shopper.finish(begun)).status == pb.ROUND_STATUS_COMPLETED
    await ask_for_code(channel, "01012345678")
    left = {"profile_id": shopper.profile_id, "chat_id": shown.chat_id, "action": "exit"}
    await trigger_pb2_grpc.TriggerServiceStub(channel).TriggerSignage(
        trigger_pb2.TriggerSignageRequest(round_id=shown.round_id, **left),  # type: ignore[arg-type]
        metadata=shopper.metadata,
        timeout=20,
    )
    done = text(
        "SELECT (SELECT count(*) FROM auth_codes) = 1 AND NOT EXISTS "
        "(SELECT FROM procrastinate_jobs WHERE task_name IN ('auth.send_code', 'trigger.report'))"
    )
    async with asyncio.timeout(30):
        while True:
            async with tables(database) as conn:
                if await conn.scalar(done):
                    break
            await asyncio.sleep(0.05)
    assert await queued(database, BEGIN) == 8
    assert await queued(database, ROUNDS) == 0


def retry_after(error: grpc.aio.AioRpcError) -> Sequence[int]:
    found = []
    for detail in rpc_status.from_call(error).details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            found.append(info.retry_delay.seconds)
    return found


async def balance(database: Database, shopper: Shopper) -> tuple[int, int]:
    async with tables(database) as conn:
        credits = await conn.scalar(select(tenants.c.credits).filter_by(id=shopper.tenant_id))
        ledger = await conn.scalar(
            select(func.sum(credit_ledger.c.delta)).filter_by(tenant_id=shopper.tenant_id)
        )
    return credits or 0, int(ledger or 0)


async def test_a_tenant_has_so_many_rounds_under_way(database: Database, database_url: str) -> None:
    engine = ScriptedEngine()
    engine.open.clear()
    async with running_core(database_url, engine, rounds_in_flight=3) as channel:
        full = await make_shopper(database, channel)
        other = await make_shopper(database, channel)
        nobody = Shopper(channel, full.secret, other.profile_id, full.tenant_id)
        first = await full.start("첫", key="first")
        await (await add_profile(full)).start()
        await full.start()
        error = await refusal(full.start())
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (reason_of(error), retry_after(error)) == ("RATE_LIMITED", [5])
        # Neither chat nor round nor credit; and what is checked before is said before.
        assert await balance(database, full) == (97, 97)
        assert len(await all_chats(full)) == 2
        assert reason_of(await refusal(nobody.start())) == "NOT_FOUND"
        busy = await refusal(full.start(chat_id=first.chat_id))
        assert reason_of(busy) == "PRIOR_ROUND_IN_FLIGHT"
        assert await full.start("첫", key="first") == first
        other_text = await refusal(full.start("둘", key="first"))
        assert reason_of(other_text) == "INVALID_REQUEST"
        # A follow-up is a round as well.
        async with tables(database) as conn:
            await conn.execute(
                update(rounds).where(rounds.c.id == first.round_id).values(steps_done=2)
            )
        assert reason_of(await refusal(full.start(chat_id=first.chat_id))) == "RATE_LIMITED"
        await other.start()
        engine.open.set()
        async with asyncio.timeout(30):
            while await count(database, full, "in_progress") > 1:
                await asyncio.sleep(0.05)
        await full.finish(await full.start())


async def all_chats(shopper: Shopper) -> Sequence[pb.ChatSummary]:
    reply = await shopper.rounds.ListChats(
        pb.ListChatsRequest(profile_id=shopper.profile_id), metadata=shopper.metadata, timeout=20
    )
    return reply.items


async def test_kick_offs_at_once_pass_the_limit_by_no_more_than_they_are(
    database: Database, database_url: str
) -> None:
    engine = ScriptedEngine()
    engine.open.clear()
    async with running_core(database_url, engine, rounds_in_flight=1) as channel:
        shopper = await make_shopper(database, channel)
        answers = await asyncio.gather(
            *(shopper.start() for _ in range(30)), return_exceptions=True
        )
        accepted = sum(isinstance(answer, pb.StartRoundResponse) for answer in answers)
        assert 1 <= accepted <= 10  # as many as there are connections
        assert await balance(database, shopper) == (100 - accepted, 100 - accepted)
        assert reason_of(await refusal(shopper.start())) == "RATE_LIMITED"
        engine.open.set()


async def test_jobs_of_an_earlier_version_are_worked_on(
    database: Database, channel: grpc.aio.Channel, engine: ScriptedEngine
) -> None:
    shopper = await make_shopper(database, channel)
    engine.open.set()
    async with tables(database) as conn:
        await conn.execute(text("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER"))
        await conn.execute(
            text(
                "CREATE FUNCTION to_default() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "NEW.queue_name = 'default'; NEW.priority = 0; RETURN NEW; END $$; "
                "CREATE TRIGGER to_default BEFORE INSERT ON procrastinate_jobs "
                "FOR EACH ROW EXECUTE FUNCTION to_default()"
            )
        )
    last = await shopper.finish(await shopper.start())
    assert last.status == pb.ROUND_STATUS_COMPLETED
