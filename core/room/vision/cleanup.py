"""Take what lies about out of a picture of a room. Imports OpenCV, like `pixels`."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image

from core.room.vision.pixels import Array, detail, things, threshold

LARGEST_SHARE = 0.35
"""Of the picture, to be painted over; beyond it there is too little left to paint with."""

MASKED = 1.2
"""Of the threshold of clutter: rather a rest left than a piece of furniture taken."""

# PatchMatch keeps its random state for the whole process, and uses a core by itself.
_one_at_a_time = threading.Lock()


def clutter_mask(pixels: Array) -> Array:
    """Return 255 where things lie about, 0 elsewhere."""
    details = detail(pixels)
    limit = MASKED * threshold(details)
    mask = _grown(details, limit)
    while (mask > 0).mean() > LARGEST_SHARE:
        limit *= 1.2
        mask = _grown(details, limit)
    return mask


def _grown(details: Array, limit: float) -> Array:
    """Return the things above a limit with what they close in, and a rim for their shadows."""
    mask: Array = (things(details, limit) > 0).astype(np.uint8) * 255
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(17))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(mask, outlines, -1, 255, -1)
    return cv2.dilate(mask, _disc(9))


def painted_over(pixels: Array, mask: Array) -> Array:
    """Return the pixels, with the masked ones made like what is around them."""
    fill = _patch_match()
    with _one_at_a_time:
        if fill is not None:
            return fill(pixels, mask)
        return cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA)


def blended(picture: Image.Image, painted: Array, mask: Array) -> bytes:
    """Return a JPEG of the picture with the painted places over it, softly at their rims."""
    size = picture.size
    soft = cv2.GaussianBlur(cv2.dilate(mask, _disc(5)), (0, 0), 2)
    top = Image.fromarray(painted).resize(size, Image.Resampling.BICUBIC)
    shape = Image.fromarray(soft).resize(size, Image.Resampling.BILINEAR)
    return as_jpeg(Image.composite(top, picture, shape))


def as_jpeg(picture: Image.Image) -> bytes:
    """Return the picture as a JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _patch_match() -> Callable[[Array, Array], Array] | None:
    """Load PatchMatch, which continues a floor's planks; None where its library is missing."""
    try:
        from patchmatch import patch_match
    except ImportError:
        return None
    if not patch_match.patchmatch_available:
        return None

    def fill(pixels: Array, mask: Array) -> Array:
        result: Array = patch_match.inpaint(pixels, mask, patch_size=3)
        return result

    return fill


def _disc(size: int) -> Any:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
