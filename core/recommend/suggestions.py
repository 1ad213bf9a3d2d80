"""Step 3: what goes with the list. Co-purchase lift first, then dearer and cheap little things.

docs/lift.md has the formulas in one place.
"""

from __future__ import annotations

import math
import re
import statistics
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.lift.port import MIN_CO_COUNT, MIN_CUSTOMERS, PRIOR_CUSTOMERS, LiftPairs, Pair
from core.recommend import wording
from core.recommend.products import to_product
from core.recommend.wording import Language, localized, money
from core.store.port import Store
from core.store.search import normalise

CROSS_SELL, UPSELL, IMPULSE = "cross-sell", "upsell", "impulse"
ITEMS = 6
UPSELLS = 1
IMPULSES = 1
# At most this many suggestions of one section, so that six are not six sauces.
PER_SECTION = 2
# Where the cheap things stand that people take without thinking long. Alcohol is not among them:
# it is suggested where baskets say so, never just for being cheap.
IMPULSE_SECTIONS = ("SN", "SW", "DR")
# What rounds a list off when there are no pairs to go by, in this order.
COMPLEMENT_SECTIONS = ("DR", "PR", "DL", "DY", "BK", "SW")
# Pairs this little above chance say nothing.
LEAST_LIFT = 1.1
# Baskets in which a pair occurs for its support to count half: 2 in 10,000.
HALF_SUPPORT = 0.0002
# An upsell costs between 10 % more and three times as much.
DEARER = (1.1, 3.0)
# ... and shares this much of its name: oyster sauce is no better soy sauce.
UPSELL_ALIKE = 0.6
# Score of the best suggestion that no pair speaks for.
UNMEASURED = 0.25
# Words that name whole sections: who excludes these excludes all that stands there.
SECTION_WORDS = {
    "AL": ["술", "주류", "알코올", "alcohol", "liquor", "酒", "お酒", "酒類", "アルコール"],
    "MT": ["고기", "육류", "meat", "肉", "お肉", "精肉"],
    "FI": ["해산물", "수산물", "생선", "seafood", "fish", "魚", "魚介", "魚介類", "海鮮"],
    "DY": ["유제품", "dairy", "乳製品"],
}


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Step 3's result. analyst_comments: why, by rec_id; never sent to shoppers."""

    items: list[recommend_pb2.RecommendedItem] = field(default_factory=list)
    analyst_comments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may be suggested: why, how strongly (0 to 1), and the texts that say so.

    method: "copurchase_lift", "price_step", "impulse_price", "section_complement" or
    "zone_proximity".
    """

    product: store_pb2.Product
    reason: str
    method: str
    score: float
    detail: recommend_pb2.LocalizedText
    marketing: recommend_pb2.LocalizedText
    comment: str


async def suggest_items(
    *,
    todos: recommend_pb2.Todos,
    lift: LiftPairs,
    store: Store,
    excluded_terms: Collection[str] = (),
) -> Suggestions:
    """About six products that go with the list.

    Cross-sell from the pairs of the listed products, one upsell of a listed product, one impulse
    item; more cross-sell where one of these is missing. Never a listed product or one of the same
    kind (but as upsell), one that is out of stock, or one that an excluded term names.

    Without any pair to go by (a new tenant), one product each of sections that the list does not
    cover takes the place of cross-sell, and its text says that there is no co-purchase data. An
    empty list gets no suggestions.

    excluded_terms: what the shopper does not want or must not have, in any language.
    Raises StoreUnavailable.
    """
    shelf = await Shelf.read(store, todos, excluded_terms)
    if not shelf.listed:
        return Suggestions()
    paired = lift_candidates(await lift.pairs_for([p.id for p in shelf.listed]), shelf)
    ups = upsell_candidates(shelf)
    treats = impulse_candidates(shelf, {c.product.id: c for c in paired})

    chosen = Choice(PER_SECTION)
    chosen.take(paired, ITEMS - UPSELLS - IMPULSES)
    if not paired:
        chosen.take(complement_candidates(shelf), ITEMS - UPSELLS - IMPULSES)
    chosen.take(ups, UPSELLS)
    chosen.take(treats, IMPULSES)
    chosen.take(paired, ITEMS - len(chosen.items))

    result = Suggestions()
    for candidate in chosen.items:
        rec_id = str(uuid.uuid4())
        result.items.append(
            recommend_pb2.RecommendedItem(
                rec_id=rec_id,
                reason=candidate.reason,
                reason_detail=candidate.detail,
                reason_detail_marketing=candidate.marketing,
                product=to_product(candidate.product),
            )
        )
        result.analyst_comments[rec_id] = candidate.comment
    return result


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


class Choice:
    """Picks candidates in order, no two of a kind and not too many of one section."""

    def __init__(self, per_section: int) -> None:
        self.items: list[Candidate] = []
        self._per_section = per_section

    def take(self, candidates: Iterable[Candidate], count: int) -> None:
        """Add the first `count` candidates that fit beside those chosen already."""
        for candidate in candidates:
            if count <= 0:
                return
            product = candidate.product
            section = [c for c in self.items if c.product.section_code == product.section_code]
            if len(section) < self._per_section and not any(
                c.product.id == product.id or same_kind(c.product, product) for c in self.items
            ):
                self.items.append(candidate)
                count -= 1


# ---- candidates, best first ----


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
        if not mine or shelf.like_listed(product):
            continue
        mine.sort(key=lambda pair: (-pair_score(pair), pair.product_id))
        score = 1 - math.prod(1 - pair_score(pair) for pair in mine)
        found.append(_paired(product, mine, score, shelf))
    return _best_first(found)


def _paired(
    product: store_pb2.Product,
    pairs: Sequence[Pair],
    score: float,
    shelf: Shelf,
    reason: str = CROSS_SELL,
) -> Candidate:
    best = pairs[0]
    anchor = shelf.products[best.product_id]
    figures = {
        "lift": best.lift,
        "confidence": best.confidence,
        "co_count": best.co_count,
        "customers": best.customers,
        "support": best.support,
    }
    detail = localized(
        wording.PAIR_FIGURES,
        product=product,
        anchor=anchor,
        full=True,
        tag=reason.capitalize(),
        **figures,
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
    marketing = (
        wording.pick(wording.TREAT, product) if reason == IMPULSE else wording.together(product)
    )
    return Candidate(
        product,
        reason,
        "copurchase_lift",
        score,
        detail,
        localized(marketing, product=product, anchor=anchor),
        comment,
    )


def upsell_candidates(shelf: Shelf) -> list[Candidate]:
    """Dearer or bigger products of a listed product's kind, the best one for each.

    Score: UNMEASURED times how alike the names are.
    """
    found = []
    for listed in shelf.listed:
        options = []
        for product in shelf.free:
            alike = alikeness(product, listed)
            if (
                product.section_code == listed.section_code
                and alike >= UPSELL_ALIKE
                and product.price_unit == listed.price_unit
                and listed.price > 0
                and DEARER[0] <= product.price / listed.price <= DEARER[1]
            ):
                options.append((alike, -product.price, -product.id, product))
        if options:
            alike, _, _, product = max(options, key=lambda option: option[:3])
            found.append(_upsell(product, listed, alike, shelf))
    return _best_first(found)


def _upsell(
    product: store_pb2.Product, listed: store_pb2.Product, alike: float, shelf: Shelf
) -> Candidate:
    more = product.price / listed.price - 1
    cheaper = _cheaper_by_unit(product, listed)
    figures: Mapping[Language, str] = wording.PRICE_FIGURES
    marketing = wording.pick(wording.DEARER, product)
    if cheaper > 0:
        figures = {k: v + wording.UNIT_FIGURES[k] for k, v in wording.PRICE_FIGURES.items()}
        marketing = wording.BIGGER
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
            f"목록의 {listed.name}({listed.id})와 같은 구역·종류의 상위 상품"
            f" {product.name}({product.id}): 가격 +{more:.0%}, 이름 일치 {alike:.0%}."
            f" 기준: 가격 {DEARER[0]:g}~{DEARER[1]:g}배."
        )
    else:
        comment = (
            f"Step up from {listed.name} ({listed.id}) on the list to {product.name}"
            f" ({product.id}), same section and kind: price +{more:.0%}, names {alike:.0%} alike."
            f" Bounds: {DEARER[0]:g} to {DEARER[1]:g} times the price."
        )
    return Candidate(
        product,
        UPSELL,
        "price_step",
        alike * UNMEASURED,
        detail,
        localized(marketing, product=product, anchor=listed, full=True),
        comment,
    )


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
    cheap = [p for p in stock if p.price <= median and not shelf.like_listed(p)]

    def rank(product: store_pb2.Product) -> tuple[float, float, float, int]:
        near = shelf.nearest_listed(product)
        known = paired.get(product.id)
        return (
            -known.score if known else 0.0,
            near[0] if near else math.inf,
            product.price,
            product.id,
        )

    found = []
    for product in sorted(cheap, key=rank):
        if known := paired.get(product.id):
            found.append(_as_impulse(known))
            continue
        detail = localized(
            wording.TREAT_FIGURES,
            product=product,
            section=wording.section_name(product),
            p_price=money(product.price, product.price_unit),
            median=money(median, product.price_unit),
        )
        copy = wording.pick(wording.TREAT, product)
        found.append(
            Candidate(
                product,
                IMPULSE,
                "impulse_price",
                UNMEASURED / 2,
                detail,
                localized(copy, product=product),
                _said(detail, shelf),
            )
        )
    return found


def _as_impulse(known: Candidate) -> Candidate:
    """A paired candidate in the impulse place: same figures, other tag and copy."""
    detail = recommend_pb2.LocalizedText(
        **{
            language: getattr(known.detail, language).replace("Cross-sell", "Impulse", 1)
            for language in wording.LANGUAGES
        }
    )
    copy = localized(wording.pick(wording.TREAT, known.product), product=known.product)
    return Candidate(known.product, IMPULSE, known.method, known.score, detail, copy, known.comment)


def complement_candidates(shelf: Shelf) -> list[Candidate]:
    """For a store without pairs: one product each of sections the list does not cover.

    The discounted first, then what stands closest to the listed products.
    """
    covered = {product.section_code for product in shelf.listed}
    found = []
    for section in COMPLEMENT_SECTIONS:
        options = [
            p
            for p in shelf.free
            if p.section_code == section and section not in covered and p.price > 0
        ]

        def rank(product: store_pb2.Product) -> tuple[float, float, float, int]:
            near = shelf.nearest_listed(product)
            return (
                -product.discount_pct,
                near[0] if near else math.inf,
                product.price,
                product.id,
            )

        for product in sorted(options, key=rank)[:1]:
            detail = localized(
                wording.SECTION_FIGURES,
                product=product,
                section=wording.section_name(product),
                p_price=money(product.price, product.price_unit),
            )
            found.append(
                Candidate(
                    product,
                    CROSS_SELL,
                    "section_complement",
                    UNMEASURED / 2,
                    detail,
                    localized(wording.ROUND_OFF, product=product),
                    _said(detail, shelf),
                )
            )
    return found


def _said(detail: recommend_pb2.LocalizedText, shelf: Shelf) -> str:
    """The analyst text as comment, in the store's language."""
    return str(getattr(detail, shelf.language))


def _best_first(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.product.id))


# ---- products ----


def metres(one: store_pb2.Location, other: store_pb2.Location) -> float:
    """How far apart two places are, from centre to centre."""
    return math.dist((one.x, one.y), (other.x, other.y))


def _words(name: str, brand: str) -> list[str]:
    drop = set(brand.casefold().split())
    return [word for word in wording.plain_words(name.casefold()) if word not in drop]


def alikeness(one: store_pb2.Product, other: store_pb2.Product) -> float:
    """Share of the shorter name's words that the longer one has too, 0 to 1; sizes and brands
    don't count. The Korean or the English names, whichever are more alike."""
    best = 0.0
    for mine, theirs in ((one.name, other.name), (one.name_en, other.name_en)):
        a, b = set(_words(mine, one.brand)), set(_words(theirs, other.brand))
        if a and b:
            best = max(best, len(a & b) / min(len(a), len(b)))
    return best


def same_kind(one: store_pb2.Product, other: store_pb2.Product) -> bool:
    """Whether two products are the same thing to a shopper: of one section, and either half of
    the words of their names are the same or both names end in the same word, which in Korean,
    English and Japanese says what a thing is."""
    if one.section_code != other.section_code:
        return False
    heads = zip((one.name, one.name_en), (other.name, other.name_en), strict=True)
    same_head = any(
        (a := _words(mine, one.brand)[-1:]) and a == _words(theirs, other.brand)[-1:]
        for mine, theirs in heads
    )
    return same_head or alikeness(one, other) >= 0.5


async def excluded_ids(
    store: Store, products: Iterable[store_pb2.Product], terms: Collection[str]
) -> set[int]:
    """Products that a term names: by the store's own search, by name, or by section.

    Rather too many than too few: 우유 takes 우유 식빵 along, for it may be an allergy.
    """
    wanted = {term.strip().casefold() for term in terms} - {""}
    if not wanted:
        return set()
    queries = [store_pb2.ProductQuery(ko=term, en=term, ja=term) for term in sorted(wanted)]
    found = {p.id for match in await store.search_products(queries, limit=100) for p in match}
    sections = {code for code, words in SECTION_WORDS.items() if wanted.intersection(words)}
    named = {
        product.id
        for product in products
        if product.section_code in sections or any(_names(product, term) for term in wanted)
    }
    return found | named


def _names(product: store_pb2.Product, term: str) -> bool:
    names = [n.casefold() for n in (product.name, product.name_en, product.name_ja) if n]
    if term.isascii():
        return any(f" {_singular(term)} " in f" {_singular(name)} " for name in names)
    if len(term) == 1 and "가" <= term <= "힣":
        # 파 is at the end of 대파, but in 파스타 it means nothing.
        return any(word.endswith(term) for name in names for word in name.split())
    return any(term in name for name in names)


def _singular(text: str) -> str:
    """The words as the store's search has them: potatoes and Potato are the same."""
    return " ".join(normalise(word) for word in re.split(r"[\W_]+", text))
