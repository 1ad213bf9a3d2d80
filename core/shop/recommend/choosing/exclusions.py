"""What the shopper does not want or must not have, found among a store's products."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Store
from core.shop.catalogue.search import normalise
from core.shop.meal.catalogue import catalogue
from core.shop.meal.contents import contents, named
from core.shop.meal.conversation import is_minor
from core.shop.meal.models import Constraints

# Words that name whole sections: who excludes these excludes all that stands there.
SECTION_WORDS = {
    "AL": ["술", "주류", "알코올", "alcohol", "liquor", "酒", "お酒", "酒類", "アルコール"],
    "MT": ["고기", "육류", "meat", "肉", "お肉", "精肉"],
    "FI": ["해산물", "수산물", "생선", "seafood", "fish", "魚", "魚介", "魚介類", "海鮮"],
    "DY": ["유제품", "dairy", "乳製品"],
}


_SECTION_TERMS = {
    "AL": {"group:alcohol"},
    "MT": {"group:meat"},
    "FI": {"group:seafood", "group:fish", "allergen:fish"},
    "DY": {"group:dairy", "allergen:milk"},
}

# Most queries of one search call, as the store's contract has it.
_QUERIES = 200


def excluded_terms(constraints: Constraints, age: int | None = None) -> frozenset[str]:
    """Return all that a chat excludes, as terms (see Constraints).

    That is what the shopper does not want, is allergic to, does not eat by diet, or is too young
    for. age: in years, None when it is not known.
    """
    terms = set(catalogue().banned_terms(constraints))
    if is_minor(age):
        terms.add("group:alcohol")
    return frozenset(terms)


def excluded_words(constraints: Constraints, age: int | None = None) -> frozenset[str]:
    """Return the terms of all that a chat excludes, and the words for them in all languages."""
    vocabulary = catalogue()
    terms = excluded_terms(constraints, age)
    words = set(terms)
    for term in terms:
        kind, _, value = term.rpartition(":")
        known = {"group": vocabulary.groups, "allergen": vocabulary.allergens}.get(kind, {})
        words.update(word for some in known.get(value, {}).values() for word in some)
    for key, ingredient in vocabulary.ingredients.items():
        if vocabulary.is_banned(key, terms):
            words.update((ingredient.name.ko, ingredient.name.en, ingredient.name.ja))
            words.update(word for some in ingredient.synonyms.values() for word in some)
    return frozenset(words)


async def excluded_ids(
    store: Store, products: Iterable[store_pb2.Product], terms: Collection[str]
) -> set[int]:
    """Find the products that a term or word names: by the store's own search, by what their names
    imply that they contain, or by section.

    Rather too many than too few: 우유 takes 우유 식빵 and 카페라떼 along, for it may be an allergy.
    Raises StoreUnavailable.
    """
    barrier = _barrier(frozenset(term.strip().casefold() for term in terms) - {""})
    if not barrier.words and not barrier.terms:
        return set()
    queries = [store_pb2.ProductQuery(ko=term, en=term, ja=term) for term in barrier.words]
    found: set[int] = set()
    for start in range(0, len(queries), _QUERIES):
        matches = await store.search_products(queries[start : start + _QUERIES], limit=100)
        found |= {product.id for match in matches for product in match}
    # A large store's names take seconds when they are read for the first time: not on the loop.
    found |= await asyncio.to_thread(
        lambda: {product.id for product in products if barrier.bars(product)}
    )
    return found


def barred(product: store_pb2.Product, terms: Collection[str]) -> bool:
    """Tell whether a product's names or section say that it has something the terms exclude."""
    return _barrier(frozenset(terms)).bars(product)


@dataclass(frozen=True, slots=True)
class _Barrier:
    """terms: of the vocabulary. words: what the store's search is asked for. patterns: for
    words that the vocabulary doesn't know."""

    terms: frozenset[str]
    words: tuple[str, ...]
    sections: frozenset[str]
    patterns: tuple[str, ...]

    def bars(self, product: store_pb2.Product) -> bool:
        """Tell whether a product has, or may have, what is excluded."""
        names = (product.name, product.name_en, product.name_ja)
        if product.section_code in self.sections:
            return True
        if not self.terms.isdisjoint(contents(*names, section=product.section_code)):
            return True
        return bool(self.patterns) and any(pattern in _names(*names) for pattern in self.patterns)


@lru_cache(maxsize=1_000)
def _barrier(excluded: frozenset[str]) -> _Barrier:
    keys = catalogue().ingredients.keys()
    terms = {term for term in excluded if ":" in term or term in keys}
    words = sorted(term for term in excluded if ":" not in term)
    known = {word: named(word) for word in words}
    # Words that come with terms only spell these out; words alone stand for what they name.
    if not any(":" in term for term in excluded):
        terms = terms.union(*known.values())
    sections = {
        code
        for code, names in SECTION_WORDS.items()
        if not {*names}.isdisjoint(excluded) or not _SECTION_TERMS[code].isdisjoint(excluded)
    }
    patterns = tuple(_pattern(word) for word in words if not known[word] and word not in keys)
    return _Barrier(frozenset(terms), tuple(words), frozenset(sections), patterns)


def _pattern(term: str) -> str:
    """Return what to look for in _names: in English a whole word, in Korean and Japanese any part.

    A single Korean syllable counts at a word's end only: 파 ends 대파, in 파스타 it means nothing.
    """
    if term.isascii():
        return f" {_singular(term)} "
    return f"{term} " if len(term) == 1 and "가" <= term <= "힣" else term


@lru_cache(maxsize=50_000)
def _names(*names: str) -> str:
    # Asked for again with every round, of the same products.
    return "".join(f" {_singular(name)} " for name in names)


def _singular(text: str) -> str:
    """Return the words as the store's search has them: potatoes and Potato are the same."""
    return " ".join(filter(None, map(normalise, re.split(r"[\W_]+", text))))
