"""Pictures of barcodes, and the products of a round that they go with."""

from __future__ import annotations

import base64
import random
import struct
import subprocess
import sys
import zlib

import pytest
import zxingcpp
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.shop.recommend.barcodes import barcode_image, barcodes_of

TOFU = "4906028184943"


def decoded(uri: str) -> list[tuple[str, object]]:
    """What a reader sees in the picture: text and format of each barcode."""
    prefix = "data:image/png;base64,"
    assert uri.startswith(prefix)
    width, height, grey = pixels(base64.b64decode(uri[len(prefix) :], validate=True))
    image = memoryview(grey).cast("B", shape=(height, width))
    return [(barcode.text, barcode.format) for barcode in zxingcpp.read_barcodes(image)]


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and bytes of an unfiltered 8-bit grey PNG, each checksum checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + data),)
        chunks.append((kind, data))
        at += 12 + length
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *form = struct.unpack(">IIBBBBB", chunks[0][1])
    assert form == [8, 0, 0, 0, 0]
    rows = zlib.decompress(chunks[1][1])
    assert len(rows) == height * (width + 1)
    assert not any(rows[:: width + 1])
    return (
        width,
        height,
        b"".join(rows[i + 1 : i + 1 + width] for i in range(0, len(rows), width + 1)),
    )


def with_checksum(twelve: str) -> str:
    total = sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(twelve))
    return f"{twelve}{-total % 10}"


def test_every_picture_reads_as_its_number() -> None:
    dice = random.Random(13)
    numbers = [TOFU, "8801234567893", "0000000000000", "9999999999994"]
    numbers += [with_checksum("".join(dice.choices("0123456789", k=12))) for _ in range(100)]
    for number in numbers:
        image = barcode_image(number)
        assert image is not None
        assert decoded(image) == [(number, zxingcpp.BarcodeFormat.EAN13)], number


@pytest.mark.parametrize(
    "number",
    [
        "",
        "8801234567890",  # the document's example: its checksum would be 3
        "490602818494",
        "49060281849430",
        " 906028184943",
        "4906028184943\n",
        "+906028184943",
        "49060281a4943",
        "４９０６０２８１８４９４３",
        "٤٩٠٦٠٢٨١٨٤٩٤٣",
        "4906028184943" * 1000,
    ],
)
def test_what_is_no_ean_13_has_no_picture(number: str) -> None:
    assert barcode_image(number) is None


def test_every_wrong_last_digit_is_found() -> None:
    taken = [digit for digit in "0123456789" if barcode_image(TOFU[:-1] + digit)]
    assert taken == [TOFU[-1]]


def test_a_number_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    create = zxingcpp.create_barcode
    monkeypatch.setattr(
        zxingcpp,
        "create_barcode",
        lambda *args: drawn.append(args) or create(*args),  # type: ignore[func-returns-value]
    )
    barcode_image.cache_clear()
    assert barcode_image(TOFU) == barcode_image(TOFU)
    assert barcode_image("8801234567890") is barcode_image("8801234567890") is None
    assert len(drawn) == 2
    assert barcode_image.cache_info().maxsize is not None


def test_the_library_is_loaded_when_it_is_first_needed() -> None:
    code = (
        "import sys, core.app.wire; assert 'zxingcpp' not in sys.modules\n"
        "from core.shop.recommend.barcodes import barcode_image\n"
        f"assert barcode_image({TOFU!r}); assert 'zxingcpp' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def product(name: str, barcode: str | None = TOFU) -> pb.Product:
    return pb.Product(id=1, name=name, barcode=barcode, price=1980, price_unit="원")


def test_the_products_of_a_round_by_group() -> None:
    stored = pb.Round()
    stored.todos.items.add(quantity=2, product=product("두부"))
    stored.todos.items.add(quantity=1, product=product("두부"))
    stored.recommended_items.add(rec_id="rec_1", product=product("올리브유", "8801234567890"))
    stored.recommended_items.add(rec_id="rec_2")  # no product
    stored.notifications.ad.items.add(rec_id="rec_3", product=product("두부"))
    stored.notifications.coupon.add(rec_id="rec_4", product=product("파스타", None))
    stored.notifications.coupon.add(rec_id="rec_5")
    stored.notifications.coupon_spot.add(rec_id="rec_6", product=product("커피"))
    reply = barcodes_of("chat", "round", stored)

    def seen(products: object) -> list[tuple[str, str, bool]]:
        return [(p.name, p.barcode, p.HasField("barcode_image")) for p in products]  # type: ignore[attr-defined]

    assert (reply.chat_id, reply.round_id) == ("chat", "round")
    assert seen(reply.todos) == [("두부", TOFU, True)] * 2
    assert seen(reply.recommends) == [("올리브유", "8801234567890", False)]
    assert seen(reply.notifications.ads) == [("두부", TOFU, True)]
    assert seen(reply.notifications.coupon) == [("파스타", "", False)]
    assert not reply.notifications.coupon[0].HasField("barcode")
    assert {(p.price, p.price_unit) for p in reply.todos} == {(1980, "원")}


def test_what_a_product_does_not_say_stays_unset() -> None:
    stored = pb.Round()
    stored.todos.items.add(product=pb.Product(id=1, name="무"))
    (bare,) = barcodes_of("chat", "round", stored).todos
    assert bare == pb.BarcodeProduct(name="무")


def test_a_round_that_has_nothing_yet() -> None:
    reply = barcodes_of("chat", "round", pb.Round())
    assert reply.HasField("notifications")
    assert reply == pb.GetRoundBarcodesResponse(
        chat_id="chat", round_id="round", notifications=pb.BarcodeNotifications()
    )
