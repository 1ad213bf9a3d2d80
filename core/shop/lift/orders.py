"""Demo orders: baskets of invented shoppers over a real catalogue, with known pairs planted.

How a basket comes about (all random numbers from one seed, so that the same catalogue gives the
same orders):

1. Products have a Zipf popularity: the k-th most popular is picked in proportion to
   1 / (k + 10) ** 0.8. The planted products are raised to at least twice the average.
2. Customers differ in how often they come (Zipf too) and each has a dozen habits; every third
   pick is one of them. Habits make pairs of one household, which lift has to see through.
3. Six baskets in a hundred are for a dish: its ingredients, each with probability 0.5 (the rest is
   at home), in one of the products that serve it.
4. A planted pair A → B with lift L: a basket with A gets B as well with the probability that makes
   P(B | A) = L · P(B), worked out from how often A and B came up in steps 1 to 3.

So lift is about 1 between products that have nothing to do with each other, L for planted pairs
and something in between for products of one dish.

Only a one-shot process imports this module (numpy, pyarrow).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.shop.catalogue.search import Entry, SearchIndex

SEED = 20260521
BASKETS = 80_000
CUSTOMERS = 8_000
FIRST_DAY = np.datetime64("2026-01-01T09:00:00", "s")
DAYS = 180

# What goes with what: term of the product, of its partner, lift. Either may name alternatives: the
# first one the store sells is taken. At most three partners a product.
PLANTED: tuple[tuple[str, str, float], ...] = (
    ("고형 카레", "단무지", 13.0),
    ("고형 카레", "마시는 요구르트", 10.0),
    ("고형 카레", "돈까스", 11.0),
    ("카레가루", "단무지", 13.0),
    ("카레가루", "마시는 요구르트", 10.0),
    ("스파게티면", "레드와인|레드 와인", 12.0),
    ("스파게티면", "파르메산 치즈", 12.0),
    ("스파게티면", "바게트", 11.0),
    ("토마토소스", "모차렐라|모짜렐라 치즈", 11.0),
    ("토마토소스", "바질", 12.0),
    ("크림파스타 소스", "화이트와인|화이트 와인", 12.0),
    ("크림파스타 소스", "베이컨", 11.0),
    ("삼겹살", "쌈장", 14.0),
    ("삼겹살", "상추", 12.0),
    ("삼겹살", "소주", 11.0),
    ("돼지고기 목살", "쌈장", 12.0),
    ("돼지고기 목살", "깻잎", 11.0),
    ("슬라이스 치즈", "햄버거 번", 12.0),
    ("크림치즈", "베이글", 14.0),
    ("소고기 스테이크용|소고기 등심", "레드와인|레드 와인", 13.0),
    ("소고기 스테이크용|소고기 등심", "아스파라거스", 12.0),
    ("소고기 불고기용", "당면", 11.0),
    ("소고기 불고기용", "양송이버섯|새송이버섯", 10.0),
    ("라면", "계란|달걀", 12.0),
    ("라면", "김치|배추김치", 11.0),
    ("라면", "대파", 9.0),
    ("맥주", "감자칩", 11.0),
    ("맥주", "치킨|후라이드 치킨", 13.0),
    ("마른오징어|오징어채", "맥주", 12.0),
    ("우유 식빵|식빵", "딸기잼", 14.0),
    ("우유 식빵|식빵", "버터", 11.0),
    ("핫케이크가루", "메이플시럽", 14.0),
    ("핫케이크가루", "버터", 10.0),
    ("두부", "막걸리", 10.0),
    ("두부", "김치|배추김치", 10.0),
    ("부침가루", "막걸리", 13.0),
    ("부침가루", "부추", 11.0),
    ("고추장", "떡볶이떡", 12.0),
    ("떡볶이 소스", "어묵", 12.0),
    ("우동면", "어묵", 12.0),
    ("우동면", "쑥갓", 11.0),
    ("메밀면", "와사비", 12.0),
    ("메밀면", "무순", 11.0),
    ("냉동만두", "식초", 11.0),
    ("냉동만두", "떡국떡", 10.0),
    ("닭가슴살", "샐러드 채소", 12.0),
    ("닭가슴살", "방울토마토", 10.0),
    ("닭 한 마리|생닭", "인삼|수삼", 14.0),
    ("닭 한 마리|생닭", "찹쌀", 12.0),
    ("연어", "와사비", 11.0),
    ("연어", "레몬", 11.0),
    ("횟감용 참치|참치회", "와사비", 12.0),
    ("횟감용 참치|참치회", "사케|청주", 12.0),
    ("시리얼", "우유", 11.0),
    ("시리얼", "바나나", 10.0),
    ("커피", "초코칩쿠키|쿠키", 12.0),
    ("감자", "마요네즈", 10.0),
    ("아보카도", "살사", 12.0),
    ("나초", "살사", 13.0),
    ("양배추", "참깨 드레싱|드레싱", 11.0),
    ("바닐라 아이스크림|아이스크림", "콜라", 10.0),
    ("김밥김|김", "단무지", 11.0),
    ("김밥김|김", "참치캔", 10.0),
    ("오징어", "소주", 10.0),
    ("탄산수", "위스키", 11.0),
)
# Products that may stand for a planted product; the partner is always one product.
ANCHORS = 3


@dataclass(frozen=True, slots=True)
class Item:
    """A product, as far as orders go. names: all its names; terms: the ingredients it serves."""

    id: int
    names: tuple[str, ...]
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlantedPair:
    """A pair that was planted, with the lift it was planted with."""

    product_id: int
    other_id: int
    lift: float


@dataclass(frozen=True, slots=True)
class DemoOrders:
    """lines: order_id, customer_id, product_id, ordered_at, quantity, by order.

    of_one_dish: pairs (smaller id first) that meet in baskets for a dish.
    """

    lines: pa.Table
    planted: tuple[PlantedPair, ...]
    of_one_dish: frozenset[tuple[int, int]]


def read_catalogue(path: Path) -> list[Item]:
    """Read the products of a products.csv (columns id, name, name_en, name_ja, terms)."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Item(
                int(row["id"]),
                tuple(name for key in ("name", "name_en", "name_ja") if (name := row.get(key))),
                frozenset(term.strip() for term in (row.get("terms") or "").split("|")) - {""},
            )
            for row in csv.DictReader(file)
        ]


def index_of(catalogue: Sequence[Item]) -> SearchIndex:
    """Index products as the store's own search does: what it finds for an ingredient serves it."""
    return SearchIndex(Entry(item.id, item.names, sorted(item.terms), True) for item in catalogue)


def serving(index: SearchIndex, terms: str) -> list[int]:
    """Find the products for a term, best first.

    terms: alternatives separated by "|"; the first that has any product counts.
    """
    found = (index.find([term], 100) for term in terms.split("|"))
    return next((ids for ids in found if ids), [])


def resolve(
    index: SearchIndex, planted: Sequence[tuple[str, str, float]] = PLANTED
) -> tuple[PlantedPair, ...]:
    """Find the planted pairs that this catalogue has products for.

    A product stands only for the first term that it serves, so that none gets more than its
    partners.
    """
    anchors: dict[str, list[int]] = {}
    taken: set[int] = set()
    for term in dict.fromkeys(term for term, _, _ in planted):
        anchors[term] = [i for i in serving(index, term) if i not in taken][:ANCHORS]
        taken.update(anchors[term])
    pairs: dict[tuple[int, int], PlantedPair] = {}
    for term, partner_terms, lift in planted:
        own = anchors[term]
        partner = next((i for i in serving(index, partner_terms) if i not in own), None)
        if partner is None:
            continue
        for anchor in own:
            # Lift has no direction: what is planted one way is not planted back.
            if (partner, anchor) not in pairs:
                pairs.setdefault((anchor, partner), PlantedPair(anchor, partner, lift))
    return tuple(pairs.values())


def demo_orders(
    catalogue: Sequence[Item],
    dishes: Sequence[Sequence[str]] = (),
    *,
    planted: Sequence[tuple[str, str, float]] = PLANTED,
    baskets: int = BASKETS,
    customers: int = CUSTOMERS,
    seed: int = SEED,
) -> DemoOrders:
    """Generate orders over a catalogue, as the module's docstring says.

    dishes: for each dish the terms of its ingredients; without dishes there are no dish baskets.
    """
    rng = np.random.default_rng(seed)
    place = {item.id: number for number, item in enumerate(catalogue)}
    index = index_of(catalogue)
    pairs = resolve(index, planted)
    inside = sorted({place[i] for pair in pairs for i in (pair.product_id, pair.other_id)})

    popularity = 1 / (rng.permutation(len(catalogue)) + 10.0) ** 0.8
    popularity[inside] = np.maximum(popularity[inside], 2 * popularity.mean())
    popularity /= popularity.sum()

    activity = 1 / (np.arange(customers) + 20.0) ** 0.6
    customer_of = rng.choice(customers, baskets, p=activity / activity.sum())
    habits = rng.choice(len(catalogue), (customers, 12), p=popularity)

    sizes = 1 + rng.poisson(3.5, baskets)
    order = np.repeat(np.arange(baskets), sizes)
    product = rng.choice(len(catalogue), order.size, p=popularity)
    habitual = rng.random(order.size) < 1 / 3
    product[habitual] = habits[
        customer_of[order[habitual]], rng.integers(0, habits.shape[1], habitual.sum())
    ]

    cooked = _dish_lines(rng, index, place, dishes, baskets=baskets)
    order = np.concatenate([order, cooked[0]])
    product = np.concatenate([product, cooked[1]])
    order, product = _planted_lines(rng, order, product, pairs=pairs, place=place, baskets=baskets)

    ids = np.array([item.id for item in catalogue], dtype=np.int64)
    when = FIRST_DAY + np.sort(rng.integers(0, DAYS * 86_400, baskets)).astype("timedelta64[s]")
    lines = pa.table(
        {
            "order_id": order + 1,
            "customer_id": customer_of[order] + 1,
            "product_id": ids[product],
            "ordered_at": when[order],
            "quantity": 1 + (rng.random(order.size) < 0.15).astype(np.int32),
        }
    )
    return DemoOrders(lines, pairs, cooked[2])


def _dish_lines(
    rng: np.random.Generator,
    index: SearchIndex,
    place: Mapping[int, int],
    dishes: Sequence[Sequence[str]],
    *,
    baskets: int,
) -> tuple[np.ndarray, np.ndarray, frozenset[tuple[int, int]]]:
    """Return orders and products of the baskets for a dish, and the pairs that can meet in them."""
    by_term = {
        term: serving(index, term)[:ANCHORS] for term in {term for dish in dishes for term in dish}
    }
    cooking = np.flatnonzero(rng.random(baskets) < 0.06) if dishes else np.array([], dtype=int)
    weight = 1 / (rng.permutation(len(dishes)) + 5.0)
    dish_of = rng.choice(len(dishes), cooking.size, p=weight / weight.sum()) if dishes else cooking
    orders, products = [cooking[:0]], [cooking[:0]]
    pairs: set[tuple[int, int]] = set()
    for dish_number, dish in enumerate(dishes):
        choices = [by_term[term] for term in dict.fromkeys(dish) if by_term[term]]
        for number, some in enumerate(choices):
            mine = cooking[dish_of == dish_number]
            mine = mine[rng.random(mine.size) < 0.5]
            orders.append(mine)
            products.append(rng.choice([place[i] for i in some], mine.size))
            pairs |= {
                (min(a, b), max(a, b)) for other in choices[:number] for a in some for b in other
            }
    return np.concatenate(orders), np.concatenate(products), frozenset(pairs)


def _planted_lines(
    rng: np.random.Generator,
    order: np.ndarray,
    product: np.ndarray,
    *,
    pairs: Sequence[PlantedPair],
    place: Mapping[int, int],
    baskets: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return all lines with the partners added, each product once a basket, by order."""
    width = len(place)
    lines = np.unique(order * width + product)
    share = np.bincount(lines % width, minlength=width) / baskets
    ends = [(place[pair.product_id], place[pair.other_id]) for pair in pairs]
    # A partner is bought more often for being planted, which lowers the lift: go round until the
    # probabilities agree with the frequencies they lead to.
    added = [0.0] * len(pairs)
    for _ in range(30):
        total = share.copy()
        for (a, b), chance in zip(ends, added, strict=True):
            total[b] += share[a] * chance * (1 - share[b])
        added = [
            min(0.7, max(0.0, (pair.lift * total[b] - share[b]) / (1 - share[b])))
            for (_, b), pair in zip(ends, pairs, strict=True)
        ]
    more = [lines]
    for (a, b), chance in zip(ends, added, strict=True):
        holding = lines[lines % width == a] // width
        more.append(holding[rng.random(holding.size) < chance] * width + b)
    lines = np.unique(np.concatenate(more))
    return lines // width, lines % width
