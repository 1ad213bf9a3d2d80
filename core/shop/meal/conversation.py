# ruff: noqa: E501 - the patterns are lists of words; broken up they are harder to read
"""What a chat has fixed so far: persona, earlier rounds and the new sentence made one."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from core.shop.meal.catalogue import Catalogue
from core.shop.meal.models import Constraints, MealRequest, Shopper, Swap
from core.shop.meal.parser import Asked, Parser

ADULT_AGE = 20  # the later of Korea's 19 and Japan's 20

# Keys of a profile's free-form `extra` that say what their values are, in three languages.
_ALLERGY_KEYS = re.compile(
    r"al+erg|intoleran|sensitiv|anaphyla|restrict|알레르기|알러지|불내|과민|アレルギ|不耐|過敏|制限|제한"
)
_CANNOT_KEYS = re.compile(
    r"cannot|can'?t|can not|forbid|prohibit|banned|never|must not|free from|못|금지|안\s*먹|食べられ|食べれ|禁止|不可"
)
_DISLIKE_KEYS = re.compile(
    r"dislike|avoid|exclud|hate|not? eat|without|unwanted|싫|기피|제외|피하|嫌い|苦手|避|除|^ng|\bng\b"
)
_NO = frozenset(
    {
        *("", "-", "0", "no", "none", "n", "n/a", "na", "nil", "false", "nothing", "null", "x"),
        *("없음", "없어요", "없어", "없습니다", "무", "아니오", "아니요", "해당없음", "해당 없음"),
        *("なし", "無し", "無", "ない", "特になし", "いいえ", "ありません"),
    }
)
_LIST = re.compile(r"\s*[,;/|\n、，；・·]\s*")


def is_minor(age: int | None) -> bool:
    """Tell who is too young to be sold alcohol; an unknown age is taken for an adult's."""
    return age is not None and age < ADULT_AGE


def _sort(key: str) -> str:
    for sort, keys in (
        ("allergy", _ALLERGY_KEYS),
        ("cannot", _CANNOT_KEYS),
        ("dislike", _DISLIKE_KEYS),
    ):
        if keys.search(key):
            return sort
    return ""


def _sentences(value: Any, key: str = "", sort: str = "") -> Iterable[str]:
    """Turn `extra` into sentences for the parser ("allergies: [새우]" → "새우 알레르기").

    What stands anywhere below an allergy's key is an allergy: `{"allergies": {"egg": true}}`,
    `[{"name": "egg"}]` and `"egg; milk"` alike.
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            # "peanutAllergy" and "peanut_allergy" are the same key.
            word = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", str(name)).lower()
            below = sort or _sort(word)
            if below and not isinstance(inner, (dict, list, tuple)) and not _says_no(inner):
                yield _sentence(word, below)
            elif sort and isinstance(inner, (dict, list, tuple)) and inner:
                yield _sentence(word, below)  # {"allergies": {"peanut": {"severe": true}}}
            yield from _sentences(inner, word, below)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _sentences(inner, key, sort)
    elif _says_no(value):
        return
    elif sort:
        if value is not True:
            for text in _LIST.split(str(value)):
                if not _says_no(text):
                    yield _sentence(text.strip(), sort)
    elif value is True:
        yield key
    else:
        yield value if isinstance(value, str) else f"{key}: {value}"


def _says_no(value: Any) -> bool:
    return value is None or value is False or str(value).strip().lower() in _NO


def _sentence(text: str, sort: str) -> str:
    plain = text.isascii()
    if sort == "allergy":
        named = _sort(text) == "allergy" and plain
        return text if named else f"{text} allergy" if plain else f"{text} 알레르기"
    if sort == "cannot":
        return f"can't eat {text}" if plain else f"{text} 못 먹어요"
    return f"no {text}" if plain else f"{text} 싫어"


def persona_wishes(parser: Parser, shopper: Shopper) -> Asked:
    """Read what the profile asks for: its allergies, diets and dislikes bind, its tastes only lean.

    No ingredient in it is ever a wish: the sentence may say the opposite of what was understood.
    """
    asked = parser.parse(shopper.persona or "")
    for sentence in _sentences(shopper.extra):
        _join(asked, parser.parse(sentence))
    asked.wanted, asked.at_hand, asked.added, asked.swaps, asked.swap_to = [], [], [], [], []
    # Somebody who doesn't eat pork doesn't eat it hidden in a sauce either.
    groups = [term for term in asked.excluded if term.startswith("group:")]
    asked.allergies += groups
    for group in groups:
        asked.allergies += [f"allergen:{name}" for name in parser.allergens_of(group)]
    # A taste only leans: who doesn't like it hot may still ask for kimchi stew.
    asked.moods += ["mild"] if "tag:spicy" in asked.excluded else []
    asked.excluded = [t for t in asked.excluded if not t.startswith(("tag:", "dish:"))]
    return asked


def _join(asked: Asked, other: Asked) -> None:
    for name in ("titles", "dishes", "kinds", "moods", "excluded", "allergies", "diets"):
        setattr(asked, name, list(dict.fromkeys([*getattr(asked, name), *getattr(other, name)])))
    asked.servings = asked.servings or other.servings


def constrain(
    catalogue: Catalogue, request: MealRequest, persona: Asked, asked: Asked
) -> Constraints:
    """Return the constraints after this request.

    Diets are never taken back, an allergy only where the shopper says that it is not one; an
    exclusion stays until the very thing is asked for again.
    """
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
        allergies=_once(
            [*_still(catalogue, before, asked.denied), *persona.allergies, *asked.allergies]
        ),
        diets=_once([*before.diets, *persona.diets, *asked.diets]),
        added=_once([*before.added, *asked.added]),
        at_hand=_once(asked.wanted) or tuple(t for t in before.at_hand if t not in out),
        swaps=tuple(swaps.values()),
        tags=_once([*asked.kinds, *asked.moods]) or before.tags,
        servings=servings,
        max_minutes=asked.minutes or before.max_minutes,
        budget=budget or before.budget,
    )


def _still(catalogue: Catalogue, before: Constraints, denied: Sequence[str]) -> list[str]:
    """Return the chat's allergies without those denied.

    What the others imply stays: who is allergic to shellfish and says that shrimp is none is
    believed about shrimp only once all is taken back.
    """
    gone = {term for term in denied if term not in before.excluded}
    left = [term for term in before.allergies if term not in gone]
    implied = {f"allergen:{name}" for term in left for name in catalogue.allergy_of.get(term, ())}
    return left + [term for term in before.allergies if term in gone and term in implied]


def swap_from(new: str, last_keys: Iterable[str], catalogue: Catalogue) -> Swap | None:
    """Find what `new` replaces where the sentence does not say it ("닭고기로 바꿔줘").

    A drink replaces the meal's drink, anything else its first protein. None when the meal has no
    such thing.
    """
    example = catalogue.ingredients[catalogue.picks.get(new.removeprefix("group:"), new)]
    drinks = frozenset({"drink", "drinkalcohol"})
    sort = drinks if example.groups & drinks else frozenset({"meat", "seafood", "soyfood"})
    for key in last_keys:
        ingredient = catalogue.ingredients[key]
        if ingredient.groups & sort and not ingredient.is_a(new):
            return Swap(old=key, new=new)
    return None


def _undone(catalogue: Catalogue, swap: Swap, excluded: Iterable[str]) -> bool:
    """Tell whether what an earlier swap brought in isn't wanted any more."""
    new = catalogue.ingredients.get(catalogue.picks.get(swap.new.removeprefix("group:"), swap.new))
    return new is not None and any(term == swap.new or new.is_a(term) for term in excluded)


def _once(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))


def dump_history(request: MealRequest) -> list[tuple[str, str]]:
    """Return (prompt, meal as JSON) of every earlier round, without what only we keep."""
    ours: Any = {"constraints": True, "dish": True, "ingredients": {"__all__": {"key"}}}
    return [
        (turn.prompt, json.dumps(turn.meal.model_dump(exclude=ours), ensure_ascii=False))
        for turn in request.history
    ]
