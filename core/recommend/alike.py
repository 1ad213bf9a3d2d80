"""How alike two products are, and how far apart they stand."""

from __future__ import annotations

import math
import statistics
from functools import lru_cache

from onegenie.store.v1 import store_pb2

from core.recommend import wording


def metres(one: store_pb2.Location, other: store_pb2.Location) -> float:
    """How far apart two places are, from centre to centre."""
    return math.dist((one.x, one.y), (other.x, other.y))


@lru_cache(maxsize=50_000)
def _words(name: str, brand: str) -> tuple[str, ...]:
    # Asked for again with every round, of the same few hundred names.
    drop = set(brand.casefold().split())
    return tuple(word for word in wording.plain(name.casefold()).split() if word not in drop)


def _word_pairs(
    one: store_pb2.Product, other: store_pb2.Product
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The words of both products' names: in the store's language, and in English."""
    names = ((one.name, other.name), (one.name_en, other.name_en))
    pairs = [(_words(a, one.brand), _words(b, other.brand)) for a, b in names]
    return [(a, b) for a, b in pairs if a and b]


def alikeness(one: store_pb2.Product, other: store_pb2.Product) -> float:
    """Share of the shorter name's words that the longer one has too, 0 to 1: the mean of the
    store's names and the English ones; sizes and brands don't count."""
    shares = [len({*a} & {*b}) / min(len({*a}), len({*b})) for a, b in _word_pairs(one, other)]
    return statistics.fmean(shares) if shares else 0.0


def same_kind(one: store_pb2.Product, other: store_pb2.Product) -> bool:
    """Whether two products are the same thing to a shopper: of one section, and either half of
    the words of their names are the same or both names end in the same word, which in Korean and
    English says what a thing is."""
    return one.section_code == other.section_code and (
        any(a[-1] == b[-1] for a, b in _word_pairs(one, other)) or alikeness(one, other) >= 0.5
    )
