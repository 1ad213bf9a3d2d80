"""From ingredients to a shopping list."""

from collections.abc import Sequence
from typing import Any

import pytest
from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import StoreUnavailable
from core.shop.meal.models import Meal, MealIngredient, Text
from core.shop.recommend.steps.todos import make_todos

GRAM = Text(ko="g", en="g", ja="g")
PIECE = Text(ko="개", en="piece", ja="個")
SPOON = Text(ko="큰술", en="tbsp", ja="大さじ")


class Shelf:
    """A store that answers a Korean name with what stands under it."""

    def __init__(self, **products: Sequence[store_pb2.Product]) -> None:
        self.products = products

    async def search_products(self, queries: Any, limit: int = 10) -> Any:
        return [list(self.products.get(query.ko, ()))[:limit] for query in queries]


def product(
    id: int, price: float | None = 1000, size: str = "", **fields: Any
) -> store_pb2.Product:
    """`size` is like "300 g"."""
    amount, _, unit = size.partition(" ")
    if size:
        fields |= {"pack_size": float(amount), "pack_unit": unit}
    return store_pb2.Product(id=id, name=f"product {id}", price=price, **fields)


def ingredient(
    ko: str, quantity: float = 1, unit: Text = GRAM, key: str | None = None, en: str = ""
) -> MealIngredient:
    return MealIngredient(
        key=key,
        name=Text(ko=ko, en=en or f"{ko} en", ja=f"{ko} ja"),
        category="Pantry",
        quantity=quantity,
        unit=unit,
    )


def meal(*ingredients: MealIngredient) -> Meal:
    return Meal(
        dish=None,
        recipe_title="제목",
        intro_message="인사",
        recipe_description="설명",
        recommendation_message="이유",
        servings=2,
        minutes=None,
        ingredients=ingredients,
    )


async def bought(store: Shelf, *ingredients: MealIngredient) -> list[tuple[int, int]]:
    todos = await make_todos(meal(*ingredients), store)  # type: ignore[arg-type]
    return [(item.product.id, item.quantity) for item in todos.items]


@pytest.mark.parametrize(
    ("need", "shelf", "expected"),
    [
        # The right size, though another is cheaper.
        (300, [product(1, 900, "1000 g"), product(2, 1500, "300 g")], (2, 1)),
        # As many as it takes.
        (650, [product(1, 1500, "300 g")], (1, 3)),
        (600, [product(1, 1500, "300 g")], (1, 2)),
        # Equal waste: the cheaper, all packs counted.
        (600, [product(1, 1500, "300 g"), product(2, 2800, "600 g")], (2, 1)),
        # Next to nothing is needed: leftovers of 45 g or 50 g are the same, the price decides.
        (2, [product(1, 4980, "45 g"), product(2, 3480, "50 g")], (2, 1)),
        # Sold out is not chosen; unknown stock is.
        (300, [product(1, 10, "300 g", quantity=0), product(2, 1500, "500 g")], (2, 1)),
        # Enough of the second best beats too little of the best.
        (
            900,
            [product(1, 100, "300 g", quantity=2), product(2, 9000, "1000 g", quantity=1)],
            (2, 1),
        ),
        # Nobody has enough: what there is.
        (900, [product(1, 100, "300 g", quantity=2)], (1, 2)),
        # A measured pack beats one of unknown size; alone, that one does.
        (300, [product(1, 100), product(2, 1500, "300 g")], (2, 1)),
        (300, [product(1, 100)], (1, 1)),
        # Millilitres count as grams.
        (450, [product(1, 1000, "500 ml"), product(2, 900, "100 ml")], (1, 1)),
        # No price ranks behind a price.
        (300, [product(1, None, "300 g"), product(2, 5000, "300 g")], (2, 1)),
    ],
)
async def test_the_product_and_how_many(
    need: float, shelf: list[store_pb2.Product], expected: tuple[int, int]
) -> None:
    assert await bought(Shelf(무엇=shelf), ingredient("무엇", need)) == [expected]


async def test_units_of_the_vocabulary_become_grams() -> None:
    # An onion is 200 g: three need 600 g, so 500 g are too few.
    shelf = Shelf(양파=[product(1, 1000, "500 g"), product(2, 1200, "600 g")])
    assert await bought(shelf, ingredient("양파", 3, PIECE, key="onion")) == [(2, 1)]


async def test_pieces_are_counted_and_unknown_units_are_one_pack() -> None:
    eggs = Shelf(달걀=[product(1, 3680, "10 ea"), product(2, 2000, "6 ea")])
    assert await bought(eggs, ingredient("달걀", 4, PIECE, key="egg")) == [(2, 1)]
    assert await bought(eggs, ingredient("달걀", 12, PIECE, key="egg")) == [(2, 2)]
    assert await bought(eggs, ingredient("달걀", 300, GRAM)) == [(2, 1)]
    sauce = Shelf(비법=[product(1, 1000, "200 g")])
    assert await bought(sauce, ingredient("비법", 20, SPOON)) == [(1, 2)]
    handful = Text(ko="줌", en="handful", ja="つかみ")
    assert await bought(sauce, ingredient("비법", 20, handful)) == [(1, 1)]
    assert await bought(sauce, ingredient("비법", 0, SPOON)) == [(1, 1)]


async def test_an_ingredient_without_a_product_stays_an_ingredient_only() -> None:
    shelf = Shelf(두부=[product(1)], 간장=[product(2, quantity=0)])
    todos = await make_todos(
        meal(ingredient("용의 비늘"), ingredient("두부"), ingredient("간장")),
        shelf,  # type: ignore[arg-type]
    )
    assert [i.name.ko for i in todos.ingredients] == ["용의 비늘", "두부", "간장"]
    assert [item.product.id for item in todos.items] == [1]
    assert todos.total == 1000


async def test_one_product_for_two_ingredients_is_one_item() -> None:
    egg = product(1, 500, quantity=5)
    shelf = Shelf(달걀=[egg], 노른자=[egg])
    todos = await make_todos(meal(ingredient("달걀"), ingredient("노른자")), shelf)  # type: ignore[arg-type]
    assert [(i.product.id, i.quantity) for i in todos.items] == [(1, 2)]
    assert todos.total == 1000
    egg.quantity = 1
    assert await bought(shelf, ingredient("달걀"), ingredient("노른자")) == [(1, 1)]


async def test_water_is_not_bought_but_bottled_water_is() -> None:
    bottle = Text(ko="병", en="bottle", ja="本")
    shelf = Shelf(물=[product(1)], 생수=[product(2)], 육수용=[product(3)])
    assert await bought(shelf, ingredient("물", 500)) == []
    assert await bought(shelf, ingredient("육수용", 500, en="Hot water")) == []
    assert await bought(shelf, ingredient("생수", 500, GRAM, key="water")) == []
    assert await bought(shelf, ingredient("생수", 1, bottle, key="water")) == [(2, 1)]


async def test_items_are_in_aisle_order_and_stable_within_it() -> None:
    codes = ["FR", "EC", "PA", "SN", "FI", "BK", "MT", "DR", "", "AL", "DL", "DY", "SW", "PR", "PA"]
    shelf = Shelf(
        **{f"i{n}": [product(n, section_code=code or None)] for n, code in enumerate(codes)}
    )
    todos = await make_todos(meal(*(ingredient(f"i{n}") for n in range(len(codes)))), shelf)  # type: ignore[arg-type]
    order = ["PR", "DL", "SN", "BK", "SW", "AL", "DR", "DY", "PA", "PA", "MT", "FI", "FR", "EC"]
    assert [item.product.section_code for item in todos.items] == [*order, ""]
    assert [i.product.id for i in todos.items if i.product.section_code == "PA"] == [2, 14]
    assert not todos.items[-1].product.HasField("section_code")


async def test_the_message_says_it_all() -> None:
    place = store_pb2.Location(x=28, y=22.794, radius=0.5)
    tofu = product(
        196,
        1980,
        "300 g",
        name_en="Tofu",
        brand="콩마을",
        barcode="8801234567893",
        price_unit="₩",
        src_url="https://example.test/tofu.png",
        quantity=7,
        section_code="PA",
        section_name="식료품",
        zone_id=12,
        location=place,
        discount_pct=10,
    )
    block = Text(ko="모", en="block", ja="丁")
    todos = await make_todos(
        meal(ingredient("두부", 1.5, block, key="tofu", en="tofu")),
        Shelf(두부=[tofu]),  # type: ignore[arg-type]
    )
    assert todos == recommend_pb2.Todos(
        recipe_title="제목",
        intro_message="인사",
        recipe_description="설명",
        recommendation_message="이유",
        ingredients=[
            recommend_pb2.Ingredient(
                name=recommend_pb2.IngredientText(ko="두부", en="tofu", jp="두부 ja"),
                category="Pantry",
                quantity=1.5,
                quantity_unit=recommend_pb2.IngredientText(ko="모", en="block", jp="丁"),
            )
        ],
        items=[
            recommend_pb2.TodoItem(
                quantity=2,
                product=recommend_pb2.Product(
                    id=196,
                    name="product 196",
                    brand="콩마을",
                    barcode="8801234567893",
                    price=1980,
                    price_unit="₩",
                    src_url="https://example.test/tofu.png",
                    quantity=7,
                    section_code="PA",
                    section_name="식료품",
                    location=recommend_pb2.Location(x=28, y=22.794, radius=0.5),
                ),
            )
        ],
        total=3960,
    )


async def test_a_store_that_is_away_is_not_an_empty_store() -> None:
    class Away:
        async def search_products(self, queries: Any, limit: int = 10) -> None:
            raise StoreUnavailable("store: upstream timeout")

    with pytest.raises(StoreUnavailable, match=r"^store: upstream timeout$"):
        await make_todos(meal(ingredient("두부")), Away())  # type: ignore[arg-type]


async def test_a_meal_without_ingredients_asks_nothing() -> None:
    todos = await make_todos(meal(), Shelf())  # type: ignore[arg-type]
    assert (list(todos.items), todos.total) == ([], 0)
