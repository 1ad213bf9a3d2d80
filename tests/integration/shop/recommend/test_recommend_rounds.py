"""Rounds on a real core process in this one: kick-off, steps, polls, streams."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb
from sqlalchemy import func, select

from core.platform.database import Database
from core.platform.events import Changes
from core.shop.meal.models import Meal, MealRequest
from core.shop.meal.port import MealError
from core.shop.recommend.tables import rounds
from core.shop.tenants.identity import CACHE_SECONDS
from core.shop.tenants.key_secret import add_secret, revoke_other_secrets
from core.shop.tenants.revoke_key import revoke_key
from core.shop.tenants.tables import api_keys, credit_ledger, tenants
from tests.support import (
    ScriptedEngine,
    Shopper,
    add_profile,
    create_key,
    fields_of,
    make_shopper,
    plain_meal,
    reason_of,
    refusal,
    running_core,
    tables,
)

RUNNING, PENDING, DONE = pb.STEP_STATE_RUNNING, pb.STEP_STATE_PENDING, pb.STEP_STATE_DONE


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def channel(database_url: str, engine: ScriptedEngine) -> AsyncIterator[grpc.aio.Channel]:
    async with running_core(database_url, engine) as opened:
        yield opened


def steps(round_: pb.Round) -> list[int]:
    progress = round_.pipeline_progress
    return [progress.step1, progress.step2, progress.step3, progress.step4]


async def code_and_reason(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    error = await refusal(call)
    return error.code(), reason_of(error)


async def balance(database: Database, shopper: Shopper) -> tuple[int, int]:
    """The tenant's balance, and the sum of its ledger."""
    async with tables(database) as conn:
        credits = await conn.scalar(select(tenants.c.credits).filter_by(id=shopper.tenant_id))
        ledger = await conn.scalar(
            select(func.sum(credit_ledger.c.delta)).filter_by(tenant_id=shopper.tenant_id)
        )
    return credits or 0, int(ledger or 0)


def refuse(request: MealRequest) -> Meal:
    raise MealError("upstream timeout", retryable=True)


async def test_a_round_runs_through_its_four_steps(
    shopper: Shopper, engine: ScriptedEngine, database: Database
) -> None:
    engine.open.clear()
    started = await shopper.start("오늘 저녁 카레 땡기는데")
    states: list[pb.WatchRoundResponse] = []
    async for state in shopper.watch(started):
        states.append(state)
        engine.open.set()
    first, last = states[0].round, states[-1].round
    assert states[0].version == 1
    assert steps(first) == [RUNNING, PENDING, PENDING, PENDING]
    assert not first.HasField("back_list_status")
    assert not first.HasField("todos")
    assert first.HasField("notifications")
    assert not first.notifications.HasField("ad")
    assert [state.version for state in states] == sorted({state.version for state in states})
    assert states[-1].version == 5
    assert last.status == pb.ROUND_STATUS_COMPLETED
    assert steps(last) == [DONE] * 4
    assert last.back_list_status == pb.BACK_LIST_STATUS_COMPLETED
    assert last.prompt == "오늘 저녁 카레 땡기는데"
    assert [i.name.en for i in last.todos.ingredients] == ["tofu", "dragon scale"]
    assert [item.product.name for item in last.todos.items] == ["국산콩 두부 300g"]
    assert last.todos.total == last.todos.items[0].product.price
    assert last.notifications.HasField("ad")
    assert await shopper.get_round(started) == last
    assert await balance(database, shopper) == (99, 99)


async def test_a_failed_step_ends_the_round_and_returns_the_credit(
    shopper: Shopper, engine: ScriptedEngine, database: Database
) -> None:
    engine.answer = refuse
    last = await shopper.finish(await shopper.start())
    assert last.status == pb.ROUND_STATUS_ERROR
    assert last.last_error == "meal_suggest failed: upstream timeout"
    assert steps(last) == [PENDING] * 4
    assert not last.HasField("back_list_status")
    assert await balance(database, shopper) == (100, 100)


async def test_an_unforeseen_failure_is_tried_again_then_told_without_its_text(
    shopper: Shopper, engine: ScriptedEngine
) -> None:
    def break_down(request: MealRequest) -> Meal:
        raise ZeroDivisionError("secret driver text")

    engine.answer = break_down
    last = await shopper.finish(await shopper.start())
    assert last.last_error == "meal_suggest failed: internal error"
    assert len(engine.asked) > 1

    attempts = iter([break_down, plain_meal])
    engine.answer = lambda request: next(attempts)(request)
    assert (await shopper.finish(await shopper.start())).status == pb.ROUND_STATUS_COMPLETED


async def test_a_follow_up_waits_for_step_two_and_hears_the_chat_so_far(
    shopper: Shopper, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    first = await shopper.start("카레")
    busy = shopper.start("와인 추가", first.chat_id)
    assert await code_and_reason(busy) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "PRIOR_ROUND_IN_FLIGHT",
    )
    engine.open.set()
    await shopper.finish(first)
    second = await shopper.start("와인 추가", first.chat_id)
    assert second.chat_id == first.chat_id
    await shopper.finish(second)
    assert [turn.prompt for turn in engine.asked[-1].history] == ["카레"]
    assert engine.asked[-1].history[0].meal == plain_meal(engine.asked[0])
    chat = await shopper.get_chat(first.chat_id)
    assert [round_.round_no for round_ in chat.rounds] == [1, 2]


async def test_after_an_error_the_chat_goes_on_without_that_round(
    shopper: Shopper, engine: ScriptedEngine
) -> None:
    first = await shopper.start("카레")
    await shopper.finish(first)
    engine.answer = refuse
    await shopper.finish(await shopper.start("더 맵게", first.chat_id))
    engine.answer = plain_meal
    await shopper.finish(await shopper.start("와인 추가", first.chat_id))
    assert [turn.prompt for turn in engine.asked[-1].history] == ["카레"]


async def test_eight_follow_ups_that_did_not_fail(shopper: Shopper, engine: ScriptedEngine) -> None:
    first = await shopper.start("카레")
    await shopper.finish(first)
    engine.answer = refuse
    await shopper.finish(await shopper.start("실패", first.chat_id))
    engine.answer = plain_meal
    for number in range(8):
        await shopper.finish(await shopper.start(f"{number}", first.chat_id))
    assert await code_and_reason(shopper.start("아홉", first.chat_id)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "REFINEMENT_CAP_EXCEEDED",
    )
    await shopper.start("새 채팅")


async def test_credit_is_checked_last(
    database: Database, channel: grpc.aio.Channel, engine: ScriptedEngine
) -> None:
    poor = await make_shopper(database, channel, credits=1)
    engine.open.clear()
    first = await poor.start()
    assert (await code_and_reason(poor.start(chat_id=first.chat_id)))[1] == "PRIOR_ROUND_IN_FLIGHT"
    assert await code_and_reason(poor.start()) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "INSUFFICIENT_CREDIT",
    )
    engine.open.set()
    await poor.finish(first)
    assert (await code_and_reason(poor.start(chat_id=first.chat_id)))[1] == "INSUFFICIENT_CREDIT"
    assert await balance(database, poor) == (0, 0)
    async with tables(database) as conn:
        assert await conn.scalar(select(func.count()).select_from(rounds)) == 1


async def test_simultaneous_kick_offs_of_one_chat_start_one_round(
    shopper: Shopper, engine: ScriptedEngine, database: Database
) -> None:
    first = await shopper.start()
    await shopper.finish(first)
    engine.open.clear()
    answers = await asyncio.gather(
        *(shopper.start("더", first.chat_id) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, pb.StartRoundResponse) for answer in answers) == 1
    assert await balance(database, shopper) == (98, 98)


async def test_a_repeated_idempotency_key_answers_the_first_result(
    shopper: Shopper, database: Database
) -> None:
    answers = await asyncio.gather(*(shopper.start("카레", key="k-1") for _ in range(8)))
    assert len({(answer.chat_id, answer.round_id) for answer in answers}) == 1
    await shopper.finish(answers[0])
    assert await shopper.start("카레", key="k-1") == answers[0]
    assert await balance(database, shopper) == (99, 99)
    follow_up = await shopper.start("더", answers[0].chat_id, key="k-2")
    # The first answer comes before the check that would refuse a new round now.
    assert await shopper.start("더", answers[0].chat_id, key="k-2") == follow_up

    for call in (
        shopper.start("다른 것", key="k-1"),
        shopper.start("카레", answers[0].chat_id, key="k-1"),
        (await add_profile(shopper)).start("카레", key="k-1"),
        shopper.start("카레", key="x" * 256),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert reason_of(caught.value) == "INVALID_REQUEST"
        assert fields_of(caught.value) == ["idempotency-key"]


async def test_nobody_else_finds_a_chat(
    shopper: Shopper, database: Database, channel: grpc.aio.Channel
) -> None:
    started = await shopper.start()
    await shopper.finish(started)
    async with database.begin() as conn:
        _, other_key = await create_key(conn, shopper.tenant_id, "sdk", "other")
    stranger = await make_shopper(database, channel)
    for thief in (
        Shopper(channel, other_key, shopper.profile_id, shopper.tenant_id),
        Shopper(channel, shopper.secret, (await add_profile(shopper)).profile_id, uuid.uuid4()),
        Shopper(channel, stranger.secret, shopper.profile_id, stranger.tenant_id),
        stranger,
        Shopper(channel, shopper.secret, str(uuid.uuid4()), shopper.tenant_id),
    ):
        for call in (
            thief.get_round(started),
            thief.get_chat(started.chat_id),
            thief.finish(started),
            thief.start("훔치기", started.chat_id),
        ):
            assert await code_and_reason(call) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    other_chat = await shopper.start()
    mixed = pb.StartRoundResponse(chat_id=other_chat.chat_id, round_id=started.round_id)
    assert (await code_and_reason(shopper.get_round(mixed)))[1] == "NOT_FOUND"


async def test_chats_are_listed_a_page_at_a_time(shopper: Shopper) -> None:
    started = [await shopper.start(f"{number}") for number in range(5)]
    for one in started:
        await shopper.finish(one)
    ids = [one.chat_id for one in started]

    async def page(**query: object) -> pb.ListChatsResponse:
        request = pb.ListChatsRequest(profile_id=shopper.profile_id, **query)  # type: ignore[arg-type]
        return await shopper.rounds.ListChats(request, metadata=shopper.metadata)

    everything = await page()
    assert [item.chat_id for item in everything.items] == ids[::-1]
    assert everything.page_info == pb.PageInfo(total=5, page=0, limit=100, order="desc")
    assert [item.chat_id for item in (await page(order="asc", limit=2, page=1)).items] == ids[2:4]
    beyond = await page(page=9, limit=500)
    assert not beyond.items
    assert beyond.page_info.total == 5
    assert everything.items[0].rounds[0].round_id == started[-1].round_id
    assert everything.items[0].total_rounds == 1
    assert not (
        await shopper.rounds.ListChats(
            pb.ListChatsRequest(profile_id=(await add_profile(shopper)).profile_id),
            metadata=shopper.metadata,
        )
    ).items


@pytest.mark.parametrize(
    ("locale", "tenant_locale", "expected"),
    [("ja", "ko", "ja"), (None, "en", "en"), ("fr-FR", "ja", "ja"), ("en-GB", "ko", "en")],
)
async def test_answers_are_in_the_profiles_language_else_the_tenants(
    database: Database,
    channel: grpc.aio.Channel,
    locale: str | None,
    tenant_locale: str,
    expected: str,
) -> None:
    shopper = await add_profile(
        await make_shopper(database, channel, locale=tenant_locale), locale=locale
    )
    last = await shopper.finish(await shopper.start("카레"))
    assert last.todos.recipe_title == f"{expected}: 카레"


async def test_a_watcher_resumes_after_the_version_it_has_seen(
    shopper: Shopper, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    started = await shopper.start()
    resumed = shopper.watch(started, after_version=1)
    reading = asyncio.ensure_future(resumed.read())
    await asyncio.sleep(0.3)
    assert not reading.done()
    engine.open.set()
    assert (await reading).version > 1
    await shopper.finish(started)
    assert [state.version async for state in shopper.watch(started, after_version=4)] == [5]
    assert [state async for state in shopper.watch(started, after_version=5)] == []


async def test_a_client_that_leaves_frees_everything(
    shopper: Shopper, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Changes] = []
    watch = Changes.watch
    monkeypatch.setattr(
        Changes,
        "watch",
        lambda self, topic: (opened.append(self), watch(self, topic))[1],  # type: ignore[func-returns-value]
    )
    engine.open.clear()
    started = await shopper.start()
    calls = [shopper.watch(started) for _ in range(20)]
    for call in calls:
        await call.read()
    assert opened[0].watcher_count == 20
    for call in calls:
        call.cancel()
    async with asyncio.timeout(20):
        while opened[0].watcher_count:
            await asyncio.sleep(0.01)


async def test_two_processes_share_rounds(
    database_url: str, shopper: Shopper, engine: ScriptedEngine
) -> None:
    async with running_core(database_url, engine) as other:
        there = Shopper(other, shopper.secret, shopper.profile_id, shopper.tenant_id)
        engine.open.clear()
        started = [await shopper.start(f"{number}") for number in range(6)]
        watching = [asyncio.ensure_future(there.finish(one)) for one in started]
        await asyncio.sleep(0.2)
        engine.open.set()
        for last in await asyncio.gather(*watching):
            assert last.status == pb.ROUND_STATUS_COMPLETED


async def test_a_watcher_on_one_process_sees_the_steps_run_by_the_other(
    database_url: str, database: Database
) -> None:
    busy, idle = ScriptedEngine(), ScriptedEngine()
    async with running_core(database_url, busy) as here:
        shopper = await make_shopper(database, here)
        busy.open.clear()
        started = await shopper.start()
        async with asyncio.timeout(20):
            while not busy.asked:
                await asyncio.sleep(0.01)
        async with running_core(database_url, idle) as other:
            there = Shopper(other, shopper.secret, shopper.profile_id, shopper.tenant_id)
            versions = []
            async for state in there.watch(started):
                versions.append(state.version)
                busy.open.set()
            assert (versions[0], versions[-1]) == (1, 5)
    assert not idle.asked


async def test_a_revoked_key_is_refused_in_every_process(
    database_url: str, database: Database, shopper: Shopper, engine: ScriptedEngine
) -> None:
    async with running_core(database_url, engine) as other:
        there = Shopper(other, shopper.secret, shopper.profile_id, shopper.tenant_id)
        both = (shopper, there)
        for one in both:
            await one.rounds.ListChats(
                pb.ListChatsRequest(profile_id=one.profile_id), metadata=one.metadata
            )
        async with tables(database) as rows:
            key_id = await rows.scalar(select(api_keys.c.id).filter_by(tenant_id=shopper.tenant_id))
        async with database.begin() as conn:
            assert await revoke_key(conn, shopper.tenant_id, key_id)  # type: ignore[arg-type]
        await asyncio.sleep(CACHE_SECONDS + 0.1)
        for one in both:
            assert await code_and_reason(one.start()) == (
                grpc.StatusCode.UNAUTHENTICATED,
                "UNAUTHORIZED",
            )


async def test_a_second_secret_of_a_key_sees_its_chats(
    shopper: Shopper, database: Database, channel: grpc.aio.Channel
) -> None:
    started = await shopper.start()
    async with tables(database) as rows:
        key_id = await rows.scalar(select(api_keys.c.id).filter_by(tenant_id=shopper.tenant_id))
    async with database.begin() as conn:
        secret = await add_secret(conn, key_id, "sdk")  # type: ignore[arg-type]
        await revoke_other_secrets(conn, key_id, keep=secret)  # type: ignore[arg-type]
    rotated = Shopper(channel, secret, shopper.profile_id, shopper.tenant_id)
    assert (await rotated.finish(started)).status == pb.ROUND_STATUS_COMPLETED
    await asyncio.sleep(CACHE_SECONDS + 0.1)
    assert (await code_and_reason(shopper.get_chat(started.chat_id)))[1] == "UNAUTHORIZED"


async def test_a_stopping_process_hands_its_work_back(
    database_url: str, database: Database
) -> None:
    stuck, quick = ScriptedEngine(), ScriptedEngine()
    stuck.open.clear()
    async with running_core(database_url, stuck) as here:
        shopper = await make_shopper(database, here)
        started = await shopper.start()
        states = shopper.watch(started)
        await states.read()
        async with asyncio.timeout(20):
            while not stuck.asked:
                await asyncio.sleep(0.01)
    # The stream ended with the process, the round did not.
    async with running_core(database_url, quick) as other:
        there = Shopper(other, shopper.secret, shopper.profile_id, shopper.tenant_id)
        assert (await there.finish(started)).status == pb.ROUND_STATUS_COMPLETED
