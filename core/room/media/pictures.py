"""Pictures as clients send them, made into pictures that we may keep and show.

What a file is, is read from its bytes; names and types that clients give count for nothing.
Plain functions that take time and memory: run them in a WorkPool.
"""

from __future__ import annotations

import re
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import ExifTags, Image, ImageCms, ImageFile

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 20_000
# Longer sides, in pixels: of what is kept, of its small version, and of what vision looks at.
KEPT_SIDE = 2048
THUMBNAIL_SIDE = 320
LOOKED_AT_SIDE = 1600

_QUALITY = 85
# Each scan of a progressive JPEG is a pass over the whole picture, however few bytes it has.
_MAX_SCANS = 100
# Larger ones are decoded one at a time, so that memory stays bounded with any number of threads.
_LARGE = 16_000_000
_large_lock = threading.Lock()

# Pillow refuses twice this many pixels before it makes room for them.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
ImageFile.LOAD_TRUNCATED_IMAGES = False
# What it finds odd in a stranger's file is no news for our logs.
warnings.filterwarnings("ignore", module=r"PIL\.")
pillow_heif.register_heif_opener(
    thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
)
# Finds its plugins now, not in several threads at once.
Image.init()

# What makes a picture upright, by its orientation in EXIF.
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_UNDAMAGED = "must be a whole and undamaged picture"
_SCAN, _END = 0xDA, 0xD9


class BadPicture(Exception):
    """Not a picture that we take. The text says what it must be, in English."""


class TooLarge(Exception):
    """A file of too many bytes. The text says what it must be, in English."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture to keep: upright, sRGB, without metadata. `thumbnail` is of the same type."""

    content: bytes
    thumbnail: bytes
    content_type: str
    width: int
    height: int


def open_picture(content: bytes) -> Image.Image:
    """Open the picture in a file: upright, RGB, at most LOOKED_AT_SIDE pixels a side.

    Raises BadPicture or TooLarge.
    """
    image = _open(content, LOOKED_AT_SIDE)
    if image.mode == "RGB":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def prepare(content: bytes) -> Prepared:
    """Make the picture in a file one that we keep: a JPEG, or a PNG where it is transparent.

    Raises BadPicture or TooLarge.
    """
    image = _open(content, KEPT_SIDE)
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    kind = "JPEG" if image.mode == "RGB" else "PNG"
    return Prepared(
        content=_encode(image, kind),
        thumbnail=_encode(small, kind),
        content_type=Image.MIME[kind],
        width=image.width,
        height=image.height,
    )


def _encode(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    if kind == "JPEG":
        image.save(file, kind, quality=_QUALITY, optimize=True, progressive=True)
    else:
        image.save(file, kind)
    return file.getvalue()


def _open(content: bytes, side: int) -> Image.Image:
    """Open the picture: upright, sRGB, with alpha only where something is transparent."""
    if len(content) > MAX_BYTES:
        raise TooLarge(f"must be at most {MAX_BYTES // 2**20} MiB")
    kind = _kind(content)
    if kind is None:
        raise BadPicture("must be a JPEG, PNG, WebP or HEIC picture")
    if kind == "JPEG" and _scans(content) > _MAX_SCANS:
        raise BadPicture(_UNDAMAGED)
    if kind == "PNG" and b"IEND" not in content:
        # Pillow is content when it has the pixels.
        raise BadPicture(_UNDAMAGED)
    try:
        with Image.open(BytesIO(content), formats=(kind,)) as image:
            pixels = image.width * image.height
            if pixels > MAX_PIXELS or max(image.size) > MAX_SIDE:
                raise Image.DecompressionBombError
            with _large_lock if pixels > _LARGE else nullcontext():
                return _clean(_decode(image, side))
    except Image.DecompressionBombError:
        raise BadPicture(
            f"must have at most {MAX_PIXELS // 10**6} million pixels and {MAX_SIDE:,} a side"
        ) from None
    except Exception as error:
        # Decoders fail on hostile bytes in every way there is.
        raise BadPicture(_UNDAMAGED) from error


def _kind(content: bytes) -> str | None:
    """Return Pillow's name of the type, by the file's first bytes; None for types we don't take."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "HEIF"
    return None


def _scans(content: bytes) -> int:
    """Count the scans of a JPEG."""
    position, scans = 2, 0
    while found := _MARKER.search(content, position):
        marker, position = content[found.start() + 1], found.end()
        if marker == _END:
            break
        scans += marker == _SCAN
        position += int.from_bytes(content[position : position + 2], "big")
    return scans


def _decode(image: Image.Image, side: int) -> Image.Image:
    """Decode the pixels, scaled down to `side`, before anything else is done to so many of them."""
    if image.mode.startswith("I"):
        # Grey of 16 bits, which a plain conversion would clip.
        image = image.convert("I").point(lambda value: value * (1 / 256) + 0).convert("L")
    elif image.mode not in ("L", "RGB", "RGBA", "CMYK") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.load()
    return image


def _clean(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if (turn := _TURNS.get(_orientation(image))) is not None:
        image = image.transpose(turn)
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    image = _to_srgb(image, profile, mode)
    if mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    # A picture of its own: nothing of the file's hangs on it.
    fresh = Image.new(image.mode, image.size)
    fresh.paste(image)
    return fresh


def _orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return None  # Metadata that can't be read is no reason to refuse the picture.


def _to_srgb(image: Image.Image, profile: object, mode: str) -> Image.Image:
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode=mode)
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # A profile that can't be read, or is for another kind of picture: as if without.
    return image.convert(mode)
