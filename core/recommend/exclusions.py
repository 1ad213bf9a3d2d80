"""What the shopper does not want or must not have, found among a store's products."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from onegenie.store.v1 import store_pb2

from core.meal.catalogue import catalogue
from core.meal.conversation import is_minor
from core.meal.models import Constraints
from core.store.port import Store
from core.store.search import normalise

# Words that name whole sections: who excludes these excludes all that stands there.
SECTION_WORDS = {
    "AL": ["술", "주류", "알코올", "alcohol", "liquor", "酒", "お酒", "酒類", "アルコール"],
    "MT": ["고기", "육류", "meat", "肉", "お肉", "精肉"],
    "FI": ["해산물", "수산물", "생선", "seafood", "fish", "魚", "魚介", "魚介類", "海鮮"],
    "DY": ["유제품", "dairy", "乳製品"],
}


# Most queries of one search call, as the store's contract has it.
_QUERIES = 200


def excluded_words(constraints: Constraints, age: int | None = None) -> frozenset[str]:
    """The words, in all languages, for all that a chat excludes: what the shopper does not want,
    is allergic to, does not eat by diet, or is too young for (`age` in years, None: unknown)."""
    vocabulary = catalogue()
    terms = set(vocabulary.banned_terms(constraints))
    if is_minor(age):
        terms.add("group:alcohol")
    words: set[str] = set()
    for term in terms:
        kind, _, value = term.rpartition(":")
        named = {"group": vocabulary.groups, "allergen": vocabulary.allergens}.get(kind, {})
        words.update(word for some in named.get(value, {}).values() for word in some)
    for key, ingredient in vocabulary.ingredients.items():
        if vocabulary.is_banned(key, terms):
            words.update((ingredient.name.ko, ingredient.name.en, ingredient.name.ja))
            words.update(word for some in ingredient.synonyms.values() for word in some)
    return frozenset(words)


async def excluded_ids(
    store: Store, products: Iterable[store_pb2.Product], terms: Collection[str]
) -> set[int]:
    """Products that a term names: by the store's own search, by name, or by section.

    Rather too many than too few: 우유 takes 우유 식빵 along, for it may be an allergy.
    """
    wanted = sorted({term.strip().casefold() for term in terms} - {""})
    if not wanted:
        return set()
    queries = [store_pb2.ProductQuery(ko=term, en=term, ja=term) for term in wanted]
    found: set[int] = set()
    for start in range(0, len(queries), _QUERIES):
        matches = await store.search_products(queries[start : start + _QUERIES], limit=100)
        found |= {product.id for match in matches for product in match}
    sections = {code for code, words in SECTION_WORDS.items() if not {*words}.isdisjoint(wanted)}
    patterns = [_pattern(term) for term in wanted]
    for product in products:
        text = _names(product.name, product.name_en, product.name_ja)
        if product.section_code in sections or any(pattern in text for pattern in patterns):
            found.add(product.id)
    return found


def _pattern(term: str) -> str:
    """What to look for in _names: a whole word in English; in Korean and Japanese any part, but a
    single Korean syllable at a word's end only: 파 is at the end of 대파, in 파스타 it means
    nothing."""
    if term.isascii():
        return f" {_singular(term)} "
    return f"{term} " if len(term) == 1 and "가" <= term <= "힣" else term


@lru_cache(maxsize=50_000)
def _names(*names: str) -> str:
    # Asked for again with every round, of the same few hundred products.
    return "".join(f" {_singular(name)} " for name in names)


def _singular(text: str) -> str:
    """The words as the store's search has them: potatoes and Potato are the same."""
    return " ".join(filter(None, map(normalise, re.split(r"[\W_]+", text))))
