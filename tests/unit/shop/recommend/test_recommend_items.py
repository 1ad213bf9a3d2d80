"""Step 3: what is suggested for a list, and what is said of it."""

import uuid
from typing import Any

import pytest

from core.shop.lift.port import Pair
from core.shop.recommend.choosing.candidates import pair_score
from core.shop.recommend.choosing.likeness import same_kind
from core.shop.recommend.steps.items import suggest_items
from tests.unit.shop.recommend.lift_fakes import FakeLift, FakeStore, pair, product, todos

CURRY = product(
    1, "오뚜기 카레 100g", "PA", en="Ottogi Curry 100g", ja="カレー", brand="오뚜기", x=0
)
ONION = product(2, "양파 1kg", "PR", en="Onion 1kg", ja="玉ねぎ", x=10)
RADISH = product(10, "단무지 400g", "DL", en="Pickled Radish 400g", ja="たくあん", x=4)
WINE = product(11, "카베르네 소비뇽 750ml", "AL", 19000, en="Cabernet Sauvignon 750ml", x=20)
NAAN = product(12, "난 4장", "BK", en="Naan", x=30)
CHIPS = product(13, "감자칩 60g", "SN", 1500, en="Potato Chips", x=12)
CAKE = product(14, "치즈케이크 1개", "SW", 9000, en="Cheesecake", x=12)
FINE_CURRY = product(15, "프리미엄 카레 120g", "PA", 4500, en="Premium Curry", x=1)
STORE = FakeStore([CURRY, ONION, RADISH, WINE, NAAN, CHIPS, CAKE, FINE_CURRY])
LIST = todos(CURRY, ONION)


def ids(suggestions: Any, reason: Any = None) -> Any:
    return [i.product.id for i in suggestions.items if reason in (None, i.reason)]


async def suggest(*pairs: Pair, todos: Any = LIST, store: Any = STORE, **options: Any) -> Any:
    return await suggest_items(todos=todos, lift=FakeLift(*pairs), store=store, **options)


async def test_the_three_kinds_of_suggestion() -> None:
    found = await suggest(pair(1, 10, lift=9), pair(1, 12, lift=4), pair(2, 11, lift=2))
    assert ids(found, "cross-sell") == [10, 12, 11]
    assert ids(found, "upsell") == [15]
    assert ids(found, "impulse") == [13]
    assert len({i.rec_id for i in found.items}) == len(found.items)
    assert all(uuid.UUID(i.rec_id).version == 4 for i in found.items)
    assert set(found.analyst_comments) == {i.rec_id for i in found.items}


async def test_texts_carry_the_real_figures_and_read_well() -> None:
    found = await suggest(
        pair(1, 10, lift=2.314, confidence=0.1842, support=0.0123, co_count=1412, customers=301)
    )
    first = found.items[0]
    assert first.reason_detail.ko == (
        "Cross-sell: ‘오뚜기 카레 100g’ 동반 구매 · lift 2.31, CVR 18.4%, co_count 1,412"
        " (고객 301명, support 1.23%)"
    )
    assert first.reason_detail.en == (
        "Cross-sell: bought with “Ottogi Curry 100g” · lift 2.31, CVR 18.4%, co_count 1,412"
        " (301 customers, support 1.23%)"
    )
    assert first.reason_detail.ja.startswith(
        "Cross-sell：「カレー」との併買 · lift 2.31、CVR 18.4%"
    )
    copy = first.reason_detail_marketing
    assert "단무지" in copy.ko
    assert "카레" in copy.ko
    assert "Pickled Radish" in copy.en
    assert "たくあん" in copy.ja
    # Customers are told neither figures nor sizes.
    assert not any(c.isdigit() for c in copy.ko + copy.en + copy.ja)
    comment = found.analyst_comments[first.rec_id]
    for figure in ("lift 2.31", "18.4%", "1412", "301", "(1)", "(10)", "co_count ≥ 5"):
        assert figure in comment


async def test_upsell_says_what_it_costs_more() -> None:
    found = await suggest(pair(1, 10))
    (up,) = [i for i in found.items if i.reason == "upsell"]
    assert "₩3,000" in up.reason_detail.en
    assert "₩4,500 (+50%)" in up.reason_detail.en


async def test_several_listed_products_that_agree_count_more() -> None:
    alone = await suggest(pair(1, 12, lift=4), pair(2, 11, lift=3.5))
    agreed = await suggest(pair(1, 12, lift=4), pair(2, 11, lift=3.5), pair(1, 11, lift=3.5))
    assert ids(alone, "cross-sell")[0] == 12
    assert ids(agreed, "cross-sell")[0] == 11


def test_pair_score_grows_with_each_figure() -> None:
    base = pair_score(pair(1, 2))
    assert 0 < base < 1
    assert pair_score(pair(1, 2, lift=6)) > base
    assert pair_score(pair(1, 2, confidence=0.4)) > base
    assert pair_score(pair(1, 2, support=0.02)) > base
    assert pair_score(pair(1, 2, lift=1.0)) == 0


async def test_left_out_are_listed_sold_out_alike_and_unlikely_products() -> None:
    sold_out = product(20, "김치 500g", "DL", quantity=0)
    other_onion = product(21, "깐 양파 500g", "PR", 2000, en="Peeled Onion 500g")
    store = FakeStore([*STORE.products, sold_out, other_onion])
    found = await suggest(
        *(pair(1, 2), pair(1, 20), pair(2, 21), pair(1, 999)),  # listed, sold out, alike, unknown
        *(pair(1, 12, lift=1.05), pair(1, 10)),  # hardly above chance, and a good one
        store=store,
    )
    assert 10 in ids(found)
    assert not {1, 2, 20, 21, 12, 999} & set(ids(found))


@pytest.mark.parametrize(
    ("terms", "gone"),
    [
        (["술"], {11}),  # a word for a whole section
        (["alcohol"], {11}),
        (["와인"], {11}),  # by the store's search: the name does not say so
        (["치즈"], {14}),  # by name, in a longer word
        (["potato"], {13}),
        (["potatoes"], {13}),
        (["たくあん"], {10}),
        (["난"], {12}),
        (["pot", "단", "cab"], set()),  # parts of words name nothing
        (["", "  "], set()),
    ],
)
async def test_excluded_terms_are_respected(terms: Any, gone: Any) -> None:
    every = [pair(1, n, lift=9) for n in (10, 11, 12, 13, 14)]
    store = FakeStore(STORE.products, terms={11: ("와인",)})
    before = set(ids(await suggest(*every, store=store)))
    after = set(ids(await suggest(*every, store=store, excluded_terms=terms)))
    assert {10, 11, 12} <= before
    assert not gone & after
    if not gone:
        assert after == before


async def test_excluded_terms_hold_without_pairs_too() -> None:
    drink = product(30, "우유 1L", "DR", 1000, en="Milk 1L")
    store = FakeStore([CURRY, drink])
    assert 30 in ids(await suggest(store=store, todos=todos(CURRY)))
    assert ids(await suggest(store=store, todos=todos(CURRY), excluded_terms=["milk"])) == []


async def test_without_pairs_sections_round_the_list_off_and_no_figure_is_invented() -> None:
    found = await suggest()
    assert found.items
    assert 11 not in ids(found)  # alcohol takes evidence
    for item in found.items:
        for text in (item.reason_detail.ko, item.reason_detail.en, item.reason_detail.ja):
            assert not any(word in text for word in ("lift", "CVR", "co_count"))
    texts = [i.reason_detail.en for i in found.items if i.reason == "cross-sell"]
    assert texts
    assert all("no co-purchase data" in text for text in texts)


async def test_an_empty_list_gets_no_suggestions() -> None:
    assert (await suggest(pair(1, 10), todos=todos())).items == []


async def test_at_most_six_and_no_more_than_two_of_a_section() -> None:
    many = [product(100 + n, f"반찬{n}", "DL") for n in range(10)]
    others = [product(200 + n, f"물건{n}", f"S{n}") for n in range(10)]
    store = FakeStore([*STORE.products, *many, *others])
    found = await suggest(*(pair(1, p.id, lift=9) for p in many + others), store=store)
    assert len(found.items) == 6
    assert sum(i.product.section_code == "DL" for i in found.items) == 2


async def test_a_bigger_pack_that_is_cheaper_says_so() -> None:
    small = product(40, "설탕 1kg", "PA", 2000, en="Sugar 1kg", pack_size=1000, pack_unit="g")
    big = product(41, "설탕 3kg", "PA", 4500, en="Sugar 3kg", pack_size=3000, pack_unit="g")
    found = await suggest(store=FakeStore([small, big]), todos=todos(small))
    (item,) = found.items
    assert item.reason == "upsell"
    assert "25% cheaper by the g" in item.reason_detail.en
    assert "설탕 3kg" in item.reason_detail_marketing.ko


def test_kinds() -> None:
    assert same_kind(CURRY, FINE_CURRY)
    assert not same_kind(CURRY, RADISH)
    soy, oyster = (
        product(50, "양조간장 500ml", "PA", en="Soy Sauce"),
        product(51, "굴소스 300g", "PA", en="Premium Oyster Sauce"),
    )
    assert same_kind(soy, oyster)  # two sauces are not suggested side by side ...


async def test_but_another_sauce_is_no_better_sauce() -> None:
    soy = product(50, "양조간장 500ml", "PA", 3000, en="Brewed Soy Sauce")
    oyster = product(51, "굴소스 300g", "PA", 5000, en="Premium Oyster Sauce")
    assert (await suggest(store=FakeStore([soy, oyster]), todos=todos(soy))).items == []


async def test_a_store_in_english_gets_english_comments() -> None:
    tea = product(60, "Green Tea", "DR", en="Green Tea", ja="緑茶")
    scone = product(61, "Scone", "BK", en="Scone", ja="スコーン")
    found = await suggest(pair(60, 61), store=FakeStore([tea, scone]), todos=todos(tea))
    comment = found.analyst_comments[found.items[0].rec_id]
    assert "customers" in comment
    assert found.items[0].reason_detail_marketing.ko
