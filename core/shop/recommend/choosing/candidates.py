"""Which products may be suggested for a list, and how strongly.

docs/shop/lift.md has the formulas in one place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onegenie.store.v1 import store_pb2

from core.shop.lift.port import Pair
from core.shop.recommend.choosing.evidence import (
    BoughtTogether,
    Evidence,
    LowPrice,
    MissingSection,
    Nearby,
    PriceStep,
)
from core.shop.recommend.choosing.likeness import alikeness
from core.shop.recommend.choosing.shelf import Shelf

CROSS_SELL, UPSELL, IMPULSE = "cross-sell", "upsell", "impulse"
ZONE_EFFICIENCY = "zone_efficiency"
# Where the cheap things stand that people take without thinking long. Alcohol is not among them:
# it is suggested where baskets say so, never just for being cheap.
IMPULSE_SECTIONS = ("SN", "SW", "DR")
# What rounds a list off when there are no pairs to go by, in this order.
COMPLEMENT_SECTIONS = ("DR", "PR", "DL", "DY", "BK", "SW")
# Pairs this little above chance say nothing.
LEAST_LIFT = 1.1
# Share of the baskets a pair occurs in for its support to count half: 2 in 10,000.
HALF_SUPPORT = 0.0002
# An upsell costs between 10 % more and three times as much ...
DEARER = (1.1, 3.0)
# ... and shares this much of its name: oyster sauce is no better soy sauce.
UPSELL_ALIKE = 0.6
# Score of the best suggestion that no pair speaks for.
UNMEASURED = 0.25
# How near a discounted product stands to a listed one to be offered for that alone, in metres.
NEARBY_METRES = 6.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may be suggested, what speaks for it, and how strongly (score, 0 to 1).

    reason: CROSS_SELL, UPSELL, IMPULSE or ZONE_EFFICIENCY.
    """

    product: store_pb2.Product
    reason: str
    score: float
    evidence: Evidence


def pair_score(pair: Pair) -> float:
    """Score how strongly a pair speaks for its product, 0 to 1.

    (1 - 1/lift) · √confidence · support / (support + HALF_SUPPORT): the share of the common
    baskets that chance does not explain, times how likely it is at all, less for what is rare.
    """
    return (
        (1 - 1 / pair.lift)
        * math.sqrt(pair.confidence)
        * (pair.support / (pair.support + HALF_SUPPORT))
    )


def lift_candidates(pairs: Sequence[Pair], shelf: Shelf) -> list[Candidate]:
    """Find the products that the pairs point to, best first.

    A product that goes with several listed ones gains from each: 1 - Π (1 - pair score).
    """
    pairs_to: dict[int, list[Pair]] = {}
    for pair in pairs:
        if pair.lift >= LEAST_LIFT and pair.product_id in shelf.products:
            pairs_to.setdefault(pair.other_id, []).append(pair)
    found = []
    for product in shelf.free:
        own_pairs = pairs_to.get(product.id)
        if not own_pairs:
            continue
        own_pairs.sort(key=lambda pair: (-pair_score(pair), pair.product_id))
        score = 1 - math.prod(1 - pair_score(pair) for pair in own_pairs)
        evidence = BoughtTogether(shelf.products[own_pairs[0].product_id], own_pairs)
        found.append(Candidate(product, CROSS_SELL, score, evidence))
    return _best_first(found)


def upsell_candidates(shelf: Shelf) -> list[Candidate]:
    """Find dearer or bigger products of a listed product's kind, the best one for each.

    Score: UNMEASURED times how alike the names are.
    """
    found = []
    free: dict[str, list[store_pb2.Product]] = {listed.section_code: [] for listed in shelf.listed}
    for product in shelf.free:
        if (section := free.get(product.section_code)) is not None:
            section.append(product)
    for listed in shelf.listed:
        options = []
        for product in free[listed.section_code]:
            if (
                listed.price > 0
                and product.price_unit == listed.price_unit
                and DEARER[0] <= product.price / listed.price <= DEARER[1]
                and (alike := alikeness(product, listed)) >= UPSELL_ALIKE
            ):
                options.append((alike, -product.price, -product.id, product))
        if options:
            alike, _, _, product = max(options, key=lambda option: option[:3])
            evidence = PriceStep(listed, alike, _cheaper_by_unit(product, listed))
            found.append(Candidate(product, UPSELL, alike * UNMEASURED, evidence))
    return _best_first(found)


def _cheaper_by_unit(product: store_pb2.Product, listed: store_pb2.Product) -> float:
    """Return by how much a unit is cheaper in the bigger pack, 0 to 1; 0 when that is not known."""
    if (
        product.pack_unit != listed.pack_unit
        or not product.pack_unit
        or not product.pack_size > listed.pack_size > 0
    ):
        return 0.0
    return max(0.0, 1 - (product.price / product.pack_size) / (listed.price / listed.pack_size))


def impulse_candidates(shelf: Shelf, paired: Mapping[int, Candidate]) -> list[Candidate]:
    """Find cheap little things: the cheaper half of snacks, sweets and drinks.

    paired: what lift_candidates found, by product. These come first, then what stands closest to
    the listed products.
    """
    stock = [p for p in shelf.free if p.section_code in IMPULSE_SECTIONS and p.price > 0]
    if not stock:
        return []
    median = statistics.median(p.price for p in stock)
    found = []
    for product in stock:
        if product.price > median:
            continue
        if known := paired.get(product.id):
            found.append(replace(known, reason=IMPULSE))
        else:
            found.append(Candidate(product, IMPULSE, UNMEASURED / 2, LowPrice(median)))
    return sorted(
        found,
        key=lambda c: (
            -c.score if c.product.id in paired else 0.0,
            shelf.metres_to_listed(c.product),
            c.product.price,
            c.product.id,
        ),
    )


def complement_candidates(shelf: Shelf) -> list[Candidate]:
    """Find one product for each section that the list does not cover: for a store without pairs.

    Of a section's cheaper half the highest discount, then what stands closest to the listed
    products.
    """
    covered = {product.section_code for product in shelf.listed}
    found = []
    for section in COMPLEMENT_SECTIONS:
        options = [p for p in shelf.free if p.section_code == section and p.price > 0]
        if section in covered or not options:
            continue
        median = statistics.median(p.price for p in options)
        product = min(
            (p for p in options if p.price <= median),
            key=lambda p: (-p.discount_pct, shelf.metres_to_listed(p), p.price, p.id),
        )
        found.append(Candidate(product, CROSS_SELL, UNMEASURED / 2, MissingSection()))
    return found


def nearby_candidates(shelf: Shelf) -> list[Candidate]:
    """Find discounted products that stand within NEARBY_METRES of a listed one.

    Score: UNMEASURED right beside it, falling to nothing at that distance.
    """
    found = []
    for product in shelf.free:
        near = shelf.nearest_listed(product) if product.discount_pct > 0 else None
        if near is None or near[0] >= NEARBY_METRES:
            continue
        distance, listed = near
        score = UNMEASURED * (1 - distance / NEARBY_METRES)
        found.append(Candidate(product, ZONE_EFFICIENCY, score, Nearby(listed, distance)))
    return _best_first(found)


def _best_first(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.product.id))
