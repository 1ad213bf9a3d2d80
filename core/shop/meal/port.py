"""The port of the meal engine."""

from typing import Protocol

from core.shop.meal.models import Meal, MealRequest


class MealError(Exception):
    """No meal could be made. `reason` is safe to show; `retryable`: trying again may help."""

    def __init__(self, reason: str, retryable: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable


class MealEngine(Protocol):
    """Turns a shopper's sentence into a meal.

    Every engine promises: texts in `request.language`, at least one ingredient, quantities above
    zero, names and units in three languages, and nothing the shopper is allergic to or whose diet
    forbids. `suggest` raises nothing but MealError.
    """

    async def suggest(self, request: MealRequest) -> Meal: ...

    async def close(self) -> None: ...
