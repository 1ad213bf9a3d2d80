"""Which candidates are chosen, and which of them stand in each other's way."""

from __future__ import annotations

from collections.abc import Iterable

from core.shop.recommend.choosing.candidates import UPSELL, Candidate
from core.shop.recommend.choosing.likeness import same_kind
from core.shop.recommend.choosing.shelf import Shelf


class Choice:
    """Picks candidates in order: no two of a kind, no more than `per_section` of one section, and
    none of a kind with a listed product, unless it is that product's upsell."""

    def __init__(self, shelf: Shelf, per_section: int) -> None:
        self.items: list[Candidate] = []
        self._shelf = shelf
        self._per_section = per_section

    def take(self, candidates: Iterable[Candidate], count: int) -> None:
        """Add the first `count` candidates that fit beside those chosen already."""
        for candidate in candidates:
            if count <= 0:
                return
            if self._fits(candidate):
                self.items.append(candidate)
                count -= 1

    def _fits(self, candidate: Candidate) -> bool:
        product = candidate.product
        chosen = [c.product for c in self.items]
        return (
            sum(p.section_code == product.section_code for p in chosen) < self._per_section
            and not any(p.id == product.id or same_kind(p, product) for p in chosen)
            and (candidate.reason == UPSELL or not self._shelf.like_listed(product))
        )
