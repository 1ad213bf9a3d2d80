"""Rounds with the meal engine and the store elsewhere: the very tests of the embedded ones, and a
chat on both sides, the same to the word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.platform.database import Database
from core.shop.meal.embedded import EmbeddedMealEngine
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from tests.integration.shop.recommend.test_recommend_rounds import (  # noqa: F401
    test_a_failed_step_ends_the_round_and_returns_the_credit,
    test_a_follow_up_waits_for_step_two_and_hears_the_chat_so_far,
    test_a_repeated_idempotency_key_answers_the_first_result,
    test_a_round_runs_through_its_four_steps,
    test_a_watcher_resumes_after_the_version_it_has_seen,
    test_after_an_error_the_chat_goes_on_without_that_round,
    test_eight_follow_ups_that_did_not_fail,
)
from tests.integration.shop.remote.conftest import Elsewhere
from tests.support import Shopper, add_profile, create_key, running_core

DEMO = Path(__file__).parents[4] / "core" / "shop" / "catalogue" / "demo"
CHAT = ("새우 빼고 해물탕 먹고 싶어", "와인 추가", "4인분으로, 술은 빼줘", "다른 거", "우유 말고")
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def chat(shopper: Shopper, *prompts: str) -> list[pb.Round]:
    """The finished rounds of one chat."""
    rounds, chat_id = [], None
    for prompt in prompts:
        started = await shopper.start(prompt, chat_id)
        chat_id = started.chat_id
        round_ = await shopper.finish(started)
        assert round_.status == pb.ROUND_STATUS_COMPLETED, round_.last_error
        rounds.append(round_)
    return rounds


def comparable(rounds: list[pb.Round]) -> list[str]:
    """The rounds as text without times; ids are counted, because each chat has its own."""
    ids: dict[str, str] = {}
    texts = []
    for round_ in rounds:
        copy = pb.Round.FromString(round_.SerializeToString())
        for name in ("created_at", "updated_at"):
            copy.ClearField(name)
        texts.append(UUID.sub(lambda found: ids.setdefault(found[0], f"id {len(ids)}"), str(copy)))
    return texts


class TestTheDemoStore:
    """With the embedded engine behind serve-meal and the demo store behind serve-store."""

    @pytest.fixture
    def engine(self) -> EmbeddedMealEngine:
        return EmbeddedMealEngine(nearest=lambda text: [])

    @pytest.fixture
    def folder(self) -> Path:
        return DEMO

    async def test_a_chat_is_the_same_as_with_all_in_one_process(
        self,
        shopper: Shopper,
        elsewhere: Elsewhere,
        store_database: Database,
        store_database_url: str,
    ) -> None:
        there = await chat(await add_profile(shopper, name="민지", persona="땅콩 알레르기"), *CHAT)
        # The store's database has all a core needs; nothing is asked of the services from here on.
        await elsewhere.stop_all()
        async with store_database.begin() as conn:
            _, secret = await create_key(conn, elsewhere.tenant_id, "sdk", "test")
            await grant_credit(conn, GrantCredit(elsewhere.tenant_id, 100))
        async with running_core(store_database_url, elsewhere.engine) as channel:
            local = Shopper(channel, secret, "", elsewhere.tenant_id)
            here = await chat(await add_profile(local, name="민지", persona="땅콩 알레르기"), *CHAT)
        assert comparable(there) == comparable(here)
        for round_ in there:
            names = [item.product.name for item in round_.todos.items]
            names += [item.product.name for item in round_.recommended_items]
            assert names
            assert not [name for name in names if "새우" in name or "땅콩" in name]
        assert len(there[0].recommended_items) > 0
        assert len(there[0].notifications.ad.items) > 0
        assert len(there[0].notifications.coupon_spot) > 0
