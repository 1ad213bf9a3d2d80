"""Parse identifiers that clients send."""

from __future__ import annotations

import uuid

from edge import UUID


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID that `text` spells with hyphens, in either case; None if it is not a UUID.

    Use it where a malformed id is answered like an unknown one.
    """
    return uuid.UUID(text) if UUID.fullmatch(text) else None
