"""The items that trigger events hold, as JSON: what was sent, or what the round has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.plain import plain

# What of a coupon call is not about the item.
_NOT_THE_COUPON = ("profile_id", "chat_id", "round_id", "kind")


def sent_items(items: Iterable[pb.SignageItem]) -> list[dict[str, Any]]:
    """Signage items as they were sent: the keys that were, and no others."""
    return [plain(item) for item in items]


def sent_coupon(request: pb.TriggerCouponRequest) -> dict[str, Any] | None:
    """The coupon as it was sent; None when nothing was but its rec_id."""
    item = plain(request)
    for key in _NOT_THE_COUPON:
        item.pop(key, None)
    return item if item.keys() > {"rec_id"} else None


def round_ads(round_: recommend.Round) -> list[dict[str, Any]]:
    """The round's ads, best first; none before step 4."""
    return [plain(item) for item in round_.notifications.ad.items]


def round_coupon(round_: recommend.Round, rec_id: str) -> dict[str, Any] | None:
    """The round's coupon of that rec_id."""
    coupons = round_.notifications.coupon
    return next((plain(item) for item in coupons if item.rec_id == rec_id), None)


def round_recommendation(round_: recommend.Round, rec_id: str) -> dict[str, Any] | None:
    """The recommended item of that rec_id, else the one whose product's id that is.

    It has the keys that ads and coupons have, as far as they are known.
    """
    items = round_.recommended_items
    found = next((item for item in items if item.rec_id == rec_id), None) or next(
        (item for item in items if str(item.product.id) == rec_id), None
    )
    if found is None:
        return None
    item = plain(found)
    product = item["product"]
    known = {
        "rec_id": item["rec_id"],
        "item_id": product["id"],
        "item_name": product["name"],
        **{key: product[key] for key in ("brand", "price", "price_unit") if key in product},
        "reason_type": item["reason"],
    }
    return known | {key: value for key, value in item.items() if key != "reason"}
