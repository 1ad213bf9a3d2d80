"""Items of triggers as JSON, from what was sent and from the round; request digests."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.store.v1 import store_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.plain import plain
from core.shop.trigger import items
from core.shop.trigger.known_signage import Floor
from core.shop.trigger.sql import request_digest
from core.shop.trigger.trigger_event import new_id

TEXT = {"ko": "가", "en": "a", "ja": "あ"}


def round_of(**parts: Any) -> recommend.Round:
    return json_format.ParseDict(parts, recommend.Round())


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        882,
        -3,
        0.5,
        2**53,
        "882.0",
        "",
        [],
        {},
        [1, [2.5, {"a": None}]],
        {"": {"b": [0]}},
    ],
)
def test_a_free_form_value_is_what_it_was(value: Any) -> None:
    message = json_format.ParseDict(value, struct_pb2.Value())
    assert repr(plain(message)) == repr(value)


def test_a_value_without_a_kind_is_null() -> None:
    assert plain(struct_pb2.Value()) is None


def test_a_whole_double_beyond_2_to_53_stays_a_double() -> None:
    assert repr(plain(struct_pb2.Value(number_value=1e300))) == "1e+300"


def test_the_same_object_gives_the_same_text() -> None:
    forth = json_format.ParseDict({"a": 1, "b": 2}, struct_pb2.Struct())
    back = json_format.ParseDict({"b": 2, "a": 1}, struct_pb2.Struct())
    assert list(plain(forth)) == list(plain(back)) == ["a", "b"]


def test_a_sent_item_has_the_keys_that_were_sent() -> None:
    item = {"rec_id": "r", "price_yen": 4900, "discount_pct": 0, "reason_detail": TEXT}
    message = json_format.ParseDict(item | {"reason_detail_marketing": None}, pb.SignageItem())
    assert message.HasField("reason_detail_marketing")
    assert items.sent_item(message) == item
    assert repr(items.sent_item(message)["price_yen"]) == "4900"


@pytest.mark.parametrize("kind", ["issued", None])
def test_a_coupon_of_rec_id_and_kind_brings_nothing_of_its_own(kind: str | None) -> None:
    request = pb.TriggerCouponRequest(
        profile_id="p", chat_id="c", round_id="r", rec_id="x", kind=kind
    )
    assert items.sent_item(request) == {"rec_id": "x"}
    # A value that says little is a value all the same.
    request.discount_pct = 0
    assert items.sent_item(request) == {"rec_id": "x", "discount_pct": 0}


@pytest.mark.parametrize(
    ("sent", "filled"),
    [
        ({}, {}),
        ({"item_name": "b"}, {"item_name": "b"}),
        ({"reason_detail": {"ko": "나"}}, {"reason_detail": {"ko": "나"}}),
        ({"price_yen": 0}, {"price_yen": 0, "price": 0}),
        ({"discount_pct": 0, "brand": ""}, {"discount_pct": 0, "brand": ""}),
    ],
)
def test_what_was_sent_wins_key_by_key(sent: dict[str, Any], filled: dict[str, Any]) -> None:
    base = {"rec_id": "Ab", "item_name": "a", "price": 5, "discount_pct": 3, "reason_detail": TEXT}
    assert items.filled_in(sent | {"rec_id": "aB"}, base) == base | filled


@pytest.mark.parametrize(
    ("item", "counted"),
    [
        ({}, {"item_id": 1, "item_name": "a", "reason_type": "upsell"}),
        ({"item_id": 1}, {"item_name": "a", "reason_type": "upsell"}),
        ({"item_id": 2}, {"reason_type": "upsell"}),
        ({"item_id": 1, "item_name": "b", "reason_type": "x"}, None),
        (
            {"item_name": "", "reason_type": ""},
            {"item_id": 1, "item_name": "a"} | {"reason_type": "upsell"},
        ),
    ],
)
def test_what_an_item_does_not_say_is_counted_as_the_rounds(
    item: dict[str, Any], counted: dict[str, Any] | None
) -> None:
    base = {"rec_id": "r", "item_id": 1, "item_name": "a", "reason_type": "upsell", "price": 5}
    assert items.counted_as(item, base) == counted
    assert items.counted_as(item, item) is None


def test_a_rounds_ads_keep_both_texts_the_price_and_the_product() -> None:
    product = {"id": 196, "name": "두부", "price": 860, "location": {"x": 0, "y": 1.5, "radius": 2}}
    ad = {"rec_id": "a", "type": "ads", "rank": 1, "price": 860, "reason_detail": TEXT}
    found = items.round_ads(round_of(notifications={"ad": {"items": [ad | {"product": product}]}}))
    assert found == [ad | {"product": product}]
    assert repr(found[0]["price"]) == "860"
    assert items.round_ads(recommend.Round()) == []


def test_coupon_spots_are_no_coupons() -> None:
    spot = {"type": "coupon", "rank": 1}
    round_ = round_of(notifications={"coupon": [{"rec_id": "c"}], "coupon_spot": [spot]})
    assert items.round_coupon(round_, "c") == {"rec_id": "c", "type": ""}
    assert items.round_coupon(round_, "") is None


def test_a_recommendation_is_found_by_rec_id_before_product_id() -> None:
    def recommended(rec_id: str, product_id: int) -> dict[str, Any]:
        product = {"id": product_id, "name": "와인", "price": 15900, "price_unit": "₩"}
        texts = {"reason_detail": TEXT, "reason_detail_marketing": TEXT}
        return {"rec_id": rec_id, "reason": "upsell", "product": product, **texts}

    round_ = round_of(recommended_items=[recommended("a", 7), recommended("7", 8)])
    found = items.round_recommendation(round_, "7")
    assert found is not None
    assert (found["rec_id"], found["item_id"]) == ("7", 8)
    assert (found["price"], found["price_unit"], found["reason_type"]) == (15900, "₩", "upsell")
    by_product = items.round_recommendation(round_, "8")
    assert by_product == found
    assert items.round_recommendation(round_, "9") is None
    upper = items.round_recommendation(round_, "A")
    assert upper is not None
    assert upper["rec_id"] == "a"
    # What has no product has no product's id either.
    bare = round_of(recommended_items=[{"rec_id": "b", "reason": "impulse"}])
    assert items.round_recommendation(bare, "0") is None
    assert items.round_recommendation(bare, "B") == {"rec_id": "b", "reason_type": "impulse"}


def test_signage_is_matched_by_its_place() -> None:
    def signage(name: str, x: float | None) -> store_pb2.Signage:
        location = None if x is None else store_pb2.Location(x=x, y=1, radius=2)
        return store_pb2.Signage(id=name, location=location)

    floor = Floor([signage("a", 1.1), signage("b", 2), signage("c", None), signage("d", 1.1)], [])
    at = {"ad": {"signage": {"x": 1.1, "y": 1, "radius": 2}}}
    assert [one.id for one in floor.matched(round_of(notifications=at))] == ["a", "d"]
    assert floor.matched(round_of(notifications={"ad": {}})) == []
    assert floor.matched(recommend.Round()) == []
    # A signage without a place is not one that stands at the origin.
    at["ad"]["signage"] = {"x": 0, "y": 0, "radius": 0}
    assert floor.matched(round_of(notifications=at)) == []


def test_a_digest_tells_methods_and_contents_apart() -> None:
    same = [pb.TriggerRecommendRequest(round_id="r", rec_id="x") for _ in range(2)]
    assert request_digest(same[0]) == request_digest(same[1])
    others = [
        pb.TriggerRecommendRequest(round_id="r", rec_id="y"),
        pb.TriggerCouponRequest(round_id="r", rec_id="x"),
        pb.TriggerCouponRequest(round_id="r", rec_id="x", discount_pct=0),
        pb.TriggerSignageRequest(round_id="r"),
        pb.TriggerSignageRequest(round_id="r", action="exit"),
    ]
    assert len({request_digest(one) for one in [*same, *others]}) == 6


def test_ids_are_lower_case_and_26_characters_long() -> None:
    ids = {new_id("evt_") for _ in range(100)}
    assert len(ids) == 100
    assert {len(one) for one in ids} == {30}
    assert all(one.islower() for one in ids)
