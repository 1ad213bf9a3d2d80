"""What a signage trigger does, worked out: no store, no database."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.store.v1 import store_pb2

from core.platform.plain import plain
from core.shop.catalogue.port import Promotion
from core.shop.trigger.find_round import RoundIds, RoundNow
from core.shop.trigger.known_signage import Floor
from core.shop.trigger.trigger_signage import SignagePlan, TriggerSignage, plan_signage

AT = datetime(2026, 5, 2, 12, tzinfo=UTC)
INSIDE = {"x": 10, "y": 5, "radius": 2}
ADS = [{"rec_id": f"Ad-{n}", "type": "ads", "item_id": n, "reason_type": "upsell"} for n in (1, 2)]


def signage(number: int, x: float) -> store_pb2.Signage:
    location = store_pb2.Location(x=x, y=5, radius=2)
    return store_pb2.Signage(id=f"s{number}", number=number, location=location)


SALE = Promotion(id=7, title="sale", enabled=True)
FLOOR = Floor([signage(1, 0), signage(2, 10), signage(3, 20)], [SALE])


def round_now(ads: list[dict[str, Any]], place: dict[str, Any] | None = INSIDE) -> RoundNow:
    ad: dict[str, Any] = {"items": ads} | ({"signage": place} if place else {})
    results = json_format.ParseDict({"notifications": {"ad": ad}}, recommend.Round())
    return RoundNow(
        profile_id=uuid.UUID(int=1),
        chat_id=uuid.UUID(int=2),
        round_id=uuid.UUID(int=3),
        results=results,
        analyst_comments={"Ad-1": "lift 3.1"},
    )


def plan(
    round_: RoundNow,
    floor: Floor | None = FLOOR,
    *,
    leaving: bool = False,
    items: Any = (),
    forgotten: Any = (),
) -> SignagePlan:
    ids = RoundIds(str(round_.profile_id), str(round_.chat_id), str(round_.round_id))
    command = TriggerSignage(ids, leaving, items, forgotten, at=AT, key=None)
    numbers = itertools.count(1)
    return plan_signage(round_, floor, command, new_id=lambda prefix: f"{prefix}{next(numbers)}")


def ids(plan: SignagePlan) -> list[str]:
    return [one.id for one in plan.signage]


def test_coming_near_shows_the_rounds_ads_where_they_are_for() -> None:
    found = plan(round_now(ADS), forgotten=["양파"])
    assert ids(found) == list(found.report.signage_ids) == ["s2"]
    assert found.shopper is not None
    assert [item["rec_id"] for item in found.shopper.items] == ["Ad-1", "Ad-2"]
    assert (list(found.shopper.forgotten), found.shopper.promotions) == (["양파"], [SALE])
    assert found.event_ids == ["evt_1", "evt_2"]
    assert [event.analyst_comment for event in found.events] == ["lift 3.1", None]
    for event, item in zip(found.events, found.shopper.items, strict=True):
        assert (event.kind, event.item, event.signage_ids) == ("signage", item, ["s2"])
        # The same list in each of them: it is then stored once.
        assert event.forgotten is found.events[0].forgotten
    assert found.events[0].forgotten == ["양파"]
    assert [plain(item)["rec_id"] for item in found.report.items] == ["Ad-1", "Ad-2"]
    assert [plain(thing) for thing in found.report.forgotten] == ["양파"]
    assert (found.report.trigger_id, found.report.action) == ("trg_3", "enter")
    assert found.report.created_at.ToDatetime(UTC) == AT
    assert found.unplaced is None


def test_an_item_that_was_sent_goes_by_the_rec_id_and_the_figures_of_the_rounds() -> None:
    found = plan(round_now(ADS), items=[{"rec_id": "aD-1", "brand": "b"}, {"rec_id": "other"}])
    assert [event.item for event in found.events] == [
        {"rec_id": "Ad-1", "brand": "b"},
        {"rec_id": "other"},
    ]
    counted = {"item_id": 1, "reason_type": "upsell"}
    assert [event.counted_as for event in found.events] == [counted, None]
    assert [event.forgotten for event in found.events] == [None, None]


def test_leaving_turns_the_screens_idle_and_stores_nothing() -> None:
    found = plan(round_now(ADS), leaving=True, items=[{"rec_id": "x"}], forgotten=["양파"])
    assert (ids(found), found.shopper, found.events) == (["s2"], None, [])
    assert found.report.action == "exit"
    assert (len(found.report.items), len(found.report.forgotten)) == (0, 0)


@pytest.mark.parametrize("place", [None, {"x": 99, "y": 5, "radius": 2}])
def test_ads_for_no_signage_are_on_all_of_them(place: dict[str, Any] | None) -> None:
    found = plan(round_now(ADS, place))
    assert ids(found) == ["s1", "s2", "s3"]
    assert found.events[0].signage_ids == ["s1", "s2", "s3"]
    # The store is told of those that were matched only.
    assert list(found.report.signage_ids) == []


def test_without_items_only_what_was_forgotten_is_shown_and_not_on_number_1() -> None:
    found = plan(round_now([], None), forgotten=["양파"])
    assert (ids(found), found.events) == (["s2", "s3"], [])
    found = plan(round_now([], None))
    assert (ids(found), found.events) == ([], [])
    assert found.report.action == "enter"


@pytest.mark.parametrize("leaving", [False, True])
def test_a_floor_that_is_not_known_is_left_to_the_report(leaving: bool) -> None:
    round_ = round_now(ADS)
    found = plan(round_, None, leaving=leaving)
    assert found.signage == []
    assert found.unplaced is round_.results
    assert [list(event.signage_ids) for event in found.events] == [] if leaving else [[], []]
