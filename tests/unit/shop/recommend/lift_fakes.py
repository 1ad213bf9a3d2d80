"""A small store and its pairs, in memory."""

from collections.abc import Sequence
from typing import Any

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.lift.port import Pair


class FakeStore:
    """Store over given products; search looks for the query in the terms given to `make`."""

    def __init__(
        self, products: Sequence[store_pb2.Product], signage: Any = (), terms: Any = None
    ) -> None:
        self.products = list(products)
        self.screens = list(signage)
        self.terms = terms or {}

    async def search_products(self, queries: Any, limit: int = 10) -> Any:
        return [
            [p for p in self.products if query.ko in self.terms.get(p.id, ())][:limit]
            for query in queries
        ]

    async def batch_get_products(self, ids: Any) -> Any:
        by_id = {p.id: p for p in self.products}
        return [by_id[i] for i in ids if i in by_id]

    async def list_products(self) -> Any:
        return list(self.products)

    async def list_sections(self) -> Any:
        return []

    async def list_coupon_spots(self) -> Any:
        return []

    async def list_signage(self) -> Any:
        return self.screens

    async def list_promotions(self) -> Any:
        return []


class FakeLift:
    """LiftPairs over given pairs."""

    def __init__(self, *pairs: Pair) -> None:
        self.pairs = pairs

    async def pairs_for(self, product_ids: Any) -> Any:
        return [pair for pair in self.pairs if pair.product_id in product_ids]


def product(
    number: Any,
    ko: Any,
    section: Any,
    price: float = 3000.0,
    *,
    en: str = "",
    ja: str = "",
    x: Any = None,
    **more: Any,
) -> Any:
    """A product in stock; x: where it stands, y and radius are 0 and 1."""
    place = {} if x is None else {"location": store_pb2.Location(x=x, y=0, radius=1)}
    return store_pb2.Product(
        id=number,
        name=ko,
        name_en=en or f"item{number}",
        name_ja=ja or f"品{number}",
        section_code=section,
        price=price,
        price_unit="₩",
        **({"quantity": 20} | place | more),
    )


def pair(
    product_id: Any,
    other_id: Any,
    lift: float = 3.0,
    confidence: float = 0.2,
    support: float = 0.01,
    co_count: int = 400,
    customers: int = 300,
) -> Any:
    return Pair(product_id, other_id, lift, support, confidence, co_count, customers)


def todos(*products: Any) -> Any:
    """A list with one of each product."""
    return recommend_pb2.Todos(
        items=[
            recommend_pb2.TodoItem(
                quantity=1, product=recommend_pb2.Product(id=p.id, name=p.name, price=p.price)
            )
            for p in products
        ]
    )
