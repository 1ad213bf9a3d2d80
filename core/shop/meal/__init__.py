"""Meals: from a shopper's sentence to a dish and its ingredients. See docs/meal.md."""

from core.meal.engine import MealEngine, MealError
from core.meal.models import (
    Constraints,
    Meal,
    MealIngredient,
    MealRequest,
    Shopper,
    Swap,
    Text,
    Turn,
)

__all__ = [
    "Constraints",
    "Meal",
    "MealEngine",
    "MealError",
    "MealIngredient",
    "MealRequest",
    "Shopper",
    "Swap",
    "Text",
    "Turn",
]
