"""Identifiers as clients send them."""

from __future__ import annotations

import uuid

from edge.request.validate import UUID


def parse_uuid(text: str) -> uuid.UUID | None:
    """The UUID that `text` is, written with hyphens and in either case; None when it is none.

    For ids whose malformed form is answered like an unknown one.
    """
    return uuid.UUID(text) if UUID.fullmatch(text) else None
