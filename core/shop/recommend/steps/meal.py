"""Step 1: the shopper's sentence becomes a meal."""

from __future__ import annotations

from collections.abc import Iterable

from core.shop.meal.models import Meal, MealRequest, Shopper, Turn
from core.shop.meal.port import MealEngine
from core.shop.recommend.language import choose_language
from core.shop.recommend.sql import EarlierTurn, Work


async def suggest_meal(engine: MealEngine, work: Work, history: Iterable[EarlierTurn]) -> Meal:
    """Ask the engine for the round's meal. history: the chat so far, oldest first.

    Raises MealError.
    """
    return await engine.suggest(
        MealRequest(
            prompt=work.prompt,
            language=choose_language(work.locale, work.tenant_locale),
            history=tuple(
                Turn(prompt=turn.prompt, meal=Meal.model_validate(turn.meal)) for turn in history
            ),
            shopper=Shopper(
                name=work.name,
                gender=work.gender,
                age=work.age,
                locale=work.locale,
                persona=work.persona,
                extra=work.extra or {},
            ),
        )
    )
