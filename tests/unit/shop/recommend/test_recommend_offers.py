"""Step 4: ads, coupons, the signage, and the coupon spots."""

import uuid
from typing import Any

import pytest
from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.recommend.coupon_spots import coupon_spot_items
from core.shop.recommend.steps.offers import make_offers
from tests.unit.shop.recommend.lift_fakes import FakeLift, FakeStore, pair, product, todos

CURRY = product(1, "카레 100g", "PA", en="Curry", ja="カレー", x=0)
LISTED = todos(CURRY)
GOODS = [product(10 + n, f"물건{n}", f"S{n}", x=10.0 * n) for n in range(12)]


def screen(number: Any, x: Any) -> Any:
    return store_pb2.Signage(
        id=f"s{number}", number=number, location=store_pb2.Location(x=x, y=0, radius=2)
    )


async def offers(
    *pairs: Any,
    products: Any = GOODS,
    signage: Any = (),
    recommended: Any = (),
    listed: Any = LISTED,
    **options: Any,
) -> Any:
    made = await make_offers(
        todos=listed,
        recommended=recommended,
        lift=FakeLift(*pairs),
        store=FakeStore([CURRY, *products], signage),  # type: ignore[arg-type]
        **options,
    )
    return made.notifications, made.analyst_comments


def falling() -> Any:
    """Pairs of the list with every good, the first the strongest."""
    return [pair(1, p.id, lift=9 - p.id / 5) for p in GOODS]


async def test_three_ads_then_five_coupons_by_applied_score() -> None:
    made, comments = await offers(*falling())
    assert [a.item_id for a in made.ad.items] == [10, 11, 12]
    assert [c.item_id for c in made.coupon] == [13, 14, 15, 16, 17]
    assert [a.rank for a in made.ad.items] == [1, 2, 3]
    assert [c.rank for c in made.coupon] == [1, 2, 3, 4, 5]
    both = [*made.ad.items, *made.coupon]
    assert all(0 < i.applied_score <= i.priority_score <= 1 for i in both)
    scores = [i.applied_score for i in both]
    assert scores == sorted(scores, reverse=True)
    assert len(made.coupon_spot) == 0
    assert set(comments) == {i.rec_id for i in both}
    assert len(comments) == 8
    assert all(uuid.UUID(rec_id).version == 4 for rec_id in comments)


async def test_an_ad_has_every_field_but_a_place() -> None:
    own = product(
        10, "단무지 400g", "DL", 2500, en="Radish", ja="たくあん", x=3,
        brand="일가집", zone_id=7, zone_name="Deli", discount_pct=15,
    )  # fmt: skip
    made, comments = await offers(pair(1, 10, lift=4), products=[own])
    (ad,) = made.ad.items
    assert (ad.type, ad.method, ad.reason_type) == ("ads", "copurchase_lift", "cross-sell")
    assert (ad.item_name, ad.item_name_en, ad.brand) == ("단무지 400g", "Radish", "일가집")
    assert (ad.zone_id, ad.zone_name) == (7, "Deli")
    assert (ad.price, ad.price_unit, ad.discount_pct) == (2500, "₩", 15)
    assert ad.product.id == 10
    assert "lift 4.00" in ad.reason_detail.ja
    assert "Radish" in ad.reason_detail_marketing.en
    assert "location" not in recommend_pb2.AdItem.DESCRIPTOR.fields_by_name
    assert "lift 4.00" in comments[ad.rec_id]


async def test_a_coupon_is_had_where_its_product_stands() -> None:
    made, _ = await offers(*falling())
    first = made.coupon[0]
    assert first.type == "coupon"
    assert (first.location.x, first.location.y, first.location.radius) == (30, 0, 1)
    nowhere = [product(10 + n, f"물건{n}", f"S{n}") for n in range(4)]
    made, _ = await offers(*(pair(1, p.id) for p in nowhere), products=nowhere)
    assert not made.coupon[0].HasField("location")


async def test_discount_is_the_products_own_and_only_coupons_have_a_default() -> None:
    made, _ = await offers(*falling())
    assert made.ad.items[0].HasField("discount_pct")
    assert made.ad.items[0].discount_pct == 0
    assert made.coupon[0].discount_pct == 10
    cut = [product(13, "물건", "S3", discount_pct=25, x=30), *GOODS[:3]]
    made, _ = await offers(*falling(), products=cut)
    own = [i for i in [*made.ad.items, *made.coupon] if i.item_id == 13]
    assert own[0].discount_pct == 25


async def test_discount_and_stock_weigh_in() -> None:
    plain = product(10, "물건", "S1")
    cut = product(11, "딴것", "S2", discount_pct=30)
    rare = product(12, "셋째", "S3", quantity=1)
    made, _ = await offers(*(pair(1, n) for n in (10, 11, 12)), products=[plain, cut, rare])
    ads = {a.item_id: a for a in made.ad.items}
    assert [a.item_id for a in made.ad.items] == [11, 10, 12]
    assert ads[10].priority_score == ads[11].priority_score == ads[12].priority_score
    assert ads[11].applied_score == pytest.approx(ads[11].priority_score, abs=1e-3)
    assert ads[10].applied_score == pytest.approx(0.7 * ads[10].priority_score, abs=1e-3)


async def test_the_signage_nearest_to_the_ads_shows_them() -> None:
    near, far = screen(1, 12), screen(2, 90)
    made, _ = await offers(*falling(), signage=[far, near])
    assert (made.ad.signage.x, made.ad.signage.radius) == (12, 2)


async def test_no_signage_or_no_place_leaves_it_unset() -> None:
    made, _ = await offers(*falling())
    assert made.HasField("ad")
    assert not made.ad.HasField("signage")
    made, _ = await offers(
        pair(1, 10), products=[product(10, "물건", "S1")], signage=[screen(1, 0)]
    )
    assert len(made.ad.items) == 1
    assert not made.ad.HasField("signage")


async def test_nothing_to_offer_is_an_empty_bundle() -> None:
    made, comments = await offers(*falling(), listed=todos(), signage=[screen(1, 0)])
    assert made.HasField("ad")
    assert (len(made.ad.items), len(made.coupon), comments) == (0, 0, {})
    assert not made.ad.HasField("signage")


async def test_without_pairs_what_is_discounted_nearby_and_what_step_3_recommended() -> None:
    near = product(10, "두부 300g", "S1", x=2, discount_pct=20, en="Tofu")
    far = product(11, "딴것", "S2", x=50, discount_pct=20)
    told = product(12, "셋째", "S3")
    item = recommend_pb2.RecommendedItem(
        rec_id="r",
        reason="impulse",
        reason_detail=recommend_pb2.LocalizedText(ko="왜", en="why", ja="なぜ"),
        product=recommend_pb2.Product(id=12),
    )
    made, _ = await offers(products=[near, far, told], recommended=[item])
    by_id = {a.item_id: a for a in made.ad.items}
    assert set(by_id) == {10, 12}
    assert (by_id[10].reason_type, by_id[10].method) == ("zone_efficiency", "zone_proximity")
    assert "2.0 m" in by_id[10].reason_detail.en
    assert "20%" in by_id[10].reason_detail_marketing.ko
    assert (by_id[12].reason_type, by_id[12].reason_detail.en) == ("impulse", "why")
    assert by_id[12].rec_id != "r"
    for offer in by_id.values():
        assert "lift" not in offer.method
        assert "lift" not in offer.reason_detail.en


async def test_left_out_are_listed_sold_out_and_excluded() -> None:
    goods = [product(10, "와인", "AL"), product(11, "물건", "S1", quantity=0)]
    made, _ = await offers(*(pair(1, n) for n in (1, 10, 11)), products=goods)
    assert [a.item_id for a in made.ad.items] == [10]
    made, _ = await offers(pair(1, 10), products=goods, excluded_terms=["술"])
    assert len(made.ad.items) == 0


def test_coupon_spots_are_ranked_by_number_and_hold_no_signal() -> None:
    spots = [
        store_pb2.CouponSpot(spot_no=7, discount_value=5, item_name="행사", product_id=99),
        store_pb2.CouponSpot(
            spot_no=3,
            discount_value=10,
            location=store_pb2.Location(x=12.3, y=4.5, radius=1),
            product_id=42,
            product=product(42, "프로틴 바 50g", "SN", 1200, en="Protein Bar", x=1, zone_id=4),
        ),
    ]
    first, second = coupon_spot_items(spots)
    assert (first.rank, second.rank) == (1, 2)
    assert (first.type, first.discount_pct, first.item_id) == ("coupon", 10, 42)
    assert (first.location.x, first.location.radius) == (12.3, 1)  # the spot's own place
    assert (first.item_name, first.item_name_en) == ("프로틴 바 50g", "Protein Bar")
    assert (first.price, first.price_unit, first.product.id) == (1200, "₩", 42)
    for name in [
        "rec_id",
        "zone_id",
        "zone_name",
        "applied_score",
        "priority_score",
        "method",
        "reason_type",
        "reason_detail",
        "reason_detail_marketing",
    ]:
        assert not first.HasField(name), name  # type: ignore[arg-type]
    assert (second.item_id, second.item_name, second.discount_pct) == (99, "행사", 5)
    assert not second.HasField("product")
    assert not second.HasField("location")
    assert not second.HasField("price")
