"""How alike two products are, and how far apart they stand."""

from __future__ import annotations

import math
from functools import lru_cache

from onegenie.store.v1 import store_pb2

from core.shop.recommend import wording


def metres(one: store_pb2.Location, other: store_pb2.Location) -> float:
    """How far apart two places are, from centre to centre."""
    return math.dist((one.x, one.y), (other.x, other.y))


@lru_cache(maxsize=50_000)
def _words(name: str, brand: str) -> tuple[str, frozenset[str]]:
    """The last word of a name and all of them; ("", empty) when there is none."""
    # Asked for again with every round, of the same few hundred names.
    drop = set(brand.casefold().split())
    words = [word for word in wording.plain(name.casefold()).split() if word not in drop]
    return (words[-1] if words else "", frozenset(words))


def _word_pairs(
    one: store_pb2.Product, other: store_pb2.Product
) -> list[tuple[tuple[str, frozenset[str]], tuple[str, frozenset[str]]]]:
    """The words of both products' names: in the store's language, and in English."""
    brand, other_brand = one.brand, other.brand
    pairs = (
        (_words(one.name, brand), _words(other.name, other_brand)),
        (_words(one.name_en, brand), _words(other.name_en, other_brand)),
    )
    return [(a, b) for a, b in pairs if a[1] and b[1]]


def alikeness(one: store_pb2.Product, other: store_pb2.Product) -> float:
    """Share of the shorter name's words that the longer one has too, 0 to 1: the mean of the
    store's names and the English ones; sizes and brands don't count."""
    shares = [len(a & b) / min(len(a), len(b)) for (_, a), (_, b) in _word_pairs(one, other)]
    return sum(shares) / len(shares) if shares else 0.0


def same_kind(one: store_pb2.Product, other: store_pb2.Product) -> bool:
    """Whether two products are the same thing to a shopper: of one section, and either half of
    the words of their names are the same or both names end in the same word, which in Korean and
    English says what a thing is."""
    return one.section_code == other.section_code and (
        any(a == b for (a, _), (b, _) in _word_pairs(one, other)) or alikeness(one, other) >= 0.5
    )
