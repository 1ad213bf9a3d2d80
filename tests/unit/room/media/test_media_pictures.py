"""Pictures from strangers' bytes: what is taken, what becomes of it, what is refused."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image, ImageCms, ImageStat, PngImagePlugin

from core.room.media.pictures import (
    MAX_BYTES,
    BadPicture,
    Prepared,
    TooLarge,
    open_picture,
    prepare,
)
from tests.photos import FORMATS, encode, gradient, photo

JUNK = random.Random(4)


def shown(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures of one size, of 255."""
    assert one.size == other.size
    pairs = zip(one.convert("RGB").tobytes(), other.convert("RGB").tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height * 3)


# ---- what becomes of a picture ----


@pytest.mark.parametrize("kind", FORMATS)
def test_every_type_becomes_a_jpeg_that_shows_the_same(kind: str) -> None:
    prepared = prepare(photo(kind))

    image = shown(prepared.content)
    assert (prepared.content_type, image.format) == ("image/jpeg", "JPEG")
    assert (prepared.width, prepared.height) == image.size == (64, 48)
    assert difference(image, gradient()) < 5
    assert shown(prepared.thumbnail).size == (64, 48)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_transparent_one_becomes_a_png(kind: str) -> None:
    image = gradient()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    file = encode(image, kind)

    prepared = prepare(file)

    assert prepared.content_type == "image/png"
    for part in (prepared.content, prepared.thumbnail):
        assert shown(part).format == "PNG"
        assert shown(part).getchannel("A").getextrema() == (2, 253)
    # What looks at it sees it on white.
    assert open_picture(file).mode == "RGB"
    assert min(open_picture(file).getpixel((32, 0))) > 240  # type: ignore[arg-type]


def test_an_alpha_channel_that_hides_nothing_is_dropped() -> None:
    assert prepare(encode(gradient().convert("RGBA"), "PNG")).content_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_mode_is_taken(mode: str) -> None:
    if mode == "I;16":
        wide = bytes(v for row in range(48) for x in range(64) for v in (0, x * 4))
        image = Image.frombytes("I;16", (64, 48), wide)
    else:
        image = gradient().convert(mode)

    opened = open_picture(encode(image, "JPEG" if mode == "CMYK" else "PNG"))

    assert (opened.mode, opened.size) == ("RGB", (64, 48))
    left, right = opened.crop((0, 0, 16, 48)), opened.crop((48, 0, 64, 48))
    assert ImageStat.Stat(right).mean[0] != pytest.approx(ImageStat.Stat(left).mean[0], abs=50)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright(kind: str, orientation: int) -> None:
    upright = gradient()
    as_taken = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = upright if as_taken is None else upright.transpose(as_taken)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "HEIF":  # says it in its own way
        image.info["exif"] = exif.tobytes()
        file = encode(image, kind)
    else:
        file = encode(image, kind, exif=exif)

    assert difference(open_picture(file), upright) < 5
    prepared = prepare(file)
    assert (prepared.width, prepared.height) == upright.size
    assert difference(shown(prepared.content), upright) < 5


@pytest.mark.parametrize("kind", FORMATS)
def test_no_metadata_is_left(kind: str) -> None:
    secret = b"37.5665N-126.9780E"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    exif.get_ifd(0x8825)[2] = (37.0, 33.0, 59.4)
    options: dict[str, object] = {"exif": exif, "xmp": b"<x:xmpmeta>" + secret + b"</x:xmpmeta>"}
    image = gradient()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    if kind == "JPEG":
        image = image.convert("RGB")
        options["comment"] = secret
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", secret.decode())
        text.add_itxt("XML:com.adobe.xmp", secret.decode())
        options = {"exif": exif, "pnginfo": text}
    if kind != "HEIF":
        options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = encode(image, kind, **options)
    assert secret in file

    prepared = prepare(file)

    for part in (prepared.content, prepared.thumbnail):
        assert secret not in part
        found = shown(part)
        assert not found.getexif()
        assert set(found.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"} | {
            "progressive",
            "progression",
        }
    assert not open_picture(file).info


def test_colours_become_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = _swap_red_and_blue(lab.tobytes())

    prepared = prepare(
        encode(Image.new("RGB", (40, 40), (250, 20, 20)), "PNG", icc_profile=swapped)
    )

    red, _, blue = shown(prepared.content).getpixel((20, 20))  # type: ignore[misc]
    assert blue > 200 > 100 > red


def _swap_red_and_blue(profile: bytes) -> bytes:
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize("profile", [b"junk", b"\0" * 128, bytes(range(256)) * 4])
def test_a_profile_that_cannot_be_read_is_ignored(profile: bytes) -> None:
    assert prepare(photo(icc_profile=profile)).width == 64


# pytest turns warnings into errors anew for each test; a service does not.
@pytest.mark.filterwarnings("ignore:::PIL")
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0junk", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40, b"Exif\0\0MM\0*"]
)
def test_metadata_that_cannot_be_read_is_ignored(exif: bytes) -> None:
    assert prepare(photo(exif=exif)).width == 64


def test_large_ones_are_scaled_down() -> None:
    file = encode(Image.new("RGB", (5000, 2500), "teal"), "PNG")

    prepared = prepare(file)

    assert (prepared.width, prepared.height) == shown(prepared.content).size == (2048, 1024)
    assert shown(prepared.thumbnail).size == (320, 160)
    assert open_picture(file).size == (1600, 800)


def test_a_long_thin_one_keeps_a_pixel() -> None:
    assert shown(prepare(encode(Image.new("RGB", (9000, 1)), "PNG")).thumbnail).size == (320, 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_taken(kind: str) -> None:
    frames = [gradient(), Image.new("RGB", (64, 48), "red")]

    file = encode(frames[0], kind, save_all=True, append_images=frames[1:])

    assert difference(open_picture(file), gradient()) < 5


def test_several_pictures_in_a_jpeg_give_the_first() -> None:
    file = encode(gradient(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))])

    assert difference(open_picture(file), gradient()) < 5


# ---- what is refused ----


def refused(content: bytes) -> str:
    with pytest.raises(BadPicture) as error:
        prepare(content)
    with pytest.raises(BadPicture):
        open_picture(content)
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        b"hello",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"#!/bin/sh\n",
        encode(gradient(), "GIF"),
        encode(gradient(), "BMP"),
        encode(gradient(), "TIFF"),
        encode(gradient(), "AVIF"),
    ],
    ids=["empty", "short", "text", "pdf", "zip", "svg", "html", "sh", "gif", "bmp", "tiff", "avif"],
)
def test_other_types_are_refused(content: bytes) -> None:
    assert refused(content) == "must be a JPEG, PNG, WebP or HEIC picture"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_one_type_behind_anothers_first_bytes_is_refused(kind: str, other: str) -> None:
    if kind != other:
        assert "undamaged" in refused(photo(kind)[:12] + photo(other)[12:])


def test_a_page_behind_a_pictures_first_bytes_is_refused() -> None:
    refused(b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script></html>")


def test_what_hangs_on_a_picture_is_dropped() -> None:
    prepared = prepare(photo("PNG") + b"<script>alert(1)</script>")

    assert b"<script>" not in prepared.content + prepared.thumbnail


def test_more_than_10_mib_is_too_large() -> None:
    file = photo()
    with pytest.raises(TooLarge, match="10 MiB"):
        prepare(file + b"\0" * (MAX_BYTES + 1 - len(file)))
    assert prepare(file + b"\0" * (MAX_BYTES - len(file))).width == 64


def png_of(width: int, height: int) -> bytes:
    """A black picture of two colours in very few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore:::PIL")
@pytest.mark.parametrize("size", [(20_001, 10), (10, 20_001), (10_000, 5_001), (20_000, 20_000)])
def test_bombs_are_refused_unopened(size: tuple[int, int]) -> None:
    assert "50 million pixels" in refused(png_of(*size))


@pytest.mark.parametrize(
    "header",
    [
        b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\xfe\x3f\0\xfe\x3f\0",
        b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14),
        b"VP8 " + struct.pack("<I", 10) + b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f",
    ],
)
def test_webp_bombs_are_refused_unopened(header: bytes) -> None:
    body = b"WEBP" + header + b"\0" * 64
    assert "50 million pixels" in refused(b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.filterwarnings("ignore:::PIL")
def test_as_many_pixels_as_are_allowed_are_taken() -> None:
    assert prepare(png_of(10_000, 5_000)).width == 2048


def test_a_jpeg_of_endless_passes_is_refused() -> None:
    # A pass of a progressive picture costs a decoder its whole area, and a sender ten bytes.
    file = photo(progressive=True)
    start = file.rindex(b"\xff\xda")
    scan = file[start:-2]
    assert prepare(file[:start] + scan * 10 + b"\xff\xd9").width == 64
    assert "undamaged" in refused(file[:start] + scan * 200 + b"\xff\xd9")
    # What only looks like passes, in a part that no decoder reads, doesn't count.
    assert prepare(photo(comment=b"\xff\xda\0\x08" * 200)).width == 64


@pytest.mark.parametrize(
    ("kind", "options"),
    [(kind, {}) for kind in FORMATS] + [("JPEG", {"progressive": True}), ("WEBP", {"lossless": 1})],
)
def test_one_that_breaks_off_is_refused_or_whole(kind: str, options: dict[str, object]) -> None:
    file = encode(gradient(160, 120), kind, **options)
    whole = open_picture(file).tobytes()
    cuts = {len(file) // 2, len(file) * 9 // 10, *JUNK.sample(range(len(file)), 40)}

    for cut in cuts | set(range(len(file) - 12, len(file))):
        try:
            opened = open_picture(file[:cut])
        except BadPicture:
            continue
        # Only what comes after the pixels is missing: never a picture that is grey below.
        assert len(file) - cut < 12
        assert opened.tobytes() == whole
    refused(file[: len(file) // 2])
    refused(file[: len(file) * 9 // 10])


@pytest.mark.filterwarnings("ignore:::PIL")
@pytest.mark.parametrize("kind", FORMATS)
def test_hostile_bytes_are_a_bad_picture_or_a_good_one(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 40
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = encode(gradient(), kind, exif=exif, icc_profile=profile)

    for _ in range(150):
        bent = bytearray(file)
        for _ in range(JUNK.choice([1, 2, 8, 40])):
            # Mostly near the front, where the structure is.
            place = int(len(bent) * JUNK.random() ** 2)
            bent[place] = JUNK.choice([0, 0xFF, 0x7F, JUNK.randrange(256)])
        if JUNK.random() < 0.3:
            start = JUNK.randrange(len(bent))
            del bent[start : start + 8]
        with contextlib.suppress(BadPicture):
            assert isinstance(prepare(bytes(bent)), Prepared)


def test_pillows_warnings_do_not_reach_a_services_log() -> None:
    # In a process of its own, as a service: here, pytest has the say about warnings.
    code = (
        "import warnings, core.room.media.pictures\n"
        "warnings.warn_explicit('x', UserWarning, 'x.py', 1, module='PIL.TiffImagePlugin')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b""
