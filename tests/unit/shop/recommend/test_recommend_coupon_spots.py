"""Coupon spots are asked for at every poll; a store that fails never fails the poll."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import StoreUnavailable
from core.shop.recommend import coupon_spots
from core.shop.recommend.coupon_spots import CouponSpots

TENANT = uuid.uuid4()


class OneStore:
    """A store, and the Stores that has it, answering as told."""

    def __init__(self) -> None:
        self.spots: list[store_pb2.CouponSpot] | Exception = []
        self.seconds = 0.0
        self.calls = 0

    def of_tenant(self, tenant_id: uuid.UUID) -> OneStore:
        assert tenant_id == TENANT
        return self

    async def list_coupon_spots(self) -> list[store_pb2.CouponSpot]:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if isinstance(self.spots, Exception):
            raise self.spots
        return self.spots


@pytest.fixture
def store() -> OneStore:
    return OneStore()


async def numbers(spots: CouponSpots) -> list[int]:
    round_ = pb.Round.FromString((await spots.read(TENANT)).everybodys)
    assert round_.recommended_items == []
    return [item.rank for item in round_.notifications.coupon_spot]


def some(count: int) -> list[store_pb2.CouponSpot]:
    return [store_pb2.CouponSpot(spot_no=n, discount_value=10) for n in range(1, count + 1)]


async def test_every_poll_asks_and_sees_a_change_at_once(store: OneStore) -> None:
    spots = CouponSpots(store)  # type: ignore[arg-type]
    assert await numbers(spots) == []
    store.spots = some(2)
    assert await numbers(spots) == [1, 2]
    store.spots = some(3)
    assert await numbers(spots) == [1, 2, 3]
    assert store.calls == 3


async def test_a_failing_or_slow_store_leaves_the_last_good_answer(
    store: OneStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    spots = CouponSpots(store)  # type: ignore[arg-type]
    store.spots = StoreUnavailable("store: upstream unavailable")
    assert await numbers(spots) == []
    store.spots = some(2)
    assert await numbers(spots) == [1, 2]
    monkeypatch.setattr(coupon_spots, "COUPON_SPOT_SECONDS", 0.01)
    store.seconds = 5
    assert await numbers(spots) == [1, 2]
    store.seconds, store.spots = 0, ZeroDivisionError()
    assert await numbers(spots) == [1, 2]
