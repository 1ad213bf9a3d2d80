"""How alike two products are, and how far apart they stand."""

from __future__ import annotations

import math
from functools import lru_cache

from onegenie.store.v1 import store_pb2

from core.shop.recommend.names import plain


def metres(place: store_pb2.Location, other: store_pb2.Location) -> float:
    """Return how far apart two places are, in metres from centre to centre."""
    return math.dist((place.x, place.y), (other.x, other.y))


@lru_cache(maxsize=50_000)
def _words(name: str, brand: str) -> tuple[str, frozenset[str]]:
    """Return the last word of a name, and all of them; ("", empty) when there is none."""
    # Asked for again with every round, of the same few hundred names.
    drop = set(brand.casefold().split())
    words = [word for word in plain(name.casefold()).split() if word not in drop]
    return (words[-1] if words else "", frozenset(words))


def _word_pairs(
    product: store_pb2.Product, other: store_pb2.Product
) -> list[tuple[tuple[str, frozenset[str]], tuple[str, frozenset[str]]]]:
    """Return the words of both products' names: in the store's language, and in English."""
    brand, other_brand = product.brand, other.brand
    pairs = (
        (_words(product.name, brand), _words(other.name, other_brand)),
        (_words(product.name_en, brand), _words(other.name_en, other_brand)),
    )
    return [(a, b) for a, b in pairs if a[1] and b[1]]


def alikeness(product: store_pb2.Product, other: store_pb2.Product) -> float:
    """Return the share of the shorter name's words that the longer one has too, 0 to 1.

    The mean of the store's names and the English ones; sizes and brands don't count.
    """
    shares = [len(a & b) / min(len(a), len(b)) for (_, a), (_, b) in _word_pairs(product, other)]
    return sum(shares) / len(shares) if shares else 0.0


def same_kind(product: store_pb2.Product, other: store_pb2.Product) -> bool:
    """Tell whether two products are the same thing to a shopper.

    They are when they are of one section, and either half of the words of their names are the same
    or both names end in the same word, which in Korean and English says what a thing is.
    """
    return product.section_code == other.section_code and (
        any(a == b for (a, _), (b, _) in _word_pairs(product, other))
        or alikeness(product, other) >= 0.5
    )
