# ruff: noqa: E501 - one way of saying it, one line
"""An allergen is never in the meal, however the allergy is said and wherever: persona, extra, chat."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.shop.meal import Meal, MealRequest, Shopper, Turn
from core.shop.meal.catalogue import catalogue
from core.shop.meal.conversation import persona_wishes
from core.shop.meal.embedded import EmbeddedMealEngine
from core.shop.meal.lexicon import lexicon
from core.shop.meal.parser import Parser

CAT = catalogue()
PARSER = Parser(CAT, lexicon())


def nobody_near(text: str) -> Sequence[tuple[str, float]]:
    return []


ENGINE = EmbeddedMealEngine(nearest=nobody_near)

# allergen, then what it is called in Korean, English and Japanese
ALLERGENS = {
    "peanut": ("땅콩", "peanuts", "落花生"),
    "shrimp": ("새우", "shrimp", "えび"),
    "crab": ("꽃게", "crab", "かに"),
    "milk": ("우유", "milk", "牛乳"),
    "egg": ("계란", "eggs", "卵"),
    "wheat": ("밀가루", "wheat", "小麦"),
    "soy": ("대두", "soy", "大豆"),
    "sesame": ("참깨", "sesame", "ごま"),
    "buckwheat": ("메밀", "buckwheat", "そば"),
    "fish": ("생선", "fish", "魚"),
    "tree_nut": ("견과류", "tree nuts", "ナッツ"),
    "tomato": ("토마토", "tomato", "トマト"),
}
SAID: tuple[tuple[str, ...], ...] = (
    (  # Korean
        "{} 알레르기", "{} 알러지 있어요", "{}에 알레르기가 있습니다", "알레르기: {}", "알레르기 - {}", "알레르기({})", "알레르기: 복숭아; {}", "알레르기: 복숭아 | {}",
        "알레르기가 있는 음식: 복숭아, {}", "알러지 식품: {}", "알레르기\n복숭아\n{}", "{}X", "{} X", "{} NO", "{} 절대 금지", "{} 못 먹어요", "복숭아, {} 못 먹어요",
        "{} 먹으면 두드러기가 나요", "{} 먹으면 큰일나", "우리 딸은 {} 먹으면 큰일나", "{} 먹으면 죽어", "{} 먹으면 목이 부어요", "{} 먹고 쓰러진 적 있음", "{} 먹으면 배 아파",
        "{} 과민증", "체질적으로 {} 안 맞아요", "알레르기 있어요. {}!", "{} 알레르기라서 조심해야 해요", "복숭아/{} 알레르기", "알레르겐: 복숭아, {}", "{} 쇼크가 와요", "{}이 몸에 안 맞아요", "{} 안됨",
    ),
    (  # English
        "{} allergy", "allergic to {}", "allergies: {}", "Allergies - peach, {}", "allergies (peach, {})", "allergies: peach; {}", "allergic to: peach | {}", "Allergies: peach\n{}",
        "Allergies:\n- peach\n- {}", "I'm allergic. {}!", "anaphylaxis from {}", "I break out in hives if I eat {}", "I carry an EpiPen for {}", "{} make me sick", "{} kill me",
        "can't do {}", "can't eat {}", "I react badly to {}", "{} upsets my stomach", "no {}, because my son is allergic", "If I eat {}, I break out in hives", "deathly allergic to {}",
        "has a severe allergy to some {}", "food allergies include peach, {}", "{}: no", "alergic to {}", "no {} please, it could kill me", "{} are poison to me", "{}-free please", "must avoid all {}", "keep {} away from me", "{}: severe", "{} (anaphylactic)", "{} give me diarrhea", "{{\"allergies\": [\"peach\", \"{}\"]}}",
    ),
    (  # Japanese
        "{}アレルギー", "{}のアレルギーがあります", "アレルギー：{}", "アレルギー:桃;{}", "アレルギー：桃\n{}", "アレルギー（桃、{}）", "アレルギー：桃・{}", "{}を食べるとお腹を壊す",
        "{}で蕁麻疹が出る", "娘は{}で蕁麻疹が出る", "{}は絶対NG", "{}は体質的に無理", "{}は食べられません", "{}を食べると喉がかゆくなる", "{}禁止", "アレルギーがあります。{}。", "{}を食べると具合が悪くなる", "{}が合わない", "{}は除去してください", "アレルゲン: 桃, {}", "{}は命にかかわる",
    ),
)  # fmt: skip
TEMPLATES = [(lang, said) for lang, list_ in enumerate(SAID) for said in list_]


def held(meal: Meal, allergen: str) -> list[str]:
    return [
        line.key
        for line in meal.ingredients
        if line.key and allergen in CAT.ingredients[line.key].allergens
    ]


def test_there_are_enough_ways() -> None:
    assert len(TEMPLATES) >= 60
    assert len(ALLERGENS) >= 12


@pytest.mark.parametrize("allergen", ALLERGENS)
def test_every_way_of_saying_it_is_an_allergy(allergen: str) -> None:
    missed = []
    for lang, template in TEMPLATES:
        said = template.format(ALLERGENS[allergen][lang])
        for asked in (
            PARSER.parse(said),
            persona_wishes(PARSER, Shopper(persona=f"30대 . {said}")),
            persona_wishes(PARSER, Shopper(extra={"memo": said})),
        ):
            if f"allergen:{allergen}" not in asked.allergies or asked.wanted or asked.added:
                missed.append((said, asked.allergies, asked.wanted, asked.added))
    assert missed == []


@pytest.mark.parametrize("allergen", ALLERGENS)
async def test_the_meal_is_free_of_it(allergen: str) -> None:
    """Open prompts, and prompts that ask for the very thing. A third of the ways per allergen: the
    test above has them all."""
    words = ALLERGENS[allergen]
    number = list(ALLERGENS).index(allergen)
    bad = []
    for index, (lang, template) in enumerate(TEMPLATES):
        if index % 3 != number % 3:
            continue
        said = template.format(words[lang])
        language = ("ko", "en", "ja")[lang]
        wish = (f"{words[0]} 요리 먹고 싶어", f"I want {words[1]}", f"{words[2]}料理が食べたい")[
            lang
        ]
        for shopper in (Shopper(persona=said), Shopper(extra={"notes": [said]})):
            for prompt in ("뭐 먹지", wish):
                request = MealRequest(prompt=prompt, language=language, shopper=shopper)
                bad += [
                    (said, prompt, key) for key in held(await ENGINE.suggest(request), allergen)
                ]
        history: tuple[Turn, ...] = ()
        for prompt in (said, wish):
            request = MealRequest(prompt=prompt, language=language, history=history)
            meal = await ENGINE.suggest(request)
            bad += [(said, prompt, key) for key in held(meal, allergen)]
            history += (Turn(prompt=prompt, meal=meal),)
    assert bad == []


EXTRAS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"allergies": {"peanut": True, "milk": False}}, ("peanut",)),
    ({"allergies": [{"name": "peanut", "severity": "high"}]}, ("peanut",)),
    ({"allergies": {"peanut": {"severe": True}}}, ("peanut",)),
    ({"allergies": "egg; wheat"}, ("egg", "wheat")),
    ({"allergies": "egg wheat"}, ("egg", "wheat")),
    ({"allergies": "새우 / 게"}, ("shrimp", "crab")),
    ({"allergies": ["peanut butter"]}, ("peanut",)),
    ({"peanutAllergy": True}, ("peanut",)),
    ({"peanut_allergy": "severe"}, ("peanut",)),
    ({"cannot_eat": ["새우"]}, ("shrimp",)),
    ({"못먹는것": "새우, 계란"}, ("shrimp", "egg")),
    ({"intolerances": ["lactose"]}, ("milk",)),
    ({"dietary_restrictions": ["peanuts"]}, ("peanut",)),
    ({"health": {"food_allergy": "shrimp, crab"}}, ("shrimp", "crab")),
    ({"health": {"알레르기": ["땅콩", "메밀"]}}, ("peanut", "buckwheat")),
    ({"アレルギー": "卵・乳"}, ("egg", "milk")),
    ({"family": [{"name": "민호", "allergies": {"items": [{"food": "우유"}]}}]}, ("milk",)),
]


@pytest.mark.parametrize(("extra", "allergens"), EXTRAS)
def test_structured_extra_is_never_turned_round(
    extra: dict[str, Any], allergens: tuple[str, ...]
) -> None:
    asked = persona_wishes(PARSER, Shopper(extra=extra))
    assert {f"allergen:{name}" for name in allergens} <= set(asked.allergies)
    assert not asked.wanted


@pytest.mark.parametrize(
    "extra",
    [{"allergies": {"peanut": False}}, {"allergies": "none"}, {"allergies": ["없음"]}, {"allergies": []}, {"peanut_allergy": False}, {"allergies": {"peanut": "no"}}, {"allergies": None}],
)  # fmt: skip
def test_extra_that_says_no_allergy(extra: dict[str, Any]) -> None:
    assert persona_wishes(PARSER, Shopper(extra=extra)).allergies == []


@pytest.mark.parametrize(
    ("said", "free", "wanted"),
    [
        ("새우 알레르기 있어요 두부 요리 추천", "soy", "tofu"),
        ("땅콩 알레르기가 있는데 새우 파스타 먹고 싶어", "shrimp", ""),
        ("allergic to peanuts, but love shrimp", "shrimp", "shrimp"),
        ("I'm allergic to peanuts, give me something with shrimp", "shrimp", "shrimp"),
        ("卵アレルギーなので豆腐料理が食べたい", "soy", "tofu"),
        ("치킨 먹고 싶어 죽겠어", "chicken", ""),
        ("고기 안 먹으면 죽을 것 같아", "beef", ""),
        ("風邪をひいたのでおかゆが食べたい", "rice", ""),
        ("새우 못 먹은 지 오래됐어", "shrimp", "shrimp"),
        ("I could die for shrimp", "shrimp", ""),
    ],
)
def test_a_wish_beside_an_allergy_stays_a_wish(said: str, free: str, wanted: str) -> None:
    asked = PARSER.parse(said)
    assert f"allergen:{free}" not in asked.allergies
    assert not wanted or wanted in asked.wanted


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("우유 못 먹어요", "cream butter ice_cream mozzarella"),
        ("can't have milk", "cream butter ice_cream mozzarella"),
        ("牛乳は飲めません", "cream butter ice_cream mozzarella"),
        ("peanut butter allergy", "peanut peanut_butter"),
        ("땅콩버터 알레르기", "peanut peanut_butter"),
        ("peanut-allergic daughter", "peanut peanut_butter"),
        ("卵乳小麦アレルギー", "egg milk flour"),
        ("卵・乳不使用", "egg milk mayonnaise"),
        ("milk doesn't agree with me", "milk butter"),
        ("밀 알레르기", "doubanjiang gochujang soy_sauce curry_roux dumpling"),
        ("계란 알레르기", "mayonnaise fish_cake ham"),
    ],
)
def test_what_else_holds_it_is_banned_too(said: str, keys: str) -> None:
    terms = PARSER.parse(said).allergies
    assert [key for key in keys.split() if not CAT.is_banned(key, terms)] == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("새우 알레르기 있어", "새우 알레르기는 없어"),
        ("새우 알레르기 있어", "새우 알레르기 다 나았어. 새우볶음밥 먹을래"),
        ("I'm allergic to shrimp", "I'm not allergic to shrimp"),
        ("I'm allergic to shrimp", "I don't have a shrimp allergy, that was a mistake"),
        ("えびアレルギーです", "えびアレルギーではない"),
    ],
)
async def test_a_shopper_may_take_an_allergy_back(first: str, then: str) -> None:
    history: tuple[Turn, ...] = ()
    limits = []
    for prompt in (first, then):
        meal = await ENGINE.suggest(MealRequest(prompt=prompt, history=history))
        history += (Turn(prompt=prompt, meal=meal),)
        limits.append(set(meal.constraints.allergies))
    assert "allergen:shrimp" in limits[0]
    assert limits[1] == set()
    shopper = Shopper(persona=first)  # the profile's stays, whatever is said
    meal = await ENGINE.suggest(MealRequest(prompt=then, shopper=shopper))
    assert "allergen:shrimp" in meal.constraints.allergies
    assert held(meal, "shrimp") == []


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ("땅콩 알레르기는 없어", False),
        ("땅콩 알레르기는 없고 새우 알레르기는 있어", False),
        ("땅콩 말고는 알레르기 없어요", True),
        ("no allergies except peanuts", True),
        ("don't give me peanuts, I'm allergic", True),
        ("no allergies here, peanut noodles please", False),
        ("I'm not allergic to peanuts", False),
        ("ピーナッツアレルギーではない", False),
        ("ピーナッツアレルギーはありません", False),
    ],
)
def test_a_denied_allergy_is_none(said: str, is_one: bool) -> None:
    assert ("allergen:peanut" in PARSER.parse(said).allergies) is is_one


async def test_a_denial_takes_back_no_more_than_it_says() -> None:
    first = await ENGINE.suggest(MealRequest(prompt="갑각류 알레르기랑 땅콩 알레르기 있어"))
    history = (Turn(prompt="-", meal=first),)
    meal = await ENGINE.suggest(MealRequest(prompt="새우 알레르기는 없어", history=history))
    assert CAT.is_banned("shrimp", CAT.hard_terms(meal.constraints))
    assert CAT.is_banned("peanut", CAT.hard_terms(meal.constraints))
