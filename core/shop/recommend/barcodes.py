"""A round's products as messages, each with its barcode as a picture."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from onegenie.recommend.v1 import recommend_pb2 as pb

# Pixels of the narrowest bar: readable from a phone's screen, and under a kilobyte.
SCALE = 3
# Pictures cached: a store has some thousand products, and one takes about half a kilobyte.
PICTURES = 8192

_THIRTEEN_DIGITS = re.compile(r"[0-9]{13}")


def barcodes_of(chat_id: str, round_id: str, stored: pb.Round) -> pb.GetRoundBarcodesResponse:
    """Make the reply for a round as it is stored. An item without a product is left out."""
    return pb.GetRoundBarcodesResponse(
        chat_id=chat_id,
        round_id=round_id,
        todos=_products(stored.todos.items),
        recommends=_products(stored.recommended_items),
        notifications=pb.BarcodeNotifications(
            ads=_products(stored.notifications.ad.items),
            coupon=_products(stored.notifications.coupon),
        ),
    )


def _products(items: Iterable[Any]) -> list[pb.BarcodeProduct]:
    return [_with_barcode(item.product) for item in items if item.HasField("product")]


def _with_barcode(product: pb.Product) -> pb.BarcodeProduct:
    # An optional field given as None stays unset.
    return pb.BarcodeProduct(
        name=product.name,
        barcode=product.barcode if product.HasField("barcode") else None,
        price=product.price if product.HasField("price") else None,
        price_unit=product.price_unit if product.HasField("price_unit") else None,
        barcode_image=barcode_image(product.barcode),
    )


@lru_cache(maxsize=PICTURES)
def barcode_image(number: str) -> str | None:
    """Draw a number as EAN-13: a PNG in a data URI; None when it is not a valid EAN-13.

    Quiet zones are part of the picture; the digits are not written under the bars.
    """
    # zxing-cpp would take twelve digits too, and work out the thirteenth.
    if not _THIRTEEN_DIGITS.fullmatch(number):
        return None
    # Loaded where it is first used: most processes never draw a barcode.
    import zxingcpp

    try:
        barcode = zxingcpp.create_barcode(number, zxingcpp.BarcodeFormat.EAN13)
    except ValueError:  # The last digit is not the checksum of the others.
        return None
    image: Any = barcode.to_image(scale=SCALE)
    height, width = image.shape
    png = _png(width, height, memoryview(image).tobytes())
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _png(width: int, height: int, grey: bytes) -> bytes:
    """Encode a PNG of 8-bit greys, a byte a pixel, row by row. https://www.w3.org/TR/png-3/"""
    # Each row is led by the number of its filter: 0, none.
    rows = b"".join(b"\0" + grey[i : i + width] for i in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
