"""What speaks for a candidate: the figures that its texts are written from.

`method` is what clients read of it. Texts are written later (wording.py), and only for the handful
that is chosen of some hundred candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.lift.port import Pair


@dataclass(frozen=True, slots=True)
class BoughtTogether:
    """It is bought with listed products. pairs: the strongest first, that of `anchor`."""

    method: ClassVar = "copurchase_lift"

    anchor: store_pb2.Product
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class PriceStep:
    """It is a dearer kind of a listed product.

    alike: share of the names' words in common, 0 to 1. cheaper: by how much a unit of it is
    cheaper, 0 to 1.
    """

    method: ClassVar = "price_step"

    listed: store_pb2.Product
    alike: float
    cheaper: float


@dataclass(frozen=True, slots=True)
class LowPrice:
    """It is cheap. median: the price that half of the impulse sections' products are below."""

    method: ClassVar = "impulse_price"

    median: float


@dataclass(frozen=True, slots=True)
class MissingSection:
    """The list has nothing of its section."""

    method: ClassVar = "section_complement"


@dataclass(frozen=True, slots=True)
class Nearby:
    """It is discounted and stands so many metres from a listed product."""

    method: ClassVar = "zone_proximity"

    listed: store_pb2.Product
    metres: float


@dataclass(frozen=True, slots=True)
class Recommended:
    """Step 3 recommended it; the offer repeats that item's texts."""

    method: ClassVar = "recommended_item"

    item: recommend_pb2.RecommendedItem


Evidence = BoughtTogether | PriceStep | LowPrice | MissingSection | Nearby | Recommended
