"""From what a chat excludes to words, and from words to products."""

from typing import Any

import pytest

from core.shop.meal.models import Constraints
from core.shop.recommend.choosing.exclusions import excluded_ids, excluded_words
from tests.unit.shop.recommend.lift_fakes import FakeStore, product


@pytest.mark.parametrize(
    ("constraints", "within", "without"),
    [
        (Constraints(), set(), {"양파"}),
        (Constraints(excluded=("onion",)), {"양파", "onion", "玉ねぎ"}, {"대파", "마늘"}),
        (Constraints(excluded=("group:alcohol",)), {"소주", "red wine", "ビール"}, {"양파"}),
        (Constraints(allergies=("allergen:egg",)), {"계란", "마요네즈"}, {"두부"}),
        (Constraints(diets=("vegan",)), {"삼겹살", "우유", "계란"}, {"두부", "양파"}),
    ],
)
def test_words_of_constraints(constraints: Any, within: Any, without: Any) -> None:
    words = excluded_words(constraints)
    assert within <= words
    assert not without & words


@pytest.mark.parametrize(
    ("term", "hit"),
    [
        ("파", {1}),
        ("우유", {3}),
        ("Milk", {3}),
        ("green onions", {1}),
        ("onion", {1}),
        ("pasta", {2}),
        ("past", set()),
        ("ねぎ", {1}),
        ("굴소스", {4}),  # only the store's search knows
        ("육류", {5}),  # the whole section
        (" ", set()),
    ],
)
async def test_products_a_word_names(term: str, hit: Any) -> None:
    products = [
        product(1, "흙대파 1단", "PR", en="Green Onion 1 bunch", ja="長ねぎ"),
        product(2, "파스타 500g", "PA", en="Pasta", ja="パスタ"),
        product(3, "우유 식빵", "BK", en="Milk Bread", ja="食パン"),
        product(4, "이금기 소스", "PA", en="Premium Sauce"),
        product(5, "닭다리", "MT", en="Drumsticks"),
    ]
    store = FakeStore(products, terms={4: ("굴소스",)})
    assert await excluded_ids(store, products, [term]) == hit  # type: ignore[arg-type]


async def test_many_words_are_asked_in_calls_the_contract_allows() -> None:
    asked = []

    class Counting(FakeStore):
        async def search_products(self, queries: Any, limit: int = 10) -> Any:
            asked.append(len(queries))
            return await super().search_products(queries, limit)

    await excluded_ids(Counting([]), [], [f"w{n}" for n in range(450)])  # type: ignore[arg-type]
    assert asked == [200, 200, 50]


@pytest.mark.parametrize(("age", "alcohol"), [(15, True), (19, True), (20, False), (None, False)])
def test_the_young_are_offered_no_alcohol(age: int | None, alcohol: bool) -> None:
    assert ("소주" in excluded_words(Constraints(), age)) is alcohol
