"""GetRoundBarcodes: a round's products, each with its barcode as a picture."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from onegenie.error.v1.reasons import SdkReason
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.platform.database import Database
from core.shop.recommend import sql
from core.shop.tenants.sql import Caller
from edge.reply.errors import ApiError

# Pixels of the narrowest bar: readable from a phone's screen, and under a kilobyte.
SCALE = 3
# Pictures kept: a store has some thousand products, and one takes about half a kilobyte.
KEPT = 8192

_THIRTEEN_DIGITS = re.compile(r"[0-9]{13}")


async def get_round_barcodes(
    database: Database, caller: Caller, request: pb.GetRoundBarcodesRequest
) -> pb.GetRoundBarcodesResponse:
    """The products as the round holds them; the store is not asked again. Raises NOT_FOUND."""
    row = await sql.read_round(
        database, caller, request.profile_id, request.chat_id, request.round_id
    )
    if row is None:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such round.")
    return barcodes_of(request.chat_id.lower(), str(row.id), pb.Round.FromString(row.results))


def barcodes_of(chat_id: str, round_id: str, stored: pb.Round) -> pb.GetRoundBarcodesResponse:
    """The reply for a round as it is stored. An item without a product is left out."""
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


@lru_cache(maxsize=KEPT)
def barcode_image(number: str) -> str | None:
    """A PNG of the number as EAN-13, as a data URI; None when it is no valid EAN-13.

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
    """A PNG of 8-bit greys, a byte a pixel, row by row. https://www.w3.org/TR/png-3/"""
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
