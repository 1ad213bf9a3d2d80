"""The demo orders: what was planted comes out, and nothing else does."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pytest

from core.shop.lift.expression import lift_pairs
from core.shop.lift.orders import (
    PLANTED,
    Item,
    demo_orders,
    index_of,
    read_catalogue,
    resolve,
    serving,
)
from core.shop.lift.seed import CATALOGUE, dishes_by_term, orders_of_demo_store

PAIRS = [(f"anchor{n}", f"partner{n // 2}", 9.0 + n % 5) for n in range(40)]


def synthetic() -> Any:
    """600 products: two for each planted term, the others without a name to go by."""
    terms = dict.fromkeys(term for row in PAIRS for term in row[:2])
    named = [Item(0, (f"{term} {n}00g",), frozenset({term})) for term in terms for n in (1, 2)]
    plain = [Item(0, (f"x{n}",), frozenset()) for n in range(600 - len(named))]
    mixed = np.random.default_rng(7).permutation(np.array(named + plain, dtype=object))
    return [Item(number, item.names, item.terms) for number, item in enumerate(mixed, 1)]


@pytest.fixture(scope="module")
def made() -> Any:
    some = [f"x{n}" for n in range(400)]
    dishes = [some[n : n + 8] for n in range(0, 400, 8)]
    return demo_orders(synthetic(), dishes, planted=PAIRS)


def compute(lines: Any) -> Any:
    rows = lift_pairs(ibis.memtable(lines)).to_pyarrow().to_pylist()
    return {(row["product_id"], row["other_id"]): row for row in rows}


def assert_planted_on_top(orders: Any) -> None:
    found = compute(orders.lines)
    ranked = defaultdict(list)
    for product, other in sorted(found, key=lambda key: -found[key]["lift"]):
        ranked[product].append(other)
    for pair in orders.planted:
        assert pair.other_id in ranked[pair.product_id][:3], pair
        # Lower for being shrunk, for partners of several and for partners that are planted too.
        assert 0.5 < found[pair.product_id, pair.other_id]["lift"] / pair.lift < 1.2, pair

    planted = {frozenset((pair.product_id, pair.other_id)) for pair in orders.planted}
    of_one_dish = {frozenset(pair) for pair in orders.of_one_dish}
    meant = planted | of_one_dish
    lifts = [row["lift"] for key, row in found.items() if frozenset(key) in planted]
    others = [row["lift"] for key, row in found.items() if frozenset(key) not in meant]
    assert len(others) > 5_000
    assert min(lifts) > np.percentile(others, 99)
    assert np.median(others) < 1.5


def test_planted_pairs_come_out_on_top(made: Any) -> None:
    assert len(made.planted) == 80
    assert_planted_on_top(made)


@pytest.mark.skipif(not Path(CATALOGUE).is_file(), reason="no demo catalogue")
def test_planted_pairs_come_out_on_top_in_the_demo_store() -> None:
    orders = orders_of_demo_store()
    assert len(orders.planted) > 100
    assert_planted_on_top(orders)


@pytest.mark.skipif(not Path(CATALOGUE).is_file(), reason="no demo catalogue")
def test_the_demo_store_sells_what_is_planted() -> None:
    index = index_of(read_catalogue(CATALOGUE))
    assert [term for row in PLANTED for term in row[:2] if not serving(index, term)] == []


def test_there_are_enough_baskets_of_many_customers(made: Any) -> None:
    lines = made.lines.to_pydict()
    assert len(set(lines["order_id"])) >= 50_000
    assert len(set(lines["customer_id"])) > 1_000
    assert made.lines.num_rows > 3 * len(set(lines["order_id"]))


def test_a_basket_has_one_customer_one_time_and_no_product_twice() -> None:
    lines = demo_orders(synthetic(), baskets=500).lines.to_pylist()
    assert len({(row["order_id"], row["product_id"]) for row in lines}) == len(lines)
    orders = {(row["order_id"], row["customer_id"], row["ordered_at"]) for row in lines}
    assert len(orders) == len({row["order_id"] for row in lines})


def test_the_same_seed_gives_the_same_orders() -> None:
    one, again, other = (demo_orders(synthetic(), baskets=500, seed=s).lines for s in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_dishes_bring_their_ingredients_together() -> None:
    orders = demo_orders(synthetic(), [["x1", "x2", "x3"]], planted=[], baskets=20_000)
    found = compute(orders.lines)
    lifts = [found[pair]["lift"] for pair in orders.of_one_dish]
    assert len(lifts) == 3
    assert min(lifts) > 3


def test_what_a_store_does_not_sell_is_not_planted() -> None:
    items = [Item(1, ("카레",), frozenset({"카레"})), Item(2, ("물",), frozenset())]
    index = index_of(items)
    assert resolve(index, [("카레", "단무지", 9.0), ("초콜릿", "카레", 9.0)]) == ()
    (pair,) = resolve(index, [("카레", "단무지|물", 9.0), ("물", "카레", 9.0)])
    assert (pair.product_id, pair.other_id) == (1, 2)


def test_dishes_name_ingredients() -> None:
    for dish in dishes_by_term():
        assert len(dish) > 1
