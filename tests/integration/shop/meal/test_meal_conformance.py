"""What the port promises, of every engine. The endpoint behind the OpenAI one and the service
behind the remote one cook with the embedded engine, so that all see the same requests and only the
adapter differs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import tests.support  # noqa: F401  # servers without a proxy stop at once
from core.app.single import serve_meal
from core.shop.meal import Meal, MealEngine, MealRequest, Shopper, Turn
from core.shop.meal.catalogue import catalogue
from core.shop.meal.embedded import EmbeddedMealEngine
from core.shop.meal.models import LANGUAGES, Constraints
from core.shop.meal.openai import OpenAIMealEngine
from core.shop.meal.remote import RemoteMealEngine
from tests.integration.shop.meal.chat_endpoint import ChatEndpoint, completion

CAT = catalogue()
TOKEN = "a-secret-that-both-sides-know"


async def cook(body: dict[str, Any]) -> web.StreamResponse:
    """What a well-behaved model would answer: the embedded engine's meal in the schema's shape."""
    system, *talk = body["messages"]
    language = next(
        code
        for code, name in {"ko": "Korean", "en": "English", "ja": "Japanese"}.items()
        if f"in {name}, warm" in system["content"]
    )
    engine = EmbeddedMealEngine(nearest=lambda text: [])
    history: tuple[Turn, ...] = ()
    for message in talk:
        if message["role"] != "user":
            continue
        request = MealRequest(prompt=message["content"], language=language, history=history)
        meal = await engine.suggest(request)
        history += (Turn(prompt=message["content"], meal=meal),)
    ours = {"constraints": True, "dish": True, "ingredients": {"__all__": {"key"}}}
    return completion(json.dumps(history[-1].meal.model_dump(exclude=ours), ensure_ascii=False))  # type: ignore[arg-type]


@pytest.fixture(params=["embedded", "openai", "remote"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MealEngine]:
    if request.param == "embedded":
        embedded = EmbeddedMealEngine(nearest=lambda text: [])
        yield embedded
        await embedded.close()
        return
    if request.param == "remote":
        address = f"unix:{tmp_path}/meal.sock"
        behind = EmbeddedMealEngine(nearest=lambda text: [])
        async with serve_meal(behind, address, TOKEN):
            asking = RemoteMealEngine(address, TOKEN, timeout=10)
            yield asking
            await asking.close()
        return
    async with ChatEndpoint(cook).running() as endpoint:
        remote = OpenAIMealEngine(base_url=endpoint.url, api_key="k", model="m", timeout=10)
        yield remote
        await remote.close()


async def chat(engine: MealEngine, language: str, shopper: Shopper, *prompts: str) -> list[Meal]:
    history: tuple[Turn, ...] = ()
    for prompt in prompts:
        request = MealRequest(prompt=prompt, language=language, history=history, shopper=shopper)
        meal = Meal.model_validate_json((await engine.suggest(request)).model_dump_json())
        history += (Turn(prompt=prompt, meal=meal),)
    return [turn.meal for turn in history]


def banned(meal: Meal, limits: Constraints) -> list[str]:
    terms = CAT.hard_terms(limits)
    return [i.key for i in meal.ingredients if i.key and CAT.is_banned(i.key, terms)]


def has(meal: Meal, term: str) -> bool:
    return any(i.key and CAT.ingredients[i.key].is_a(term) for i in meal.ingredients)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_meal_is_whole(engine: MealEngine, language: str) -> None:
    (meal,) = await chat(engine, language, Shopper(name="Kim"), "오늘 저녁 카레 땡기는데")
    assert all(
        (
            meal.recipe_title,
            meal.intro_message,
            meal.recipe_description,
            meal.recommendation_message,
        )
    )
    assert meal.servings >= 1
    assert meal.ingredients
    for line in meal.ingredients:
        assert line.quantity > 0
        assert all((line.name.ko, line.name.en, line.name.ja))
        assert all((line.unit.ko, line.unit.en, line.unit.ja))
        assert line.key in CAT.ingredients
        assert line.category == CAT.ingredients[line.key].category  # type: ignore[index]
    assert has(meal, "curry_roux") or has(meal, "curry_powder") or has(meal, "thai_curry_paste")


@pytest.mark.parametrize(
    ("persona", "limits"),
    [
        ("새우 알레르기가 있어요", Constraints(allergies=("allergen:shrimp",))),
        ("卵アレルギーです", Constraints(allergies=("allergen:egg",))),
        ("vegan, allergic to peanuts", Constraints(diets=("vegan",))),
        ("할랄", Constraints(diets=("halal",))),
    ],
)
async def test_a_profiles_limits_hold_for_the_whole_chat(
    engine: MealEngine, persona: str, limits: Constraints
) -> None:
    prompts = ("아무거나", "새우볶음밥", "卵を追加", "add shrimp and cheese", "다른 거", "돈까스")
    for meal in await chat(engine, "ko", Shopper(persona=persona), *prompts):
        assert banned(meal, limits) == []


async def test_a_follow_up_builds_on_the_meal(engine: MealEngine) -> None:
    prompts = ("김치찌개", "와인 추가", "4인분으로", "와인 말고 다른거 추천해줄래")
    first, wine, four, other = await chat(engine, "ko", Shopper(), *prompts)
    assert has(first, "kimchi")
    assert has(wine, "kimchi")
    assert has(wine, "group:wine")
    assert four.servings == 4
    assert has(four, "group:wine")
    assert has(other, "kimchi")
    assert not has(other, "group:wine")
    assert other.constraints.servings == 4


async def test_the_same_request_may_be_made_twice(engine: MealEngine) -> None:
    once = await chat(engine, "en", Shopper(), "pasta without seafood")
    again = await chat(engine, "en", Shopper(), "pasta without seafood")
    assert once == again
    assert not has(once[0], "group:seafood")
