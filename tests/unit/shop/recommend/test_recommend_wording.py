"""Names and sentences: particles, short names, money."""

import pytest
from onegenie.store.v1 import store_pb2

from core.shop.recommend import names, phrases
from core.shop.recommend.names import Word, short_name
from core.shop.recommend.wording import localized, money


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("양파", "은", "양파는"),
        ("두부", "이", "두부가"),
        ("와인", "을", "와인을"),
        ("라면", "과", "라면과"),
        ("우유", "과", "우유와"),
        ("드레싱", "으로", "드레싱으로"),
        ("카레", "으로", "카레로"),
        ("연필", "으로", "연필로"),  # ㄹ takes 로
        ("콜라 250ml", "을", "콜라 250ml를"),  # read 밀리리터
        ("두부 500g", "이", "두부 500g이"),  # read 그램
        ("비타500", "이", "비타500이"),  # read 백, ends like 영
        ("콜라 2", "을", "콜라 2를"),
        ("생수 (대)", "은", "생수 (대)는"),
        ("떡", "이에요", "떡이에요"),
        ("차", "이에요", "차예요"),
        ("떡", "도", "떡도"),
    ],
)
def test_particle_follows_the_last_sound(word: str, particle: str, expected: str) -> None:
    assert f"{Word(word):{particle}}" == expected


def test_short_name_is_what_people_say() -> None:
    product = store_pb2.Product(
        name="오뚜기 백세카레 약간매운맛 100g (4인분)",
        name_en="Ottogi Baekse Curry 100g x2",
        brand="오뚜기",
    )
    assert short_name(product, "ko") == "백세카레 약간매운맛"
    assert short_name(product, "en") == "Ottogi Baekse Curry"
    assert short_name(product, "ja") == "백세카레 약간매운맛"  # no Japanese name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("콜라 350ml×6", "콜라"),
        ("Free-range Eggs 10 eggs", "Free-range Eggs"),
        ("Spicy Ramyeon 5-pack", "Spicy Ramyeon"),
        ("혼합 15곡 500g", "혼합 15곡"),
        ("스파게티 1.78mm 500g", "스파게티"),
        ("비타500", "비타500"),
        ("100g", "100g"),
        ("牛乳 500ml", "牛乳"),
    ],
)
def test_sizes_at_the_end_are_not_said(name: str, plain: str) -> None:
    assert names.plain(name) == plain


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [(1500, "₩", "₩1,500"), (980, "円", "980円"), (2.5, "$", "$2.50"), (700, "", "700")],
)
def test_money(amount: int | float, unit: str, expected: str) -> None:
    assert money(amount, unit) == expected


def test_every_copy_has_three_languages_and_fills() -> None:
    product = store_pb2.Product(id=1, name="단무지", name_en="Pickled Radish", name_ja="たくあん")
    anchor = store_pb2.Product(id=2, name="카레", name_en="Curry", name_ja="カレー")
    pools = [phrases.TOGETHER, phrases.DEARER, phrases.TREAT]
    pools += phrases.TOGETHER_BY_SECTION.values()
    copies = [copy for pool in pools for copy in pool]
    copies += [phrases.TABLE, phrases.BIGGER, phrases.ROUND_OFF, phrases.NEARBY]
    for copy in copies:
        text = localized(copy, product=product, anchor=anchor, discount="10")
        assert "단무지" in text.ko
        assert "Pickled Radish" in text.en
        assert "たくあん" in text.ja
        assert "{" not in text.ko + text.en + text.ja
