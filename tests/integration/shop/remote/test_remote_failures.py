"""What shoppers see while the meal engine or the store is down, slow or refusing, and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.store.v1 import store_pb2, store_pb2_grpc

from core.platform.database import Database
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.meal.models import Meal, MealRequest
from core.shop.meal.port import MealError
from core.shop.recommend import coupon_spots
from tests.integration.shop.recommend.test_recommend_rounds import RUNNING, balance, steps
from tests.integration.shop.remote.conftest import TOKEN, Elsewhere
from tests.support import ScriptedEngine, Shopper, create_key, reason_of

DONE, PENDING = pb.STEP_STATE_DONE, pb.STEP_STATE_PENDING


async def until_a_round_completes(shopper: Shopper, error: str) -> None:
    """Start rounds until one is whole; those before it end with `error`."""
    async with asyncio.timeout(30):
        while (last := await shopper.finish(await shopper.start())).last_error:
            assert last.last_error == error
    assert last.status == pb.ROUND_STATUS_COMPLETED


async def test_a_meal_engine_that_is_down_and_comes_back(
    shopper: Shopper, elsewhere: Elsewhere, database: Database
) -> None:
    await elsewhere.stop("meal")
    last = await shopper.finish(await shopper.start())
    assert last.status == pb.ROUND_STATUS_ERROR
    assert last.last_error == "meal_suggest failed: upstream unavailable"
    assert steps(last) == [PENDING] * 4
    assert await balance(database, shopper) == (100, 100)
    await elsewhere.start("meal")
    await until_a_round_completes(shopper, "meal_suggest failed: upstream unavailable")
    assert await balance(database, shopper) == (99, 99)


async def test_what_the_engine_says_when_no_meal_fits(
    shopper: Shopper, engine: ScriptedEngine, database: Database
) -> None:
    def refuse(request: MealRequest) -> Meal:
        raise MealError("no dish fits these limits: 새우", retryable=False)

    engine.answer = refuse
    last = await shopper.finish(await shopper.start())
    assert last.last_error == "meal_suggest failed: no dish fits these limits: 새우"
    assert await balance(database, shopper) == (100, 100)


class TestASlowMealEngine:
    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"meal_timeout": 0.3}

    async def test_it_is_a_timeout(
        self, shopper: Shopper, engine: ScriptedEngine, database: Database
    ) -> None:
        engine.open.clear()
        last = await shopper.finish(await shopper.start())
        assert last.last_error == "meal_suggest failed: upstream timeout"
        assert await balance(database, shopper) == (100, 100)
        engine.open.set()
        assert (await shopper.finish(await shopper.start())).status == pb.ROUND_STATUS_COMPLETED


class TestAnotherSecret:
    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"service_token": "not-what-the-engine-knows"}

    async def test_it_is_refused(self, shopper: Shopper) -> None:
        last = await shopper.finish(await shopper.start())
        assert last.last_error == "meal_suggest failed: upstream refused the credential"


async def test_a_store_that_goes_away_before_step_two_and_comes_back(
    shopper: Shopper, elsewhere: Elsewhere, engine: ScriptedEngine, database: Database
) -> None:
    engine.open.clear()
    started = await shopper.start()
    states = shopper.watch(started)
    assert steps((await states.read()).round) == [RUNNING, PENDING, PENDING, PENDING]
    await elsewhere.stop("store")
    engine.open.set()
    last = await shopper.finish(started)
    assert last.last_error == "todos failed: store: upstream unavailable"
    assert steps(last) == [DONE, PENDING, PENDING, PENDING]
    assert not last.HasField("todos")
    assert await balance(database, shopper) == (100, 100)
    await elsewhere.start("store")
    await until_a_round_completes(shopper, "todos failed: store: upstream unavailable")
    assert await balance(database, shopper) == (99, 99)


async def test_polls_show_the_stores_spots_as_they_are_and_the_last_good_ones_while_it_is_away(
    shopper: Shopper, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    started = await shopper.start()
    await shopper.finish(started)

    async def poll() -> list[float]:
        spots = (await shopper.get_round(started)).notifications.coupon_spot
        chat = await shopper.get_chat(started.chat_id)
        assert list(chat.rounds[0].notifications.coupon_spot) == list(spots)
        return [spot.discount_pct for spot in spots]

    async def put(percent: int) -> None:
        file = tmp_path / "coupon_spots.csv"
        file.write_text(f"spot_no,item_name,discount_value,x,y,radius\n1,두부,{percent},1,2,3\n")
        async with elsewhere.database.begin() as conn:
            await import_catalogue(conn, ImportCatalogue(elsewhere.tenant_id, file))

    assert len(await poll()) > 1
    for percent in (11, 12, 13):
        await put(percent)
        assert await poll() == [percent]
    await elsewhere.stop("store")
    await put(14)
    for _ in range(3):
        assert await poll() == [13]
    await elsewhere.start("store")
    # It may be back between two calls: one kind of call finds out.
    async with asyncio.timeout(20):
        while (await shopper.get_round(started)).notifications.coupon_spot[0].discount_pct != 14:
            await asyncio.sleep(0.05)
    assert await poll() == [14]


class Slow(store_pb2_grpc.StoreServiceServicer):
    """A store that never answers, and counts who asks."""

    asked = 0

    async def ListCouponSpots(self, request: Any, context: Any) -> None:  # type: ignore[override]
        self.asked += 1
        await asyncio.sleep(60)


async def test_polls_do_not_wait_for_a_slow_store(
    shopper: Shopper, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupon_spots, "COUPON_SPOT_SECONDS", 0.5)
    started = await shopper.start()
    spots = (await shopper.finish(started)).notifications.coupon_spot
    assert len(spots) > 0
    await elsewhere.stop("store")
    server, slow = grpc.aio.server(), Slow()  # type: ignore[abstract]
    store_pb2_grpc.add_StoreServiceServicer_to_server(slow, server)
    server.add_insecure_port(elsewhere.store_address)
    await server.start()
    async with asyncio.timeout(30):
        while not slow.asked:
            polled = await shopper.get_round(started)
            assert list(polled.notifications.coupon_spot) == list(spots)
    await server.stop(None)


# What each service offers, and to whom.


@pytest.fixture
async def store_channel(elsewhere: Elsewhere) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(elsewhere.store_address) as opened:
        yield opened


async def test_the_store_is_told_apart_by_its_admin_token(
    store_channel: grpc.aio.Channel, elsewhere: Elsewhere
) -> None:
    stub = store_pb2_grpc.StoreServiceStub(store_channel)

    async def count(secret: str | None) -> int | str:
        metadata = (("authorization", f"Bearer {secret}"),) if secret else ()
        request = store_pb2.ListProductsRequest()
        try:
            return len((await stub.ListProducts(request, metadata=metadata, timeout=10)).products)
        except grpc.aio.AioRpcError as error:
            return reason_of(error)

    assert await count(elsewhere.admin_token) == 7
    async with elsewhere.database.begin() as conn:
        _, sdk = await create_key(conn, elsewhere.tenant_id, "sdk", "phone")
    for secret in (None, "oat_" + "A" * 43, sdk, TOKEN):
        assert await count(secret) == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("name", "service"),
    [("store", "onegenie.store.v1.StoreService"), ("meal", "onegenie.meal.v1.MealService")],
)
async def test_it_serves_one_service_with_health_and_reflection(
    elsewhere: Elsewhere, name: str, service: str
) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    address = elsewhere.store_address if name == "store" else elsewhere.meal_address
    async with grpc.aio.insecure_channel(address) as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=10
        )
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        asking = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(timeout=10)
        await asking.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        names = [found.name for found in (await asking.read()).list_services_response.service]
        asking.cancel()
    assert [found for found in names if found.startswith("onegenie.")] == [service]
