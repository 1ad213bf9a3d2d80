"""The items that trigger events hold, as JSON: what was sent, and what the round has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.plain import plain

# What of a coupon call is not about the item.
_NOT_THE_COUPON = ("profile_id", "chat_id", "round_id", "kind")

Item = dict[str, Any]


def sent_item(message: pb.SignageItem | pb.TriggerCouponRequest) -> Item:
    """Return an item with the keys that were sent, and no others. A null counts as not sent."""
    item = {key: value for key, value in plain(message).items() if value is not None}
    for key in _NOT_THE_COUPON:
        item.pop(key, None)
    return item


def round_ads(round_: recommend.Round) -> list[Item]:
    """Return the round's ads, best first; none before step 4."""
    return [plain(item) for item in round_.notifications.ad.items]


def round_items(round_: recommend.Round) -> dict[str, Item]:
    """Return every ad, coupon and recommended item of the round, by `folded` rec_id."""
    found: dict[str, Item] = {}
    for ad in round_.notifications.ad.items:
        found.setdefault(folded(ad.rec_id), plain(ad))
    for coupon in round_.notifications.coupon:
        found.setdefault(folded(coupon.rec_id), plain(coupon))
    for recommended in round_.recommended_items:
        found.setdefault(folded(recommended.rec_id), _with_an_offers_keys(recommended))
    return found


def as_in_round(sent: Item, round_items: Mapping[str, Item]) -> Item:
    """Return an item as it was sent, but with its rec_id as the round spells it."""
    base = round_items.get(folded(sent["rec_id"]))
    return sent if base is None else sent | {"rec_id": base["rec_id"]}


def round_coupon(round_: recommend.Round, rec_id: str) -> Item | None:
    """Return the round's coupon of that rec_id."""
    found = _of_rec_id(round_.notifications.coupon, rec_id)
    return None if found is None else plain(found)


def round_recommendation(round_: recommend.Round, rec_id: str) -> Item | None:
    """Return the recommended item of that rec_id, else the one whose product's id that is.

    It has the keys that ads and coupons have, as far as they are known.
    """
    items = round_.recommended_items
    found = _of_rec_id(items, rec_id)
    if found is None:
        of_product = (item for item in items if item.HasField("product"))
        found = next((item for item in of_product if str(item.product.id) == rec_id), None)
    return None if found is None else _with_an_offers_keys(found)


def filled_in(sent: Item, base: Item) -> Item:
    """Return a round's coupon with every value sent in the place of its own, under its own rec_id.

    A value is replaced whole: a text sent in one language has no others. A price sent the old way,
    as price_yen, is the price.
    """
    item = base | sent | {"rec_id": base["rec_id"]}
    if "price_yen" in sent:
        item["price"] = sent["price_yen"]
    return item


def counted_as(item: Item, base: Mapping[str, Any]) -> Item | None:
    """Return what analytics count an event under where its item doesn't say but the round's does.

    That is any of item_id, item_name and reason_type; None when the item says it all.
    """
    keys = ["reason_type"]
    if item.get("item_id") in (None, base.get("item_id")):
        # The name of another item would be a wrong one.
        keys += ["item_id", "item_name"]
    known = {key: base.get(key) for key in keys if item.get(key) in (None, "")}
    return {key: value for key, value in known.items() if value not in (None, "")} or None


def folded(rec_id: str) -> str:
    """Return a rec_id as it is compared: without case."""
    return rec_id.casefold()


def _of_rec_id(items: Any, rec_id: str) -> Any:
    wanted = folded(rec_id)
    return next((item for item in items if folded(item.rec_id) == wanted), None)


def _with_an_offers_keys(recommended: Message) -> Item:
    item = plain(recommended)
    product = item.get("product", {})
    names = {"id": "item_id", "name": "item_name"} | {
        key: key for key in ("brand", "price", "price_unit")
    }
    known = {name: product[key] for key, name in names.items() if key in product}
    rest = {key: value for key, value in item.items() if key != "reason"}
    return {"rec_id": item["rec_id"]} | known | {"reason_type": item["reason"]} | rest
