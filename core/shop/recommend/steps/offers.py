"""Step 4: ads for the signage nearest to them, and coupons.

docs/shop/lift.md has the formulas in one place.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Store
from core.shop.lift.port import LiftPairs
from core.shop.meal.models import Language
from core.shop.recommend import wording
from core.shop.recommend.choosing.candidates import (
    UNMEASURED,
    Candidate,
    lift_candidates,
    nearby_candidates,
    upsell_candidates,
)
from core.shop.recommend.choosing.choice import Choice
from core.shop.recommend.choosing.evidence import Recommended
from core.shop.recommend.choosing.likeness import metres
from core.shop.recommend.choosing.shelf import Shelf
from core.shop.recommend.products import describe, to_location

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
    """Make at most three ads and five coupons, of different products.

    Offered is what goes with the list: by its pairs, what step 3 recommended, dearer kinds of
    listed products, and discounted products that stand right by listed ones. Ranked by
    applied_score, the first three are ads, the next are coupons; no product twice, no two of a
    kind, none that is listed, out of stock or excluded.

    priority_score: how strongly the pairs speak for it (candidates.pair_score); without pairs at
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

    offers = Offers(recommend_pb2.Notifications())
    bundle = offers.notifications.ad
    bundle.SetInParent()
    for rank, candidate in enumerate(ads, 1):
        ad = _offer(candidate, rank, "ads", shelf.language)
        discount = candidate.product.discount_pct
        bundle.items.append(recommend_pb2.AdItem(**ad.fields, discount_pct=discount))
        offers.analyst_comments[ad.rec_id] = ad.comment
    signage = nearest_signage(await store.list_signage(), [ad.product for ad in ads])
    if signage is not None:
        bundle.signage.CopyFrom(to_location(signage.location))
    for rank, candidate in enumerate(coupons, 1):
        product = candidate.product
        coupon = _offer(candidate, rank, "coupon", shelf.language)
        item = recommend_pb2.CouponItem(
            **coupon.fields, discount_pct=product.discount_pct or COUPON_PCT
        )
        if product.HasField("location"):
            item.location.CopyFrom(to_location(product.location))
        offers.notifications.coupon.append(item)
        offers.analyst_comments[coupon.rec_id] = coupon.comment
    return offers


def applied_score(candidate: Candidate) -> float:
    """Weight a candidate's score as the store does, 0 to 1."""
    product = candidate.product
    discount = min(product.discount_pct, FULL_DISCOUNT) / FULL_DISCOUNT
    stock = min(product.quantity, FULL_STOCK) / FULL_STOCK if product.HasField("quantity") else 1.0
    base, by_discount, by_stock = WEIGHT
    return candidate.score * (base + by_discount * discount + by_stock * stock)


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Sort by applied score, best first; of several reasons for a product the strongest stays."""
    best: dict[int, Candidate] = {}
    for candidate in candidates:
        known = best.get(candidate.product.id)
        if known is None or candidate.score > known.score:
            best[candidate.product.id] = candidate
    return sorted(best.values(), key=lambda c: (-applied_score(c), c.product.id))


def _recommended(items: Sequence[recommend_pb2.RecommendedItem], shelf: Shelf) -> list[Candidate]:
    """Make candidates of what step 3 recommended; a better score by a pair goes before theirs."""
    free = {product.id: product for product in shelf.free}
    return [
        Candidate(free[item.product.id], item.reason, UNMEASURED / 2, Recommended(item))
        for item in items
        if item.product.id in free
    ]


def nearest_signage(
    signage: Sequence[store_pb2.Signage], products: Sequence[store_pb2.Product]
) -> store_pb2.Signage | None:
    """Find the signage with the least mean distance to the products whose place is known."""
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


@dataclass(frozen=True, slots=True)
class _Offer:
    """fields: those that ads and coupons share. comment: for the analyst."""

    rec_id: str
    fields: dict[str, Any]
    comment: str


def _offer(candidate: Candidate, rank: int, kind: str, language: Language) -> _Offer:
    texts = wording.write(candidate, language)
    item = recommend_pb2.AdItem(
        rec_id=str(uuid.uuid4()),
        item_id=candidate.product.id,
        type=kind,
        priority_score=round(candidate.score, 4),
        applied_score=round(applied_score(candidate), 4),
        method=candidate.evidence.method,
        reason_type=candidate.reason,
        reason_detail=texts.detail,
        reason_detail_marketing=texts.marketing,
        rank=rank,
    )
    describe(item, candidate.product)
    if candidate.product.HasField("zone_id"):
        item.zone_id = candidate.product.zone_id
    if candidate.product.HasField("zone_name"):
        item.zone_name = candidate.product.zone_name
    scores = wording.scores_comment(item.priority_score, item.applied_score, language)
    fields = {descriptor.name: value for descriptor, value in item.ListFields()}
    return _Offer(item.rec_id, fields, f"{texts.comment} {scores}")
