"""What a screen shows, worked out: section 5 of the first seed, as frames. No database here.

Firmware decodes frames into memory of a fixed size, so every text is cut to the bytes that
proto/onegenie/signage/v1/signage.options gives it there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.port import Promotion
from edge import digits

# Bytes of a text in a frame, by field; signage.options has one more each, for C's final NUL.
TEXT_BYTES = {
    "rec_id": 127,
    "item_name": 255,
    "item_name_en": 255,
    "brand": 127,
    "price_unit": 15,
    "image_url": 511,
    "reason_detail": 1023,
    "reason_detail_marketing": 1023,
    "title": 255,
    "text": 1023,
    "copy": 1023,
    "forgotten": 1023,
}
_ORIENTATIONS = {
    "portrait": pb.ORIENTATION_PORTRAIT,
    "landscape": pb.ORIENTATION_LANDSCAPE,
}

Choose = Callable[[Sequence[Promotion]], Promotion]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What there is to show a shopper who was recognised.

    `items` are as a trigger event holds them (the seed's keys), `forgotten` any JSON values,
    `promotions` the store's, enabled or not.
    """

    items: Sequence[Mapping[str, Any]] = ()
    forgotten: Sequence[Any] = ()
    promotions: Sequence[Promotion] = ()


def idle(signage: store_pb2.Signage, slides: Sequence[store_pb2.Slide]) -> pb.Frame:
    """Lay out the screen while nobody is near: its slides, in their order."""
    return pb.Frame(
        kind=pb.FRAME_KIND_IDLE,
        number=signage.number,
        slides=[
            pb.Slide(
                position=slide.position,
                image_url=_address(slide.image_url),
                title=_cut("title", slide.title),
                text=_cut("text", slide.text),
            )
            for slide in slides
        ],
    )


def recognized(
    signage: store_pb2.Signage,
    shopper: Recognition,
    locale: str,
    choose: Choose = random.choice,
) -> pb.Frame:
    """Lay out the screen for a shopper; all items are in the frame, in the order sent.

    Number 1 shows the one item with the highest discount, the first of equal ones. Number 2
    shows the first forgotten thing, the second item or else the first, and an enabled promotion
    that `choose` picks. Any other number stands inside the store as well and is laid out like
    number 2. What there is no data for is unset.
    """
    frame = pb.Frame(
        kind=pb.FRAME_KIND_RECOGNIZED,
        number=signage.number,
        items=[_item(item, locale) for item in shopper.items],
        forgotten=[as_json(thing) for thing in shopper.forgotten],
    )
    enabled = [promotion for promotion in shopper.promotions if promotion.enabled]
    if enabled:
        frame.event.CopyFrom(_promotion(choose(enabled)))
    screen = frame.screen
    screen.orientation = _ORIENTATIONS.get(signage.orientation, pb.ORIENTATION_UNSPECIFIED)
    if signage.number == 1:
        screen.card.SetInParent()
        if frame.items:
            best = max(frame.items, key=lambda item: item.discount_pct)
            screen.card.item.CopyFrom(best)
            screen.card.copy = best.reason_detail
        return frame
    screen.sections.SetInParent()
    # A JSON text cannot be cut: one that does not fit the screen's section is in the list only.
    if frame.forgotten and len(frame.forgotten[0].encode()) <= TEXT_BYTES["forgotten"]:
        screen.sections.forgotten = frame.forgotten[0]
    if frame.items:
        screen.sections.ad.CopyFrom(frame.items[1 if len(frame.items) > 1 else 0])
    if enabled:
        screen.sections.event.CopyFrom(frame.event)
    return frame


def as_json(value: Any) -> str:
    """Write a free-form value as JSON, whole numbers without a fraction (882, never 882.0)."""
    return digits.dumps(_whole(value)).decode()


def in_language(value: Any, locale: str) -> str:
    """Return a text that is a string, or an object of languages: in `locale`, else in any."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else ""
    languages = (locale, "en", "ko", "ja", *value)
    texts = (value.get(language) for language in languages)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _item(item: Mapping[str, Any], locale: str) -> pb.Item:
    product = item.get("product") or {}
    # Older clients send the price as price_yen, whatever the currency.
    price = item.get("price", item.get("price_yen"))

    def text(name: str) -> str:
        return _cut(name, in_language(item.get(name), locale))

    return pb.Item(
        rec_id=text("rec_id"),
        item_id=_number(item.get("item_id"), int),
        item_name=text("item_name"),
        item_name_en=text("item_name_en"),
        brand=text("brand"),
        discount_pct=_number(item.get("discount_pct"), float) or 0.0,
        price=_number(price, float),
        price_unit=text("price_unit"),
        image_url=_address(item.get("image_url") or product.get("src_url") or ""),
        reason_detail=text("reason_detail"),
        reason_detail_marketing=text("reason_detail_marketing"),
    )


def _promotion(promotion: Promotion) -> pb.Event:
    return pb.Event(
        id=promotion.id,
        title=_cut("title", promotion.title),
        text=_cut("text", promotion.text),
        image_url=_address(promotion.image_url),
    )


def _number(value: Any, kind: type[int] | type[float]) -> Any:
    return None if value is None else kind(value)


def _address(url: str) -> str:
    """Return the address, or nothing for one that is too long: a part of it leads nowhere."""
    return url if len(url.encode()) <= TEXT_BYTES["image_url"] else ""


def _cut(field: str, text: str) -> str:
    """Cut `text` between characters to what the field holds."""
    most = TEXT_BYTES[field]
    data = text.encode()
    if len(data) <= most:
        return text
    return data[: most - len("…".encode())].decode(errors="ignore") + "…"


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return digits.number(value)
    if isinstance(value, Mapping):
        return {key: _whole(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(part) for part in value]
    return value
