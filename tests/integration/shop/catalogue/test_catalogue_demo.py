"""The demo store has everything the meal engine can ask for."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from onegenie.store.v1 import store_pb2

from core.platform.database import Database
from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.catalogue.import_catalogue import (
    ImportCatalogue,
    ean13_check_digit,
    import_catalogue,
)
from core.shop.meal.models import Meal, MealIngredient, Text
from core.shop.recommend.steps.todos import make_todos

SHOP = Path(__file__).parents[4] / "core" / "shop"
DEMO = SHOP / "catalogue" / "demo"
VOCABULARY = yaml.safe_load((SHOP / "meal" / "data" / "ingredients.yaml").read_text("utf-8"))
CODES = {*"PR DL BK SW SN AL DY DR PA MT FI FR EC HH CK".split()}  # noqa: SIM905


def texts(entry: dict[str, Any]) -> Text:
    return Text(ko=entry["ko"], en=entry["en"], ja=entry["ja"])


@pytest.fixture
async def demo(database: Database, tenant: Any) -> EmbeddedStore:
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, DEMO))
    return EmbeddedStore(database, tenant.id)


async def test_every_ingredient_is_in_stock_under_each_of_its_names(demo: EmbeddedStore) -> None:
    missing = []
    for language in ("ko", "en", "ja"):
        queries = [store_pb2.ProductQuery(**{language: entry[language]}) for entry in VOCABULARY]
        found = await demo.search_products(queries)
        missing += [
            (entry["key"], language)
            for entry, products in zip(VOCABULARY, found, strict=True)
            if not any(product.quantity > 0 for product in products)
        ]
    assert missing == []


async def test_what_is_found_is_the_ingredient(demo: EmbeddedStore) -> None:
    """Every product found carries the ingredient's Korean name among its terms."""
    with (DEMO / "products.csv").open(encoding="utf-8", newline="") as file:
        terms = {int(row["id"]): row["terms"].split("|") for row in csv.DictReader(file)}
    queries = [
        store_pb2.ProductQuery(ko=entry["ko"], en=entry["en"], ja=entry["ja"])
        for entry in VOCABULARY
    ]
    found = await demo.search_products(queries, 50)
    strangers = [
        (entry["key"], product.name)
        for entry, products in zip(VOCABULARY, found, strict=True)
        for product in products
        if entry["ko"] not in terms[product.id]
    ]
    assert strangers == []


async def test_every_ingredient_gets_a_sensible_number_of_packs(demo: EmbeddedStore) -> None:
    ingredients = tuple(
        MealIngredient(
            key=entry["key"],
            name=texts(entry),
            category=entry["category"],
            quantity=300 if entry["unit"]["en"] in ("g", "ml") else 1,
            unit=Text(**entry["unit"]),
        )
        for entry in VOCABULARY
    )
    meal = Meal(
        dish=None,
        recipe_title="",
        intro_message="",
        recipe_description="",
        recommendation_message="",
        servings=2,
        minutes=None,
        ingredients=ingredients,
    )
    todos = await make_todos(meal, demo)
    assert len(todos.ingredients) == len(VOCABULARY)
    assert {i.product.name: i.quantity for i in todos.items if i.quantity > 20} == {}
    assert todos.total == sum(item.product.price * item.quantity for item in todos.items)


def test_the_catalogue_is_a_shop() -> None:
    with (DEMO / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 620
    barcodes = {row["barcode"] for row in rows}
    assert len(barcodes) == len(rows)
    assert all(len(code) == 13 and ean13_check_digit(code[:12]) == code[12] for code in barcodes)
    for column in ("name", "name_en", "name_ja"):
        assert len({row[column] for row in rows}) > 0.97 * len(rows)
    complete = ("name", "name_en", "name_ja", "brand", "src_url", "section_code", "x", "pack_size")
    assert all(row[column] for row in rows for column in complete)
    assert all(row["price_unit"] == "₩" and 300 <= float(row["price"]) <= 100_000 for row in rows)
    assert 0 < sum(row["quantity"] == "0" for row in rows) < 30
    assert sum(bool(row["discount_pct"]) for row in rows) > 40
    codes = {row["section_code"] for row in rows}
    assert codes >= CODES
