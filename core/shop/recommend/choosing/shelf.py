"""The store's products, put apart: what is on the list, and what may be suggested for it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Store
from core.shop.meal.models import Language
from core.shop.recommend.choosing.exclusions import excluded_ids
from core.shop.recommend.choosing.likeness import metres, same_kind
from core.shop.recommend.names import store_language
from core.shop.recommend.products import in_stock


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is to choose from.

    products: the catalogue by id. listed: the store's products on the list. free: those that may
    be suggested at all: in stock, not listed, not excluded.
    """

    products: Mapping[int, store_pb2.Product]
    listed: Sequence[store_pb2.Product]
    free: Sequence[store_pb2.Product]

    @classmethod
    async def read(
        cls, store: Store, todos: recommend_pb2.Todos, excluded_terms: Collection[str]
    ) -> Shelf:
        """Read the catalogue and put the listed and the excluded aside. Raises StoreUnavailable."""
        products = {product.id: product for product in await store.list_products()}
        on_list = dict.fromkeys(item.product.id for item in todos.items)
        listed = [products[i] for i in on_list if i in products]
        barred = await excluded_ids(store, products.values(), excluded_terms)
        free = [
            product
            for product in products.values()
            if product.id not in on_list and product.id not in barred and in_stock(product)
        ]
        return cls(products, listed, free)

    @property
    def language(self) -> Language:
        """The language that the store names its products in; only where something is listed."""
        return store_language(self.listed[0])

    def like_listed(self, product: store_pb2.Product) -> bool:
        """Tell whether the list has something of this kind already."""
        return any(same_kind(product, listed) for listed in self.listed)

    def nearest_listed(self, product: store_pb2.Product) -> tuple[float, store_pb2.Product] | None:
        """Find the listed product that stands closest, and how many metres away it is.

        None when the place of the product, or of all that is listed, is not known.
        """
        if not product.HasField("location"):
            return None
        near = [
            (metres(product.location, other.location), other)
            for other in self.listed
            if other.HasField("location")
        ]
        return min(near, key=lambda pair: (pair[0], pair[1].id), default=None)

    def metres_to_listed(self, product: store_pb2.Product) -> float:
        """Return the metres to the closest listed product; infinity when a place is not known."""
        near = self.nearest_listed(product)
        return near[0] if near else math.inf
