"""A small store and its pairs, in memory."""

from collections.abc import Sequence

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.lift.port import Pair


class FakeStore:
    """Store over given products; search looks for the query in the terms given to `make`."""

    def __init__(self, products: Sequence[store_pb2.Product], signage=(), terms=None) -> None:
        self.products = list(products)
        self.screens = list(signage)
        self.terms = terms or {}

    async def search_products(self, queries, limit=10):
        return [
            [p for p in self.products if query.ko in self.terms.get(p.id, ())][:limit]
            for query in queries
        ]

    async def get_products(self, ids):
        by_id = {p.id: p for p in self.products}
        return [by_id[i] for i in ids if i in by_id]

    async def list_products(self):
        return list(self.products)

    async def sections(self):
        return []

    async def coupon_spots(self):
        return []

    async def signage(self):
        return self.screens

    async def signage_events(self):
        return []


class FakeLift:
    """LiftPairs over given pairs."""

    def __init__(self, *pairs: Pair) -> None:
        self.pairs = pairs

    async def pairs_for(self, product_ids):
        return [pair for pair in self.pairs if pair.product_id in product_ids]


def product(number, ko, section, price=3000.0, *, en="", ja="", x=None, **more):
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


def pair(product_id, other_id, lift=3.0, confidence=0.2, support=0.01, co_count=400, customers=300):
    return Pair(product_id, other_id, lift, support, confidence, co_count, customers)


def todos(*products):
    """A list with one of each product."""
    return recommend_pb2.Todos(
        items=[
            recommend_pb2.TodoItem(
                quantity=1, product=recommend_pb2.Product(id=p.id, name=p.name, price=p.price)
            )
            for p in products
        ]
    )
