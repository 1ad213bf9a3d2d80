"""What may be suggested for a list, how strongly, and what is said of it.

docs/shop/lift.md has the formulas in one place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Store
from core.shop.lift.port import MIN_CO_COUNT, MIN_CUSTOMERS, PRIOR_CUSTOMERS, Pair
from core.shop.recommend import wording
from core.shop.recommend.alike import alikeness, metres, same_kind
from core.shop.recommend.exclusions import excluded_ids
from core.shop.recommend.wording import Language, Word, localized, money, percent

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
class Said:
    """What is said of a suggestion: to the dashboard, to the shopper, and to the analyst."""

    detail: recommend_pb2.LocalizedText
    marketing: recommend_pb2.LocalizedText
    comment: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may be suggested: why, and how strongly (0 to 1).

    method: "copurchase_lift", "price_step", "impulse_price", "section_complement",
    "zone_proximity" or "recommended_item". say writes the texts: of some hundred candidates only
    a handful is chosen, and only these are worth the writing.
    """

    product: store_pb2.Product
    reason: str
    method: str
    score: float
    say: Callable[..., Said]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is to choose from.

    products: the catalogue by id. listed: the store's products on the list. free: those that may
    be suggested at all: in stock, not listed, not excluded.
    """

    products: Mapping[int, store_pb2.Product]
    listed: Sequence[store_pb2.Product]
    free: Sequence[store_pb2.Product]

    @classmethod
    async def read(
        cls, store: Store, todos: recommend_pb2.Todos, excluded_terms: Collection[str]
    ) -> Shelf:
        """Read the catalogue and put the excluded and the listed aside."""
        products = {product.id: product for product in await store.list_products()}
        on_list = dict.fromkeys(item.product.id for item in todos.items)
        listed = [products[i] for i in on_list if i in products]
        barred = await excluded_ids(store, products.values(), excluded_terms)
        free = [
            product
            for product in products.values()
            if product.id not in on_list
            and product.id not in barred
            and not (product.HasField("quantity") and product.quantity <= 0)
        ]
        return cls(products, listed, free)

    @property
    def language(self) -> Language:
        """The language the store names its products in."""
        return wording.store_language(self.listed[0])

    def like_listed(self, product: store_pb2.Product) -> bool:
        """Whether the list has something of this kind already."""
        return any(same_kind(product, listed) for listed in self.listed)

    def nearest_listed(self, product: store_pb2.Product) -> tuple[float, store_pb2.Product] | None:
        """The listed product that stands closest, and how many metres away."""
        if not product.HasField("location"):
            return None
        near = [
            (metres(product.location, other.location), other)
            for other in self.listed
            if other.HasField("location")
        ]
        return min(near, key=lambda pair: (pair[0], pair[1].id), default=None)

    def metres_to_listed(self, product: store_pb2.Product) -> float:
        """Metres to the closest listed product; infinite when a place is not known."""
        near = self.nearest_listed(product)
        return near[0] if near else math.inf

    def own(self, text: recommend_pb2.LocalizedText) -> str:
        """A text in the store's language."""
        return str(getattr(text, self.language))


def pair_score(pair: Pair) -> float:
    """How strongly a pair speaks for its product, 0 to 1.

    (1 - 1/lift) · √confidence · support / (support + HALF_SUPPORT): the share of the common
    baskets that chance does not explain, times how likely it is at all, less for what is rare.
    """
    return (
        (1 - 1 / pair.lift)
        * math.sqrt(pair.confidence)
        * (pair.support / (pair.support + HALF_SUPPORT))
    )


def lift_candidates(pairs: Sequence[Pair], shelf: Shelf) -> list[Candidate]:
    """Products that the pairs bring up.

    A product that goes with several listed ones gains from each: 1 - Π (1 - pair score). The
    texts name the strongest of its pairs.
    """
    of: dict[int, list[Pair]] = {}
    for pair in pairs:
        if pair.lift >= LEAST_LIFT and pair.product_id in shelf.products:
            of.setdefault(pair.other_id, []).append(pair)
    found = []
    for product in shelf.free:
        mine = of.get(product.id)
        if not mine:
            continue
        mine.sort(key=lambda pair: (-pair_score(pair), pair.product_id))
        score = 1 - math.prod(1 - pair_score(pair) for pair in mine)
        say = partial(_say_paired, product, mine, score, shelf)
        found.append(Candidate(product, CROSS_SELL, "copurchase_lift", score, say))
    return _best_first(found)


def _say_paired(
    product: store_pb2.Product,
    pairs: Sequence[Pair],
    score: float,
    shelf: Shelf,
    reason: str = CROSS_SELL,
) -> Said:
    best = pairs[0]
    anchor = shelf.products[best.product_id]
    detail = localized(
        wording.PAIR_FIGURES,
        product=product,
        anchor=anchor,
        full=True,
        tag=reason.capitalize(),
        lift=best.lift,
        confidence=best.confidence,
        co_count=best.co_count,
        customers=best.customers,
        support=best.support,
    )
    others = len(pairs) - 1
    if shelf.language == "ko":
        comment = (
            f"{anchor.name}({anchor.id}) → {product.name}({product.id}): lift {best.lift:.2f}"
            f" (고객 {best.customers}명, 수축 k={PRIOR_CUSTOMERS}), CVR {best.confidence:.1%},"
            f" support {best.support:.2%}, 동시 구매 {best.co_count}건."
            f" 점수 {score:.3f}, 함께 근거가 된 목록 상품 {others}개."
            f" 기준: co_count ≥ {MIN_CO_COUNT}, 고객 ≥ {MIN_CUSTOMERS}, lift ≥ {LEAST_LIFT}."
        )
    else:
        comment = (
            f"{anchor.name} ({anchor.id}) → {product.name} ({product.id}): lift {best.lift:.2f}"
            f" ({best.customers} customers, shrinkage k={PRIOR_CUSTOMERS}), CVR"
            f" {best.confidence:.1%}, support {best.support:.2%}, {best.co_count} baskets."
            f" Score {score:.3f}; {others} other listed products point to it too."
            f" Thresholds: co_count ≥ {MIN_CO_COUNT}, customers ≥ {MIN_CUSTOMERS}, lift ≥"
            f" {LEAST_LIFT}."
        )
    copy = wording.together(product)
    if reason == IMPULSE:
        copy = wording.pick(wording.TREAT, product)
    return Said(detail, localized(copy, product=product, anchor=anchor), comment)


def upsell_candidates(shelf: Shelf) -> list[Candidate]:
    """Dearer or bigger products of a listed product's kind, the best one for each.

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
            say = partial(_say_upsell, product, listed, alike, shelf)
            found.append(Candidate(product, UPSELL, "price_step", alike * UNMEASURED, say))
    return _best_first(found)


def _say_upsell(
    product: store_pb2.Product, listed: store_pb2.Product, alike: float, shelf: Shelf
) -> Said:
    more = product.price / listed.price - 1
    cheaper = _cheaper_by_unit(product, listed)
    figures: Mapping[Language, str] = wording.PRICE_FIGURES
    copy = wording.pick(wording.DEARER, product)
    if cheaper > 0:
        figures = {k: v + wording.UNIT_FIGURES[k] for k, v in wording.PRICE_FIGURES.items()}
        copy = wording.BIGGER
    detail = localized(
        figures,
        product=product,
        anchor=listed,
        full=True,
        a_price=money(listed.price, listed.price_unit),
        p_price=money(product.price, product.price_unit),
        more=more,
        alike=alike,
        cheaper=cheaper,
        unit=product.pack_unit,
    )
    if shelf.language == "ko":
        comment = (
            f"목록의 {Word(f'{listed.name}({listed.id})'):과} 같은 구역·종류의 상위 상품"
            f" {product.name}({product.id}): 가격 +{more:.0%}, 이름 일치 {alike:.0%}."
            f" 기준: 가격 {DEARER[0]:g}~{DEARER[1]:g}배."
        )
    else:
        comment = (
            f"Step up from {listed.name} ({listed.id}) on the list to {product.name}"
            f" ({product.id}), same section and kind: price +{more:.0%}, names {alike:.0%} alike."
            f" Bounds: {DEARER[0]:g} to {DEARER[1]:g} times the price."
        )
    return Said(detail, localized(copy, product=product, anchor=listed, full=True), comment)


def _cheaper_by_unit(product: store_pb2.Product, listed: store_pb2.Product) -> float:
    """How much cheaper a unit is in the bigger pack, 0 to 1; 0 when it is not, or not known."""
    if (
        product.pack_unit != listed.pack_unit
        or not product.pack_unit
        or not product.pack_size > listed.pack_size > 0
    ):
        return 0.0
    return max(0.0, 1 - (product.price / product.pack_size) / (listed.price / listed.pack_size))


def impulse_candidates(shelf: Shelf, paired: Mapping[int, Candidate]) -> list[Candidate]:
    """Cheap little things: the cheaper half of snacks, sweets and drinks.

    Those a pair speaks for come first, then what stands closest to the listed products.
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
            say = partial(known.say, reason=IMPULSE)
            found.append(Candidate(product, IMPULSE, known.method, known.score, say))
        else:
            say = partial(_say_impulse, product, median, shelf)
            found.append(Candidate(product, IMPULSE, "impulse_price", UNMEASURED / 2, say))
    return sorted(
        found,
        key=lambda c: (
            -c.score if c.product.id in paired else 0.0,
            shelf.metres_to_listed(c.product),
            c.product.price,
            c.product.id,
        ),
    )


def _say_impulse(product: store_pb2.Product, median: float, shelf: Shelf) -> Said:
    detail = localized(
        wording.TREAT_FIGURES,
        product=product,
        section=wording.section_name(product),
        p_price=money(product.price, product.price_unit),
        median=money(median, product.price_unit),
    )
    copy = localized(wording.pick(wording.TREAT, product), product=product)
    return Said(detail, copy, shelf.own(detail))


def complement_candidates(shelf: Shelf) -> list[Candidate]:
    """For a store without pairs: one product each of sections the list does not cover.

    Of the cheaper half the discounted first, then what stands closest to the listed products.
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
        say = partial(_say_complement, product, shelf)
        found.append(Candidate(product, CROSS_SELL, "section_complement", UNMEASURED / 2, say))
    return found


def _say_complement(product: store_pb2.Product, shelf: Shelf) -> Said:
    detail = localized(
        wording.SECTION_FIGURES,
        product=product,
        section=wording.section_name(product),
        p_price=money(product.price, product.price_unit),
    )
    return Said(detail, localized(wording.ROUND_OFF, product=product), shelf.own(detail))


def nearby_candidates(shelf: Shelf) -> list[Candidate]:
    """Discounted products that stand within NEARBY_METRES of a listed one.

    Score: UNMEASURED right beside it, falling to nothing at that distance.
    """
    found = []
    for product in shelf.free:
        near = shelf.nearest_listed(product) if product.discount_pct > 0 else None
        if near is None or near[0] >= NEARBY_METRES:
            continue
        distance, listed = near
        score = UNMEASURED * (1 - distance / NEARBY_METRES)
        say = partial(_say_nearby, product, listed, distance, shelf)
        found.append(Candidate(product, ZONE_EFFICIENCY, "zone_proximity", score, say))
    return _best_first(found)


def _say_nearby(
    product: store_pb2.Product, listed: store_pb2.Product, distance: float, shelf: Shelf
) -> Said:
    discount = percent(product.discount_pct)
    detail = localized(
        wording.ZONE_FIGURES,
        product=product,
        anchor=listed,
        full=True,
        metres=distance,
        discount=discount,
    )
    copy = localized(wording.NEARBY, product=product, anchor=listed, discount=discount)
    return Said(detail, copy, shelf.own(detail))


def _best_first(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.product.id))
