"""Which products answer to an ingredient's name."""

import pytest

from core.shop.catalogue.search import Entry, SearchIndex, normalise


def index(*products: tuple[int, str] | tuple[int, str, list[str]] | Entry) -> SearchIndex:
    return SearchIndex(
        p
        if isinstance(p, Entry)
        else Entry(p[0], (p[1], None, None), p[2] if len(p) > 2 else [], True)
        for p in products
    )


@pytest.mark.parametrize(
    ("query", "name", "found"),
    [
        ("두부", "국산콩 두부 300g", True),
        ("두부", "두부 500g×2", True),
        ("두부", "몽글 순두부 350g", False),
        ("순두부", "몽글 순두부 350g", True),
        ("파", "펜네 파스타 500g", False),
        ("파", "햇양파 1kg", False),
        ("우유", "우유식빵 420g", False),
        ("우유", "우유 식빵 420g", False),
        ("식빵", "우유 식빵 420g", True),
        ("우유", "1등급 우유 2.3L", True),
        ("참깨", "볶음 참깨 드레싱 380ml", False),
        ("참깨 드레싱", "깊은 볶음 참깨드레싱 380ml", True),
        ("참깨드레싱", "깊은 볶음 참깨 드레싱 380ml", True),
        ("완두콩", "완두콩 (냉동) 300g", True),
        ("tomato", "Vine-ripened Tomatoes 4 pcs", True),
        ("tomato", "Vine-ripened Tomatoes 700g", True),
        ("soy sauce", "Brewed Soy Sauce 500ml", True),
        ("soy", "Brewed Soy Sauce 500ml", False),
        ("berries", "Frozen Berry 1kg", True),
        ("牛乳", "おいしい 牛乳 1L", True),
        ("牛", "牛乳 1L", False),
    ],
)
def test_a_name_serves_what_it_ends_in(query: str, name: str, found: bool) -> None:
    assert index((1, name)).find([query], 10) == ([1] if found else [])


def test_terms_serve_whatever_the_name_is() -> None:
    store = index((1, "신선란 대란 30구", ["달걀", "egg", "卵"]))
    assert store.find(["달걀"], 10) == [1]
    assert store.find(["", "Eggs"], 10) == [1]
    assert store.find(["", "", "卵"], 10) == [1]
    assert store.find(["란"], 10) == []
    assert store.find(["", " ", ""], 10) == []


def test_in_stock_first_then_exact_then_catalogue_order() -> None:
    store = index(
        Entry(1, ("두부 300g",), ["두부"], False),
        Entry(2, ("국산 두부 300g",), [], False),
        Entry(3, ("찌개두부 300g",), ["두부"], True),
        Entry(4, ("부침 두부 300g",), ["두부"], True),
    )
    # 2 is only like tofu and out of stock: nothing to gain from it.
    assert store.find(["두부"], 10) == [3, 4, 1]


def test_a_lookalike_is_left_out_when_the_thing_itself_is_in_stock() -> None:
    pepper = Entry(1, ("순후추 50g", "Ground Pepper 50g"), ["후추", "pepper", "胡椒"], True)
    paprika = Entry(2, ("피망 2개", "Green Bell Pepper 250g"), ["피망", "ピーマン"], True)
    assert index(paprika, pepper).find(["후추", "pepper", "胡椒"], 10) == [1]
    sold_out = pepper._replace(in_stock=False)
    assert index(paprika, sold_out).find(["후추"], 10) == [1]


def test_limit_cuts_after_ranking() -> None:
    store = index(
        Entry(1, (), ["egg"], False), Entry(2, (), ["egg"], True), Entry(3, (), ["egg"], True)
    )
    assert store.find(["egg"], 2) == [2, 3]


def test_normalise_ignores_case_width_spacing_and_plurals() -> None:
    assert normalise("Soy  Sauces") == normalise("ｓｏｙ－sauce") == "soysauce"
    assert normalise("potatoes") == normalise("Potato")
    assert normalise("radishes") == normalise("radish")
    assert normalise("swiss") == "swiss"
    assert normalise("gas") == "gas"
