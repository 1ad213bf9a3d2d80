"""The prompts and chats of meal_prompts.yaml and meal_chats.yaml, on the embedded engine."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.shop.meal import Meal, MealRequest, Shopper, Turn
from core.shop.meal.catalogue import catalogue
from core.shop.meal.embedded import EmbeddedMealEngine

HERE = Path(__file__).parent
CAT = catalogue()


def nobody_near(text: str) -> list[tuple[str, float]]:
    return []


ENGINE = EmbeddedMealEngine(nearest=nobody_near)
PROMPTS = yaml.safe_load((HERE / "meal_prompts.yaml").read_text())
CHATS = yaml.safe_load((HERE / "meal_chats.yaml").read_text())


def is_any(meal: Meal, term: str) -> bool:
    return any(line.key and CAT.ingredients[line.key].is_a(term) for line in meal.ingredients)


def problems(meal: Meal, case: dict[str, Any], last: Meal | None = None) -> list[str]:
    assert meal.dish
    dish, limits, wrong = CAT.dishes[meal.dish], meal.constraints, []

    def expect(ok: bool, what: str) -> None:
        if not ok:
            wrong.append(what)

    expect("dish" not in case or meal.dish in case["dish"], "dish")
    expect("tag" not in case or bool(dish.tags & set(case["tag"])), "tag")
    expect(set(case.get("tags", ())) <= dish.tags, "tags")
    expect(not dish.tags & set(case.get("no_tag", ())), "no_tag")
    for term in case.get("has", ()):
        expect(is_any(meal, term), f"has {term}")
    for term in case.get("no", ()):
        expect(not is_any(meal, term), f"no {term}")
    if "category" in case:
        expect(any(line.category == case["category"] for line in meal.ingredients), "category")
    expect(meal.servings == case.get("servings", meal.servings), "servings")
    expect(limits.max_minutes == case.get("minutes", limits.max_minutes), "minutes")
    expect(limits.budget == case.get("budget", limits.budget), "budget")
    expect(set(case.get("diets", ())) <= set(limits.diets), "diets")
    expect(set(case.get("allergies", ())) <= set(limits.allergies), "allergies")
    expect(case.get("says", "") in meal.recommendation_message + meal.intro_message, "says")
    if last:
        expect(not case.get("same") or meal.dish == last.dish, "same")
        expect(not case.get("other") or meal.dish != last.dish, "other")
    return [f"{what}: {meal.dish} {meal.recommendation_message}" for what in wrong]


@pytest.mark.parametrize("case", PROMPTS, ids=[case["p"] for case in PROMPTS])
async def test_a_prompt_gets_what_it_asks_for(case: dict[str, Any]) -> None:
    shopper = Shopper(name="민지", persona=case.get("persona"))
    meal = await ENGINE.suggest(MealRequest(prompt=case["p"], language=case["l"], shopper=shopper))
    assert problems(meal, case) == []


@pytest.mark.parametrize("chat", CHATS, ids=[" / ".join(case["p"] for case in c) for c in CHATS])
async def test_a_follow_up_keeps_what_the_chat_fixed(chat: list[dict[str, Any]]) -> None:
    history: tuple[Turn, ...] = ()
    wrong = []
    for case in chat:
        request = MealRequest(prompt=case["p"], language=chat[0]["l"], history=history)
        # Through JSON, as the rounds are stored.
        meal = Meal.model_validate_json((await ENGINE.suggest(request)).model_dump_json())
        last = history[-1].meal if history else None
        wrong += [f"{case['p']}: {what}" for what in problems(meal, case, last)]
        history += (Turn(prompt=case["p"], meal=meal),)
    assert wrong == []


def test_there_are_enough_prompts() -> None:
    assert len(PROMPTS) >= 120
    assert {case["l"] for case in PROMPTS} == {"ko", "en", "ja"}
