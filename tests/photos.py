"""Small pictures of every kind, for tests that upload some."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageChops

# As Pillow names them.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    """A picture whose corners all differ."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, down, ImageChops.multiply(across, down)))


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of that kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(kind: str = "JPEG", width: int = 64, height: int = 48, **options: Any) -> bytes:
    """A file with a gradient in it."""
    return encode(gradient(width, height), kind, **options)
