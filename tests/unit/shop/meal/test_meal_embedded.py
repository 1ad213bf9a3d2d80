# ruff: noqa: E501 - one allergy, one line
"""What the embedded engine never does, whatever the dish: hard limits, determinism, wording."""

import re
from collections.abc import Sequence

import pytest

from core.shop.meal import Meal, MealError, MealRequest, Shopper, Turn
from core.shop.meal.catalogue import catalogue
from core.shop.meal.embedded import EmbeddedMealEngine, fit
from core.shop.meal.models import LANGUAGES, Constraints
from core.shop.meal.phrases import josa, listed

CAT = catalogue()
ALLERGENS = sorted({a for ingredient in CAT.ingredients.values() for a in ingredient.allergens})


def nobody_near(text: str) -> Sequence[tuple[str, float]]:
    return []


ENGINE = EmbeddedMealEngine(nearest=nobody_near)


def holds(meal: Meal, terms: Sequence[str]) -> list[str]:
    return [
        line.key or "" for line in meal.ingredients if line.key and CAT.is_banned(line.key, terms)
    ]


@pytest.mark.parametrize("dish", CAT.dishes)
async def test_no_dish_ever_breaks_an_allergy_or_a_diet(dish: str) -> None:
    """Every dish asked for by name, under every diet and every allergen."""
    title = CAT.dishes[dish].title.ko
    limits = [Constraints(diets=(name,)) for name in CAT.diets]
    limits += [Constraints(allergies=(f"allergen:{name}",)) for name in ALLERGENS]
    for constraints in limits:
        terms = CAT.hard_terms(constraints)
        fitted = fit(CAT, CAT.dishes[dish], constraints)
        assert not fitted or not any(CAT.is_banned(key, terms) for key, _ in fitted.parts)
    for index, constraints in enumerate(limits):
        if index % 8 == len(dish) % 8:  # an eighth of them through the whole engine
            meal = await ENGINE.suggest(_asking(title, constraints))
            assert holds(meal, CAT.hard_terms(constraints)) == []
            assert len(meal.ingredients) >= 3
            assert all(line.quantity > 0 for line in meal.ingredients)


def _asking(prompt: str, constraints: Constraints) -> MealRequest:
    """A chat in which these constraints already stand."""
    first = Meal(
        dish=None,
        recipe_title="-",
        intro_message="",
        recipe_description="",
        recommendation_message="",
        servings=2,
        minutes=None,
        ingredients=(CAT.line("rice", 1),),
        constraints=constraints,
    )
    return MealRequest(prompt=prompt, history=(Turn(prompt="-", meal=first),))


@pytest.mark.parametrize("diet", CAT.diets)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_diet_in_words_is_kept_over_a_chat(diet: str, language: str) -> None:
    terms = CAT.hard_terms(Constraints(diets=(diet,)))
    for word in CAT.diets[diet].words[language]:
        history: tuple[Turn, ...] = ()
        for prompt in (
            word,
            "다른 거",
            "something else",
            "高級ステーキ",
            "김치찌개",
            "add cheese",
            "맥주 추가",
        ):
            request = MealRequest(prompt=prompt, language=language, history=history)
            meal = await ENGINE.suggest(request)
            assert diet in meal.constraints.diets, word
            assert holds(meal, terms) == [], (word, prompt)
            history += (Turn(prompt=prompt, meal=meal),)


async def test_extras_the_shopper_cannot_have_are_refused_kindly() -> None:
    shopper = Shopper(name="지우", extra={"allergies": ["새우", "peanut"], "dislikes": ["오이"]})
    meal = await ENGINE.suggest(MealRequest(prompt="새우랑 땅콩 추가한 카레", shopper=shopper))
    assert holds(meal, ["allergen:shrimp", "allergen:peanut", "cucumber"]) == []
    assert "새우는 드시면 안 되는" in meal.recommendation_message
    child = Shopper(name="민호", age=15)
    meal = await ENGINE.suggest(MealRequest(prompt="파스타에 와인 추가", shopper=child))
    assert holds(meal, ["group:drinkalcohol"]) == []
    assert "성인" in meal.recommendation_message


async def test_the_same_request_gives_the_same_meal_and_others_vary() -> None:
    request = MealRequest(prompt="아무거나 추천해줘", shopper=Shopper(name="민지"))
    assert await ENGINE.suggest(request) == await ENGINE.suggest(request)
    dishes = {
        (await ENGINE.suggest(MealRequest(prompt=prompt, shopper=Shopper(name=name)))).dish
        for prompt in ("뭐 먹지", "아무거나", "저녁 메뉴 추천", "오늘 뭐 해먹지")
        for name in ("민지", "지우", "하준")
    }
    assert len(dishes) >= 6


async def test_another_one_is_never_one_the_chat_has_shown() -> None:
    history: tuple[Turn, ...] = ()
    shown = []
    for prompt in ("카레", *["다른 거"] * 8):
        meal = await ENGINE.suggest(MealRequest(prompt=prompt, history=history))
        shown.append(meal.dish)
        history += (Turn(prompt=prompt, meal=meal),)
    assert len(set(shown)) == len(shown)


async def test_when_nothing_fits_it_says_why() -> None:
    everything = tuple(f"dish:{dish}" for dish in CAT.dishes)
    limits = Constraints(diets=("vegan",), allergies=("allergen:soy",), excluded=everything)
    with pytest.raises(MealError, match="no dish fits these limits: vegan, soy") as error:
        await ENGINE.suggest(_asking("아무거나", limits))
    assert not error.value.retryable


async def test_time_and_budget_are_relaxed_and_said_so() -> None:
    meal = await ENGINE.suggest(MealRequest(prompt="갈비찜 10분 안에 5천원으로"))
    assert "분 정도 걸리는" in meal.recommendation_message
    assert "예산" in meal.recommendation_message


async def test_servings_scale_the_quantities() -> None:
    amounts = {}
    for servings in (1, 2, 4):
        meal = await ENGINE.suggest(MealRequest(prompt=f"불고기 {servings}인분"))
        amounts[servings] = {line.key: line.quantity for line in meal.ingredients}
    assert (
        amounts[1]["beef_sliced"] * 4 == amounts[2]["beef_sliced"] * 2 == amounts[4]["beef_sliced"]
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_text_is_in_the_language_asked_for(language: str) -> None:
    """Whatever the language of the prompt; and no template placeholder is left."""
    foreign = {"ko": "[ぁ-ヿ]", "en": "[가-힣ぁ-ヿ一-龥]", "ja": "[가-힣]"}[language]
    odd = re.compile(foreign + r"|[{}]|None|group:|\b\w+_\w+\b")
    chats = (
        ("매콤한 김치찌개 4인분", "돼지고기 대신 닭고기", "와인 추가", "다른 거"),
        ("豚肉抜きの鍋を30分以内", "ワインも追加", "別の"),
        ("vegan curry, I have tofu", "no onion", "chicken instead of tofu", "for 3"),
    )
    for chat in chats:
        history: tuple[Turn, ...] = ()
        for prompt in chat:
            request = MealRequest(
                prompt=prompt,
                language=language,
                history=history,
                shopper=Shopper(name="Kim", age=30),
            )
            meal = await ENGINE.suggest(request)
            for text in (
                meal.recipe_title,
                meal.intro_message,
                meal.recipe_description,
                meal.recommendation_message,
            ):
                assert text
                assert not odd.search(text), text
            history += (Turn(prompt=prompt, meal=meal),)


async def test_odd_prompts_get_an_answer() -> None:
    for prompt in (
        "?",
        "ㅋㅋㅋ",
        "🍛",
        "12345",
        "카레" * 1000,
        "a" * 2000,
        "\n\t",
        "말고 빼고 없이",
    ):
        meal = await ENGINE.suggest(MealRequest(prompt=prompt))
        assert meal.ingredients


async def test_negated_words_never_reach_the_vectors() -> None:
    asked = []

    def remember(text: str) -> Sequence[tuple[str, float]]:
        asked.append(text)
        return [("kimchi_jjigae", 0.9)]

    engine = EmbeddedMealEngine(nearest=remember)
    meal = await engine.suggest(MealRequest(prompt="할머니가 그리워지는 그런 맛"))
    assert asked == ["할머니가 그리워지는 그런 맛"]
    assert meal.dish == "kimchi_jjigae"
    await engine.suggest(MealRequest(prompt="돼지고기 말고 그런 맛"))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [("카레", "을", "카레를"), ("된장국", "을", "된장국을"), ("쌀", "으로", "쌀로"),
     ("닭고기", "으로", "닭고기로"), ("LA갈비구이", "은", "LA갈비구이는"),
     ("두부", "이에요", "두부예요")],
)  # fmt: skip
def test_korean_particles_follow_the_last_sound(word: str, particle: str, expected: str) -> None:
    assert josa(word, particle) == expected


def test_lists_read_naturally() -> None:
    assert listed(["두부", "김"], "ko") == "두부와 김"
    assert listed(["tofu", "egg", "leek"], "en") == "tofu, egg and leek"
    assert listed(["豆腐", "卵"], "ja") == "豆腐と卵"


ALLERGIC = [  # sentences, and ingredients that must then be banned
    (("새우 알레르기", "えびアレルギー", "shrimp allergy", "allergic to prawns"), "shrimp seafood_mix kimchi"),
    (("갑각류 알레르기", "甲殻類アレルギー", "crustacean allergy"), "shrimp crab seafood_mix"),
    (("조개 알레르기", "貝アレルギー", "allergic to shellfish"), "clam oyster oyster_sauce"),
    (("생선 알레르기", "魚アレルギー", "fish allergy"), "salmon dashi bonito_flakes fish_sauce tsuyu"),
    (("계란 알레르기", "卵アレルギー", "egg allergy"), "egg mayonnaise quail_egg ramen_noodle"),
    (("우유 알레르기", "牛乳アレルギー", "milk allergy", "유제품 알러지"), "milk butter mozzarella curry_roux"),
    (("땅콩 알레르기", "ピーナッツアレルギー", "peanut allergy"), "peanut peanut_butter mixed_nuts"),
    (("견과류 알레르기", "ナッツアレルギー", "nut allergy"), "almond walnut peanut pesto"),
    (("밀 알레르기", "밀가루 알레르기", "小麦アレルギー", "wheat allergy", "gluten allergy"), "flour soy_sauce bread spaghetti"),
    (("콩 알레르기", "대두 알레르기", "大豆アレルギー", "soy allergy"), "tofu soy_sauce miso natto"),
    (("메밀 알레르기", "そばアレルギー", "buckwheat allergy"), "soba_noodle naengmyeon_noodle"),
    (("참깨 알레르기", "ごまアレルギー", "sesame allergy"), "sesame_seed sesame_oil ssamjang"),
    (("복숭아 알레르기", "桃アレルギー", "peach allergy"), "peach"),
    (("고등어 알레르기", "さばアレルギー", "mackerel allergy"), "mackerel canned_mackerel"),
    (("게 알레르기", "かにアレルギー", "crab allergy"), "crab crab_stick seafood_mix"),
    (("돼지고기 알레르기", "豚肉アレルギー", "pork allergy"), "pork_belly bacon curry_roux dumpling"),
    (("토마토 알레르기", "トマトアレルギー", "tomato allergy"), "tomato ketchup tomato_can"),
]  # fmt: skip


@pytest.mark.parametrize(("sentences", "keys"), ALLERGIC)
async def test_an_allergy_is_understood_in_three_languages(
    sentences: tuple[str, ...], keys: str
) -> None:
    for sentence in sentences:
        for request in (
            MealRequest(prompt=sentence),
            MealRequest(prompt="뭐 먹지", shopper=Shopper(persona=sentence)),
        ):
            meal = await ENGINE.suggest(request)
            terms = CAT.hard_terms(meal.constraints)
            missed = [key for key in keys.split() if not CAT.is_banned(key, terms)]
            assert missed == [], sentence
            assert holds(meal, terms) == []


async def test_a_taste_in_the_profile_only_leans() -> None:
    shopper = Shopper(persona="매운 음식을 싫어해요")
    meal = await ENGINE.suggest(MealRequest(prompt="김치찌개", shopper=shopper))
    assert meal.dish == "kimchi_jjigae"
    meal = await ENGINE.suggest(MealRequest(prompt="뭐 먹지", shopper=shopper))
    assert "spicy" not in CAT.dishes[meal.dish or ""].tags
