"""Meals over the wire: what goes in comes out."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.shop.meal import (
    Constraints,
    Meal,
    MealIngredient,
    MealRequest,
    Shopper,
    Swap,
    Text,
    Turn,
)
from core.shop.meal.embedded import EmbeddedMealEngine
from core.shop.meal.messages import (
    meal_from_message,
    meal_to_message,
    request_from_message,
    request_to_message,
)

FULL = Constraints(
    excluded=("shrimp", "group:pork"),
    allergies=("allergen:wheat",),
    diets=("vegan",),
    added=("tofu",),
    at_hand=("egg",),
    swaps=(Swap(old="shrimp", new="tofu"),),
    tags=("soup",),
    servings=4,
    max_minutes=30,
    budget=20000,
)
LINE = MealIngredient(
    key=None,
    name=Text(ko="용의 비늘", en="dragon scale", ja="竜の鱗"),
    category="Pantry",
    quantity=0.1,
    unit=Text(ko="장", en="scale", ja="枚"),
)
MEAL = Meal(
    dish="kimchi_stew",
    recipe_title="김치찌개",
    intro_message="오늘은요",
    recipe_description="찌개",
    recommendation_message="",
    servings=2,
    minutes=None,
    ingredients=(LINE, LINE.model_copy(update={"key": "tofu", "quantity": 3})),
    constraints=FULL,
)


def through_bytes(message: Any) -> Any:
    return type(message).FromString(message.SerializeToString())


@pytest.mark.parametrize("constraints", [FULL, Constraints(), Constraints(excluded=("술",))])
@pytest.mark.parametrize("minutes", [None, 20])
def test_a_meal_survives(constraints: Constraints, minutes: int | None) -> None:
    meal = MEAL.model_copy(update={"constraints": constraints, "minutes": minutes})
    back = meal_from_message(through_bytes(meal_to_message(meal)))
    assert back == meal
    assert back.model_dump_json() == meal.model_dump_json()


@pytest.mark.parametrize(
    "shopper",
    [
        Shopper(),
        Shopper(name="", gender="F", age=0, locale="ko", persona="새우 알레르기"),
        Shopper(extra={"allergies": ["새우", None], "size": 2, "ratio": 0.5, "deep": {"a": [{}]}}),
        Shopper(extra={"points": 9007199254740993, "deep": {"a": [-(10**30)]}}),
    ],
)
def test_a_request_survives(shopper: Shopper) -> None:
    request = MealRequest(
        prompt="와인 추가",
        language="ja",
        history=(Turn(prompt="카레", meal=MEAL), Turn(prompt="", meal=MEAL)),
        shopper=shopper,
    )
    back = request_from_message(through_bytes(request_to_message(request)))
    assert back == request
    assert repr(sorted(back.shopper.extra.items())) == repr(sorted(shopper.extra.items()))


def test_another_engines_own_terms_come_back_to_it() -> None:
    message = meal_to_message(MEAL)
    message.constraints.Clear()
    message.constraints.update({"mood": ["cosy", 3, 0.5, None], "state": {"x": True}})
    meal = Meal.model_validate_json(meal_from_message(message).model_dump_json())
    assert meal.constraints.excluded == ()
    assert meal_to_message(meal).constraints == message.constraints


def test_our_keys_in_another_form_are_refused() -> None:
    message = meal_to_message(MEAL)
    message.constraints.update({"excluded": "shrimp"})
    with pytest.raises(ValidationError):
        meal_from_message(message)


async def test_what_the_embedded_engine_makes_survives() -> None:
    engine = EmbeddedMealEngine(nearest=lambda text: [])
    history: tuple[Turn, ...] = ()
    for prompt in ("새우 빼고 볶음밥", "4인분, 30분 안에, 2만원으로", "두부 말고 계란으로"):
        meal = await engine.suggest(MealRequest(prompt=prompt, history=history))
        assert meal_from_message(through_bytes(meal_to_message(meal))) == meal
        history += (Turn(prompt=prompt, meal=meal),)
