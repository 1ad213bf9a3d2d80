"""What a chat has fixed so far: persona, earlier rounds and the new sentence made one."""

import json
from collections.abc import Iterable
from typing import Any

from core.meal.catalogue import Catalogue
from core.meal.models import Constraints, MealRequest, Shopper, Swap
from core.meal.parser import Asked, Parser

ADULT_AGE = 20  # the later of Korea's 19 and Japan's 20

# Keys of a profile's free-form `extra` that say what their values are, in three languages.
_ALLERGY_KEYS = ("allerg", "알레르기", "알러지", "アレルギー")
_DISLIKE_KEYS = ("dislike", "avoid", "exclude", "hate", "싫", "기피", "못먹", "嫌い", "苦手", "ng")


def is_minor(age: int | None) -> bool:
    """Too young to be sold alcohol; an unknown age is taken for an adult's."""
    return age is not None and age < ADULT_AGE


def persona_text(shopper: Shopper) -> str:
    """Persona and `extra` as sentences the parser reads ("allergies: [새우]" → "새우 알레르기")."""
    return " . ".join(part for part in (shopper.persona or "", *_sentences(shopper.extra)) if part)


def _sentences(value: Any, key: str = "") -> Iterable[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _sentences(inner, str(name).lower())
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _sentences(inner, key)
    elif isinstance(value, bool) or value is None:
        if value:
            yield key.replace("_", " ")
    else:
        text = str(value)
        if any(word in key for word in _ALLERGY_KEYS):
            yield f"{text} allergy" if text.isascii() else f"{text} 알레르기"
        elif any(word in key for word in _DISLIKE_KEYS):
            yield f"no {text}" if text.isascii() else f"{text} 싫어"
        else:
            yield f"{key.replace('_', ' ')}: {text}" if not isinstance(value, str) else text


def persona_wishes(parser: Parser, shopper: Shopper) -> Asked:
    """What the profile asks for: its allergies, diets and dislikes bind, its tastes only lean."""
    asked = parser.parse(persona_text(shopper))
    # Somebody who doesn't eat pork doesn't eat it hidden in a sauce either.
    groups = [term for term in asked.excluded if term.startswith("group:")]
    asked.allergies += groups
    for group in groups:
        asked.allergies += [f"allergen:{name}" for name in parser.allergens_of(group)]
    # A taste only leans: who doesn't like it hot may still ask for kimchi stew.
    asked.moods += ["mild"] if "tag:spicy" in asked.excluded else []
    asked.excluded = [t for t in asked.excluded if not t.startswith(("tag:", "dish:"))]
    return asked


def constrain(
    catalogue: Catalogue, request: MealRequest, persona: Asked, asked: Asked
) -> Constraints:
    """The constraints after this request. Allergies and diets are never taken back; an exclusion
    stays until the very thing is asked for again."""
    before = request.history[-1].meal.constraints if request.history else Constraints()
    again = {*asked.added, *asked.wanted, *asked.swap_to, *(swap.new for swap in asked.swaps)}
    again_groups = {term for term in again if term.startswith("group:")}

    def still_out(term: str) -> bool:
        if term in again:
            return False
        ingredient = catalogue.ingredients.get(term)
        return not (ingredient and any(ingredient.is_a(group) for group in again_groups))

    excluded = [term for term in before.excluded if still_out(term)]
    named = {f"dish:{dish}" for dish in asked.titles} | {f"tag:{kind}" for kind in asked.kinds}
    named |= {f"tag:{tag}" for dish in asked.titles for tag in catalogue.dishes[dish].tags}
    excluded = [term for term in excluded if term not in named] + asked.excluded
    excluded += [term for term in persona.excluded if not request.history]
    out = set(asked.excluded)
    swaps = {
        swap.old: swap for swap in before.swaps if not _undone(catalogue, swap, asked.excluded)
    }
    swaps |= {swap.old: swap for swap in asked.swaps}
    servings = asked.servings or before.servings or persona.servings
    budget = asked.budget
    if budget and asked.budget_each:
        budget *= servings or 2
    return Constraints(
        excluded=_once(excluded),
        allergies=_once([*before.allergies, *persona.allergies, *asked.allergies]),
        diets=_once([*before.diets, *persona.diets, *asked.diets]),
        added=_once([*before.added, *asked.added]),
        at_hand=_once(asked.wanted) or tuple(t for t in before.at_hand if t not in out),
        swaps=tuple(swaps.values()),
        tags=_once([*asked.kinds, *asked.moods]) or before.tags,
        servings=servings,
        max_minutes=asked.minutes or before.max_minutes,
        budget=budget or before.budget,
    )


def swap_from(new: str, last_keys: Iterable[str], catalogue: Catalogue) -> Swap | None:
    """ "닭고기로 바꿔줘" names no victim: a drink replaces the meal's drink, anything else its
    first protein. None when the meal has no such thing."""
    example = catalogue.ingredients[catalogue.picks.get(new.removeprefix("group:"), new)]
    drinks = frozenset({"drink", "drinkalcohol"})
    sort = drinks if example.groups & drinks else frozenset({"meat", "seafood", "soyfood"})
    for key in last_keys:
        ingredient = catalogue.ingredients[key]
        if ingredient.groups & sort and not ingredient.is_a(new):
            return Swap(old=key, new=new)
    return None


def _undone(catalogue: Catalogue, swap: Swap, excluded: Iterable[str]) -> bool:
    """Whether what an earlier swap brought in isn't wanted any more."""
    new = catalogue.ingredients.get(catalogue.picks.get(swap.new.removeprefix("group:"), swap.new))
    return new is not None and any(term == swap.new or new.is_a(term) for term in excluded)


def _once(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))


def dump_history(request: MealRequest) -> list[tuple[str, str]]:
    """(prompt, meal as JSON) of every earlier round, without what only we keep."""
    ours: Any = {"constraints": True, "dish": True, "ingredients": {"__all__": {"key"}}}
    return [
        (turn.prompt, json.dumps(turn.meal.model_dump(exclude=ours), ensure_ascii=False))
        for turn in request.history
    ]
