"""The embedded catalogue: ingredients, dishes and the words people ask for them by.

The data are the YAML files beside this module; `catalogue()` reads them once.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.shop.meal.models import LANGUAGES, Constraints, Language, MealIngredient, Text

DATA = Path(__file__).parent / "data"
DISH_FILES = ("dishes_korean.yaml", "dishes_japanese.yaml", "dishes_world.yaml")
DISH_SERVINGS = 2  # the quantities in the dish files are for two

# Seasonings and milk have equals, so even an essential one may be replaced; proteins don't.
EQUALS = frozenset({"sauce", "kimchi", "spice", "stock", "fat"})


@dataclass(frozen=True, slots=True)
class Ingredient:
    key: str
    name: Text
    category: str
    unit: Text
    g_per_unit: float
    allergens: frozenset[str]
    groups: frozenset[str]
    synonyms: Mapping[str, tuple[str, ...]]
    subs: tuple[str, ...]

    def is_a(self, term: str) -> bool:
        """Tell whether a term (see Constraints) covers this ingredient."""
        kind, _, value = term.rpartition(":")
        if kind == "group":
            return value in self.groups
        if kind == "allergen":
            return value in self.allergens
        return not kind and value == self.key


@dataclass(frozen=True, slots=True)
class Part:
    """One ingredient of a dish, for `DISH_SERVINGS`."""

    key: str
    quantity: float
    essential: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Dish:
    id: str
    title: Text
    text: Text
    aliases: Mapping[str, tuple[str, ...]]
    minutes: int
    cost: int
    tags: frozenset[str]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Diet:
    """`groups` and `allergens` are forbidden, `less_groups` merely kept low."""

    words: Mapping[str, tuple[str, ...]]
    terms: tuple[str, ...]
    tags: frozenset[str]
    avoid_tags: frozenset[str]
    less_groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Topic:
    """Words that mean a dish tag. With `kind` the dish must be that, without it had better suit."""

    tag: str
    kind: bool
    words: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    ingredients: Mapping[str, Ingredient]
    dishes: Mapping[str, Dish]
    groups: Mapping[str, Mapping[str, tuple[str, ...]]]
    allergens: Mapping[str, Mapping[str, tuple[str, ...]]]
    diets: Mapping[str, Diet]
    topics: Mapping[str, Topic]
    picks: Mapping[str, str]
    allergy_of: Mapping[str, tuple[str, ...]]

    def banned_terms(self, constraints: Constraints) -> tuple[str, ...]:
        """Return all that may not be in the meal, as terms; the hard ones are `hard_terms`."""
        return self.hard_terms(constraints) + constraints.excluded

    def hard_terms(self, constraints: Constraints) -> tuple[str, ...]:
        """Return the terms that allergies and diets forbid; of a diet we do not know, none."""
        known = (self.diets[name] for name in constraints.diets if name in self.diets)
        diets = (term for diet in known for term in diet.terms)
        return constraints.allergies + tuple(diets)

    def is_banned(self, key: str, terms: Iterable[str]) -> bool:
        ingredient = self.ingredients[key]
        return any(ingredient.is_a(term) for term in terms)

    def term_name(self, term: str, language: Language) -> str:
        """Return what a message calls a term."""
        kind, _, value = term.rpartition(":")
        if kind == "group":
            return self.groups[value][language][0] if value in self.groups else value
        if kind == "allergen":
            if value in self.allergens:
                return self.allergens[value][language][0]
            if value in self.groups:
                return self.groups[value][language][0]
        if kind == "tag":
            topic = self.topics.get(value)
            return topic.words[language][0] if topic else value
        if kind == "dish":
            return self.dishes[value].title.in_language(language)
        return (
            self.ingredients[value].name.in_language(language)
            if value in self.ingredients
            else value
        )

    def line(self, key: str, quantity: float) -> MealIngredient:
        """Make the shopping-list line of an ingredient, its quantity rounded to a usual one."""
        ingredient = self.ingredients[key]
        return MealIngredient(
            key=key,
            name=ingredient.name,
            category=ingredient.category,
            quantity=round_quantity(quantity, ingredient.unit.en),
            unit=ingredient.unit,
        )


def round_quantity(quantity: float, unit: str) -> float:
    """Round to an amount a cook would write: 12 g, 0.5 tbsp, a quarter of a cabbage, whole eggs."""
    if unit in ("g", "ml"):
        step: float = 1 if quantity < 20 else 5 if quantity < 100 else 10
    elif unit in ("tbsp", "tsp"):
        step = 0.5 if quantity >= 0.4 else 0.1
    elif unit in ("clove", "sheet", "leaf", "slice", "fillet", "fish"):
        step = 1
    elif quantity < 0.25:
        step = 0.05
    else:
        step = 0.25 if quantity < 2 else 0.5 if quantity < 4 else 1
    return max(round(round(quantity / step) * step, 2), step)


def read_data(name: str) -> Any:
    """Read one of the YAML files beside this module."""
    # libyaml reads the catalogue some ten times faster than the pure Python loader.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DATA / name).read_bytes(), loader)  # noqa: S506 - both are safe loaders


def _words(entry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {language: tuple(map(str, entry.get(language, ()))) for language in LANGUAGES}


def _part(text: str) -> Part:
    key, quantity = text.split()
    return Part(key, float(quantity.rstrip("!?")), quantity[-1] == "!", quantity[-1] == "?")


@functools.cache
def catalogue() -> Catalogue:
    """Return the catalogue, read at the first call (about 0.2 s) and shared afterwards."""
    ingredients = {
        row["key"]: Ingredient(
            key=row["key"],
            name=Text(**{language: str(row[language]) for language in LANGUAGES}),
            category=row["category"],
            unit=Text(**row["unit"]),
            g_per_unit=float(row["g_per_unit"]),
            allergens=frozenset(row.get("allergens", ())),
            groups=frozenset(row.get("groups", ())),
            synonyms=_words(row.get("synonyms", {})),
            subs=tuple(row.get("subs", ())),
        )
        for row in read_data("ingredients.yaml")
    }
    dishes = {
        row["id"]: Dish(
            id=row["id"],
            title=Text(**row["title"]),
            text=Text(**row["text"]),
            aliases=_words(row.get("aliases", {})),
            minutes=row["minutes"],
            cost=row["cost"],
            tags=frozenset(row["tags"]),
            parts=tuple(map(_part, row["ingredients"])),
        )
        for file in DISH_FILES
        for row in read_data(file)
    }
    words = read_data("words.yaml")
    diets = {
        name: Diet(
            words=_words(row["words"]),
            terms=(
                *(f"group:{g}" for g in row.get("groups", ())),
                *(f"allergen:{a}" for a in row.get("allergens", ())),
            ),
            tags=frozenset(row.get("tags", ())),
            avoid_tags=frozenset(row.get("avoid_tags", ())),
            less_groups=frozenset(row.get("less_groups", ())),
        )
        for name, row in words["diets"].items()
    }
    topics = {
        name: Topic(tag=row.get("tag", name), kind=row.get("kind", False), words=_words(row))
        for name, row in words["topics"].items()
    }
    return Catalogue(
        ingredients=ingredients,
        dishes=dishes,
        groups={name: _words(row) for name, row in words["groups"].items()},
        allergens={name: _words(row) for name, row in words["allergens"].items()},
        diets=diets,
        topics=topics,
        picks=words["picks"],
        allergy_of={term: tuple(names) for term, names in words["allergy_of"].items()},
    )
