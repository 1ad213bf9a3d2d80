"""Meals: from a shopper's sentence to a dish and its ingredients. See docs/shop/meal.md."""

from core.shop.meal.models import (
    Constraints,
    Meal,
    MealIngredient,
    MealRequest,
    Shopper,
    Swap,
    Text,
    Turn,
)
from core.shop.meal.port import MealEngine, MealError

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
