"""Step 3: what goes with the list. Co-purchase lift first, then dearer and cheap little things.

docs/shop/lift.md has the formulas in one place.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field

from onegenie.recommend.v1 import recommend_pb2

from core.shop.catalogue.port import Store
from core.shop.lift.port import LiftPairs
from core.shop.recommend import wording
from core.shop.recommend.choosing.candidates import (
    complement_candidates,
    impulse_candidates,
    lift_candidates,
    upsell_candidates,
)
from core.shop.recommend.choosing.choice import Choice
from core.shop.recommend.choosing.shelf import Shelf
from core.shop.recommend.products import to_product

ITEMS = 6
UPSELLS = 1
IMPULSES = 1
# At most this many suggestions of one section, so that six are not six sauces.
PER_SECTION = 2


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Step 3's result. analyst_comments: why, by rec_id; never sent to shoppers."""

    items: list[recommend_pb2.RecommendedItem] = field(default_factory=list)
    analyst_comments: dict[str, str] = field(default_factory=dict)


async def suggest_items(
    *,
    todos: recommend_pb2.Todos,
    lift: LiftPairs,
    store: Store,
    excluded_terms: Collection[str] = (),
) -> Suggestions:
    """Suggest about six products that go with the list.

    Cross-sell from the pairs of the listed products, one upsell of a listed product, one impulse
    item; more cross-sell where one of these is missing. Never a listed product or one of the same
    kind (unless as its upsell), one that is out of stock, or one that an excluded term names.

    Without any pair to go by (a new tenant), one product each of sections that the list does not
    cover takes the place of cross-sell, and its text says that there is no co-purchase data. An
    empty list gets no suggestions.

    excluded_terms: what the shopper does not want or must not have, in any language.
    Raises StoreUnavailable.
    """
    shelf = await Shelf.read(store, todos, excluded_terms)
    if not shelf.listed:
        return Suggestions()
    paired = lift_candidates(await lift.pairs_for([p.id for p in shelf.listed]), shelf)
    ups = upsell_candidates(shelf)
    treats = impulse_candidates(shelf, {c.product.id: c for c in paired})

    chosen = Choice(shelf, PER_SECTION)
    chosen.take(paired, ITEMS - UPSELLS - IMPULSES)
    if not paired:
        chosen.take(complement_candidates(shelf), ITEMS - UPSELLS - IMPULSES)
    chosen.take(ups, UPSELLS)
    chosen.take(treats, IMPULSES)
    chosen.take(paired, ITEMS - len(chosen.items))

    result = Suggestions()
    for candidate in chosen.items:
        rec_id, texts = str(uuid.uuid4()), wording.write(candidate, shelf.language)
        result.items.append(
            recommend_pb2.RecommendedItem(
                rec_id=rec_id,
                reason=candidate.reason,
                reason_detail=texts.detail,
                reason_detail_marketing=texts.marketing,
                product=to_product(candidate.product),
            )
        )
        result.analyst_comments[rec_id] = texts.comment
    return result
