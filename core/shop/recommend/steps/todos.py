"""Step 2: the meal's ingredients become a shopping list of the tenant's store."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Store
from core.shop.meal.catalogue import catalogue
from core.shop.meal.models import Constraints, Meal, MealIngredient, Text
from core.shop.recommend.choosing.exclusions import barred, excluded_terms
from core.shop.recommend.products import in_stock, to_product

# The way a picker walks; codes on one line share a rank. Unknown codes come last.
_AISLES = (
    ("PR",),
    ("DL",),
    ("BK", "SW", "SN"),
    ("AL",),
    ("DY", "DR"),
    ("PA",),
    ("MT",),
    ("FI",),
    ("FR",),
)
_RANK = {code: rank for rank, codes in enumerate(_AISLES) for code in codes}

# Comes from the tap. An engine may list it as an ingredient all the same.
_FROM_THE_TAP = {
    *("물", "찬물", "뜨거운 물", "따뜻한 물", "끓는 물", "수돗물"),
    *("water", "cold water", "hot water", "warm water", "boiling water", "tap water"),
    *("水", "お水", "お湯", "湯", "ぬるま湯", "熱湯", "冷水"),
}

# Grams or millilitres in units that an engine may use outside the vocabulary.
_MEASURES = {
    **dict.fromkeys(("g", "gram", "grams", "ml"), 1.0),
    **dict.fromkeys(("kg", "l", "liter", "litre"), 1000.0),
    **dict.fromkeys(("tbsp", "tablespoon", "tablespoons"), 15.0),
    **dict.fromkeys(("tsp", "teaspoon", "teaspoons"), 5.0),
    **dict.fromkeys(("cup", "cups"), 200.0),
}

_CANDIDATES = 20
_MOST_PACKS = 99


async def make_todos(meal: Meal, store: Store) -> recommend_pb2.Todos:
    """Make the shopping list of a meal: its texts, its ingredients, and what to buy in aisle order.

    For each ingredient the product in stock that wastes least, then costs least, in as many packs
    as the recipe needs (at most 99, at most what is in stock). Never bought: tap water, and a
    product whose name implies what the chat excludes. An ingredient with nothing left in stock
    stays in `ingredients` and has no item. Two ingredients served by one product share an item.
    `total` is the sum of price times quantity. Raises StoreUnavailable.
    """
    wanted = [ingredient for ingredient in meal.ingredients if not _from_the_tap(ingredient)]
    queries = [store_pb2.ProductQuery(ko=i.name.ko, en=i.name.en, ja=i.name.ja) for i in wanted]
    answers = await store.search_products(queries, _CANDIDATES) if queries else []
    # Reading the vocabulary takes some tenths of a second, once: not on the loop.
    found = await asyncio.to_thread(_allowed, answers, meal.constraints)
    picks: dict[int, _Pick] = {}
    for ingredient, candidates in zip(wanted, found, strict=True):
        pick = _pick(ingredient, candidates)
        if pick is None:
            continue
        held = picks.setdefault(pick.product.id, _Pick(pick.product, 0))
        held.packs = min(held.packs + pick.packs, _most_packs(pick.product))
    items = _in_aisle_order(picks.values())
    return recommend_pb2.Todos(
        recipe_title=meal.recipe_title,
        intro_message=meal.intro_message,
        recipe_description=meal.recipe_description,
        recommendation_message=meal.recommendation_message,
        ingredients=[_ingredient(ingredient) for ingredient in meal.ingredients],
        items=[
            recommend_pb2.TodoItem(quantity=pick.packs, product=to_product(pick.product))
            for pick in items
        ],
        total=sum(pick.product.price * pick.packs for pick in items),
    )


def _allowed(
    answers: Sequence[Sequence[store_pb2.Product]], constraints: Constraints
) -> list[list[store_pb2.Product]]:
    terms = excluded_terms(constraints)
    return [[each for each in answer if not barred(each, terms)] for answer in answers]


@dataclass
class _Pick:
    product: store_pb2.Product
    packs: int


def _pick(ingredient: MealIngredient, candidates: Sequence[store_pb2.Product]) -> _Pick | None:
    """Pick the best product in stock and the number of its packs; None when there is none."""
    best: tuple[tuple[float, ...], _Pick] | None = None
    for place, product in enumerate(candidates):
        if not in_stock(product):
            continue
        most = _most_packs(product)
        packs, waste = 1, math.inf
        need = _need(ingredient, product.pack_unit)
        if need is not None and product.pack_size > 0:
            packs = max(1, math.ceil(need / product.pack_size - 1e-9))
            # In half doublings of the need: 45 g or 50 g of pepper for a recipe's 2 g are the
            # same waste, and the price decides. What isn't measured ranks behind what fits.
            bought = min(packs, most) * product.pack_size
            waste = abs(round(2 * math.log2(bought / need)))
        short = packs > most
        packs = min(packs, most)
        price = product.price * packs if product.HasField("price") else math.inf
        key = (short, waste, price, packs, place)
        if best is None or key < best[0]:
            best = (key, _Pick(product, packs))
    return best[1] if best else None


def _most_packs(product: store_pb2.Product) -> int:
    return min(product.quantity, _MOST_PACKS) if product.HasField("quantity") else _MOST_PACKS


def _need(ingredient: MealIngredient, pack_unit: str) -> float | None:
    """Return how much of the ingredient is needed, counted as the pack is; None when unknown.

    Millilitres and grams count as one: recipes are not that exact.
    """
    if ingredient.quantity <= 0:
        return None
    unit = ingredient.unit.en.strip().casefold()
    if pack_unit == "ea":
        return None if unit in _MEASURES else ingredient.quantity
    known = catalogue().ingredients.get(ingredient.key or "")
    per_unit = known.g_per_unit if known else _MEASURES.get(unit)
    return None if per_unit is None else ingredient.quantity * per_unit


def _from_the_tap(ingredient: MealIngredient) -> bool:
    name = ingredient.name
    if ingredient.key == "water" and ingredient.unit.en.casefold() not in ("bottle", "bottles"):
        return True
    return any(text.strip().casefold() in _FROM_THE_TAP for text in (name.ko, name.en, name.ja))


def _in_aisle_order(picks: Iterable[_Pick]) -> list[_Pick]:
    return sorted(picks, key=lambda pick: _RANK.get(pick.product.section_code, len(_AISLES)))


def _ingredient(ingredient: MealIngredient) -> recommend_pb2.Ingredient:
    return recommend_pb2.Ingredient(
        name=_text(ingredient.name),
        category=ingredient.category,
        quantity=ingredient.quantity,
        quantity_unit=_text(ingredient.unit),
    )


def _text(text: Text) -> recommend_pb2.IngredientText:
    return recommend_pb2.IngredientText(ko=text.ko, en=text.en, jp=text.ja)
