"""Addresses of pictures, as staff give them for screens."""

from __future__ import annotations

import re

# A screen has no address of its own, so one that is relative leads nowhere.
_PLAIN = r"[^\s\x00-\x1f\x7f-\x9f"  # no space, no control character
_ADDRESS = re.compile(rf"https?://{_PLAIN}/?#\\]{_PLAIN}]*", re.IGNORECASE)
MUST_BE = "must be an http or https address"


def is_picture_address(text: str) -> bool:
    """Whether a screen can load a picture from there."""
    return _ADDRESS.fullmatch(text) is not None
