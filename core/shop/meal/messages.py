"""Meals as messages of onegenie.meal.v1 and back. Nothing is lost on the way."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct
from onegenie.meal.v1 import meal_pb2 as pb

from core.platform.plain import fill, plain
from core.shop.meal.models import (
    Constraints,
    Meal,
    MealIngredient,
    MealRequest,
    Shopper,
    Text,
    Turn,
)


def request_to_message(request: MealRequest) -> pb.SuggestMealRequest:
    """Make the request as it goes over the wire."""
    shopper = request.shopper
    return pb.SuggestMealRequest(
        prompt=request.prompt,
        language=request.language,
        history=[
            pb.Turn(prompt=turn.prompt, meal=meal_to_message(turn.meal)) for turn in request.history
        ],
        shopper=pb.Shopper(
            name=shopper.name,
            gender=shopper.gender,
            age=shopper.age,
            locale=shopper.locale,
            persona=shopper.persona,
            extra=_struct(shopper.extra) if shopper.extra else None,
        ),
    )


def request_from_message(message: pb.SuggestMealRequest) -> MealRequest:
    """Read a request. Raises ValidationError when a meal of the chat is not of our form."""
    shopper = message.shopper
    return MealRequest(
        prompt=message.prompt,
        language=message.language,  # the contract allows ours only
        history=tuple(
            Turn(prompt=turn.prompt, meal=meal_from_message(turn.meal)) for turn in message.history
        ),
        shopper=Shopper(
            name=_optional(shopper, "name"),
            gender=_optional(shopper, "gender"),
            age=_optional(shopper, "age"),
            locale=_optional(shopper, "locale"),
            persona=_optional(shopper, "persona"),
            extra=plain(shopper.extra),
        ),
    )


def meal_to_message(meal: Meal) -> pb.Meal:
    """Make the meal as it goes over the wire; of its constraints those that the chat has fixed."""
    constraints = meal.constraints.model_dump(mode="json", exclude_defaults=True)
    return pb.Meal(
        dish=meal.dish,
        recipe_title=meal.recipe_title,
        intro_message=meal.intro_message,
        recipe_description=meal.recipe_description,
        recommendation_message=meal.recommendation_message,
        servings=meal.servings,
        minutes=meal.minutes,
        ingredients=[
            pb.Ingredient(
                key=line.key,
                name=pb.Text(**line.name.model_dump()),
                category=line.category,
                quantity=line.quantity,
                unit=pb.Text(**line.unit.model_dump()),
            )
            for line in meal.ingredients
        ],
        constraints=_struct(constraints) if constraints else None,
    )


def meal_from_message(message: pb.Meal) -> Meal:
    """Read a meal. Raises ValidationError when its constraints are not of our form."""
    return Meal(
        dish=_optional(message, "dish"),
        recipe_title=message.recipe_title,
        intro_message=message.intro_message,
        recipe_description=message.recipe_description,
        recommendation_message=message.recommendation_message,
        servings=message.servings,
        minutes=_optional(message, "minutes"),
        ingredients=tuple(
            MealIngredient(
                key=_optional(line, "key"),
                name=_text(line.name),
                category=line.category,
                quantity=line.quantity,
                unit=_text(line.unit),
            )
            for line in message.ingredients
        ),
        constraints=Constraints.model_validate(plain(message.constraints)),
    )


def _text(message: pb.Text) -> Text:
    return Text(ko=message.ko, en=message.en, ja=message.ja)


def _struct(value: dict[str, Any]) -> Struct:
    message = Struct()
    fill(message, value)
    return message


def _optional(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None
