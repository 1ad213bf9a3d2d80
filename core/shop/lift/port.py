"""What the rest of the program knows of co-purchase lift: pairs, and where to ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# What makes a pair; core.shop.lift.expression says what each does.
MIN_CO_COUNT = 5
MIN_CUSTOMERS = 3
PRIOR_CUSTOMERS = 10
TOP = 50


@dataclass(frozen=True, slots=True)
class Pair:
    """How buying `product_id` changes the chance that `other_id` is bought with it.

    lift: times as likely as by chance, shrunk towards 1 when few customers stand behind it.
    support: share of all baskets that hold both, 0 to 1.
    confidence: share of the baskets with product_id that also hold other_id, 0 to 1 (the CVR).
    co_count: baskets that hold both. customers: distinct customers behind these baskets.
    """

    product_id: int
    other_id: int
    lift: float
    support: float
    confidence: float
    co_count: int
    customers: int


class LiftPairs(Protocol):
    """One tenant's pairs."""

    async def pairs_for(self, product_ids: Sequence[int]) -> list[Pair]:
        """Read the pairs that start at one of these products, the highest lift first."""
        ...
