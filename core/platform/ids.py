"""Identifiers as clients send them."""

from __future__ import annotations

import re
import uuid

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def parse_uuid(text: str) -> uuid.UUID | None:
    """The UUID that `text` is, written with hyphens and in either case; None when it is none."""
    return uuid.UUID(text) if _UUID.fullmatch(text) else None
