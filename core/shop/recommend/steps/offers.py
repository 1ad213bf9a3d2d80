"""Step 4: ads for the signage nearest to them, coupons, and the store's coupon spots.

docs/shop/lift.md has the formulas in one place.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Store
from core.shop.lift.port import LiftPairs
from core.shop.recommend.alike import metres
from core.shop.recommend.candidates import (
    UNMEASURED,
    Candidate,
    Said,
    Shelf,
    lift_candidates,
    nearby_candidates,
    upsell_candidates,
)
from core.shop.recommend.products import to_product
from core.shop.recommend.suggestions import Choice

ADS = 3
COUPONS = 5
# Percent off of a coupon for a product that the store does not discount itself.
COUPON_PCT = 10.0
# What the store gains from an offer: more the bigger its discount (up to 30 %) and its stock (up
# to 20 pieces). applied_score = priority_score · (0.6 + 0.3 · discount + 0.1 · stock).
WEIGHT = (0.6, 0.3, 0.1)
FULL_DISCOUNT, FULL_STOCK = 30.0, 20.0


@dataclass(frozen=True, slots=True)
class Offers:
    """Step 4's result. notifications has no coupon spots: those are read at every poll.

    analyst_comments: why, by rec_id; never sent to shoppers.
    """

    notifications: recommend_pb2.Notifications
    analyst_comments: dict[str, str] = field(default_factory=dict)


async def make_offers(
    *,
    todos: recommend_pb2.Todos,
    recommended: Sequence[recommend_pb2.RecommendedItem],
    lift: LiftPairs,
    store: Store,
    excluded_terms: Collection[str] = (),
) -> Offers:
    """At most three ads and five coupons, of different products.

    Offered is what goes with the list: by its pairs, what step 3 recommended, dearer kinds of
    listed products, and discounted products that stand right by listed ones. Ranked by
    applied_score, the first three are ads, the next are coupons; no product twice, no two of a
    kind, none that is listed, out of stock or excluded.

    priority_score: how strongly the pairs speak for it (suggestions.pair_score); without pairs at
    most UNMEASURED. applied_score: that times the store's weighting, see WEIGHT.
    discount_pct: the product's own; a coupon for a product without one gives COUPON_PCT, an ad
    for such a product says 0. The signage is the one with the least mean distance to the ads'
    products; unset when the store has none or no ad's place is known.

    Raises StoreUnavailable.
    """
    shelf = await Shelf.read(store, todos, excluded_terms)
    ranked: list[Candidate] = []
    if shelf.listed:
        pairs = await lift.pairs_for([product.id for product in shelf.listed])
        ranked = _ranked(
            [
                *lift_candidates(pairs, shelf),
                *_recommended(recommended, shelf),
                *upsell_candidates(shelf),
                *nearby_candidates(shelf),
            ]
        )
    choice = Choice(shelf, ADS + COUPONS)
    choice.take(ranked, ADS + COUPONS)
    ads, coupons = choice.items[:ADS], choice.items[ADS:]

    comments: dict[str, str] = {}
    bundle = recommend_pb2.AdBundle()
    for rank, candidate in enumerate(ads, 1):
        offer = _offer(candidate, rank, "ads", shelf, comments)
        offer["discount_pct"] = candidate.product.discount_pct
        bundle.items.append(recommend_pb2.AdItem(**offer))
    signage = nearest_signage(await store.signage(), [ad.product for ad in ads])
    if signage is not None:
        bundle.signage.CopyFrom(_location(signage.location))

    notifications = recommend_pb2.Notifications(ad=bundle)
    for rank, candidate in enumerate(coupons, 1):
        product = candidate.product
        offer = _offer(candidate, rank, "coupon", shelf, comments)
        offer["discount_pct"] = product.discount_pct or COUPON_PCT
        if product.HasField("location"):
            offer["location"] = _location(product.location)
        notifications.coupon.append(recommend_pb2.CouponItem(**offer))
    return Offers(notifications, comments)


def coupon_spot_items(
    spots: Sequence[store_pb2.CouponSpot],
) -> list[recommend_pb2.CouponItem]:
    """The store's coupon spots in the coupons' shape: by spot_no, ranked from 1, at their own
    places, with every signal of a recommendation (zone included) unset."""
    items = []
    for rank, spot in enumerate(sorted(spots, key=lambda spot: spot.spot_no), 1):
        item = recommend_pb2.CouponItem(type="coupon", rank=rank, discount_pct=spot.discount_value)
        if spot.HasField("location"):
            item.location.CopyFrom(_location(spot.location))
        if spot.HasField("product_id"):
            item.item_id = spot.product_id
        if spot.HasField("product"):
            _describe(item, spot.product)
        # What the coupon is for, where the spot says so itself.
        for name in ("item_name", "item_name_en"):
            if spot.HasField(name):
                setattr(item, name, getattr(spot, name))
        items.append(item)
    return items


# ---- which ----


def applied_score(candidate: Candidate) -> float:
    """The priority score with the store's weighting, 0 to 1."""
    product = candidate.product
    discount = min(product.discount_pct, FULL_DISCOUNT) / FULL_DISCOUNT
    stock = min(product.quantity, FULL_STOCK) / FULL_STOCK if product.HasField("quantity") else 1.0
    base, by_discount, by_stock = WEIGHT
    return candidate.score * (base + by_discount * discount + by_stock * stock)


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first by applied score; of several reasons for a product the strongest stays."""
    best: dict[int, Candidate] = {}
    for candidate in candidates:
        known = best.get(candidate.product.id)
        if known is None or candidate.score > known.score:
            best[candidate.product.id] = candidate
    return sorted(best.values(), key=lambda c: (-applied_score(c), c.product.id))


def _recommended(items: Sequence[recommend_pb2.RecommendedItem], shelf: Shelf) -> list[Candidate]:
    """What step 3 recommended, as it said it; its score where no pair gives a better one."""
    free = {product.id: product for product in shelf.free}
    return [
        Candidate(
            free[item.product.id],
            item.reason,
            "recommended_item",
            UNMEASURED / 2,
            partial(
                Said,
                item.reason_detail,
                item.reason_detail_marketing,
                shelf.own(item.reason_detail),
            ),
        )
        for item in items
        if item.product.id in free
    ]


def nearest_signage(
    signage: Sequence[store_pb2.Signage], products: Sequence[store_pb2.Product]
) -> store_pb2.Signage | None:
    """The signage with the least mean distance to the products whose place is known."""
    places = [product.location for product in products if product.HasField("location")]
    placed = [screen for screen in signage if screen.HasField("location")]
    if not places or not placed:
        return None
    return min(
        placed,
        key=lambda screen: (
            sum(metres(screen.location, place) for place in places),
            screen.number,
        ),
    )


# ---- how it is written ----


def _offer(
    candidate: Candidate, rank: int, kind: str, shelf: Shelf, comments: dict[str, str]
) -> dict[str, Any]:
    """The fields that ads and coupons share; the comment goes into `comments`."""
    said = candidate.say()
    item = recommend_pb2.AdItem(
        rec_id=str(uuid.uuid4()),
        item_id=candidate.product.id,
        type=kind,
        priority_score=round(candidate.score, 4),
        applied_score=round(applied_score(candidate), 4),
        method=candidate.method,
        reason_type=candidate.reason,
        reason_detail=said.detail,
        reason_detail_marketing=said.marketing,
        rank=rank,
    )
    _describe(item, candidate.product)
    if candidate.product.HasField("zone_id"):
        item.zone_id = candidate.product.zone_id
    if candidate.product.HasField("zone_name"):
        item.zone_name = candidate.product.zone_name
    scores = (
        f"우선순위 {item.priority_score:.3f} × 매장 가중치 → 적용 점수 {item.applied_score:.3f}."
        if shelf.language == "ko"
        else f"Priority {item.priority_score:.3f} × store weighting → applied"
        f" {item.applied_score:.3f}."
    )
    comments[item.rec_id] = f"{said.comment} {scores}"
    return {descriptor.name: value for descriptor, value in item.ListFields()}


def _describe(
    item: recommend_pb2.AdItem | recommend_pb2.CouponItem, product: store_pb2.Product
) -> None:
    """Name, brand, price and the product itself."""
    item.product.CopyFrom(to_product(product))
    item.item_name = product.name
    if product.HasField("name_en"):
        item.item_name_en = product.name_en
    if product.HasField("brand"):
        item.brand = product.brand
    if product.HasField("price"):
        item.price = product.price
    if product.HasField("price_unit"):
        item.price_unit = product.price_unit


def _location(place: store_pb2.Location) -> recommend_pb2.Location:
    return recommend_pb2.Location(x=place.x, y=place.y, radius=place.radius)
