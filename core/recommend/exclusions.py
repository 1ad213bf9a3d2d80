"""What the shopper does not want or must not have, found among a store's products."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from onegenie.store.v1 import store_pb2

from core.store.port import Store
from core.store.search import normalise

# Words that name whole sections: who excludes these excludes all that stands there.
SECTION_WORDS = {
    "AL": ["술", "주류", "알코올", "alcohol", "liquor", "酒", "お酒", "酒類", "アルコール"],
    "MT": ["고기", "육류", "meat", "肉", "お肉", "精肉"],
    "FI": ["해산물", "수산물", "생선", "seafood", "fish", "魚", "魚介", "魚介類", "海鮮"],
    "DY": ["유제품", "dairy", "乳製品"],
}


async def excluded_ids(
    store: Store, products: Iterable[store_pb2.Product], terms: Collection[str]
) -> set[int]:
    """Products that a term names: by the store's own search, by name, or by section.

    Rather too many than too few: 우유 takes 우유 식빵 along, for it may be an allergy.
    """
    wanted = {term.strip().casefold() for term in terms} - {""}
    if not wanted:
        return set()
    queries = [store_pb2.ProductQuery(ko=term, en=term, ja=term) for term in sorted(wanted)]
    found = {p.id for match in await store.search_products(queries, limit=100) for p in match}
    sections = {code for code, words in SECTION_WORDS.items() if wanted.intersection(words)}
    named = {
        product.id
        for product in products
        if product.section_code in sections or any(_names(product, term) for term in wanted)
    }
    return found | named


def _names(product: store_pb2.Product, term: str) -> bool:
    names = [n.casefold() for n in (product.name, product.name_en, product.name_ja) if n]
    if term.isascii():
        return any(f" {_singular(term)} " in f" {_singular(name)} " for name in names)
    if len(term) == 1 and "가" <= term <= "힣":
        # 파 is at the end of 대파, but in 파스타 it means nothing.
        return any(word.endswith(term) for name in names for word in name.split())
    return any(term in name for name in names)


def _singular(text: str) -> str:
    """The words as the store's search has them: potatoes and Potato are the same."""
    return " ".join(normalise(word) for word in re.split(r"[\W_]+", text))
