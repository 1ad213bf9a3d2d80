"""Page tokens: where a page ended, so that the next one goes on there whatever came in between.

They are opaque, so that nobody counts on what is in them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import uuid
from datetime import UTC, datetime, timedelta

from edge.reply.errors import FieldViolation, invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Microseconds up to the year 2255: within what datetime holds.
_MOST_MICROSECONDS = 2**53


def make_token(last: int) -> str:
    """The token of what comes after number `last` in the list's order."""
    return _make(last)


def read_token(token: str, field: str = "page_token") -> int | None:
    """The number in a token; None for the first page (an empty one).

    Raises the surface's invalid-argument error naming `field` for a token that is none.
    """
    numbers = _read(token, field, 2**63)
    return numbers[0] if numbers else None


def make_time_token(at: datetime, id: uuid.UUID) -> str:
    """The token of what comes after the row of that time and id."""
    return _make((at - _EPOCH) // _MICROSECOND, id.int)


def read_time_token(token: str, field: str) -> tuple[datetime, uuid.UUID] | None:
    """The time and id in a token. As read_token."""
    numbers = _read(token, field, _MOST_MICROSECONDS, 2**128)
    return (_EPOCH + numbers[0] * _MICROSECOND, uuid.UUID(int=numbers[1])) if numbers else None


def _make(*numbers: int) -> str:
    text = ".".join(map(str, numbers))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(token: str, field: str, *ends: int) -> list[int] | None:
    """As many numbers as `ends`, each from 0 to below its end."""
    if not token:
        return None
    with contextlib.suppress(ValueError, binascii.Error):
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        parts = text.split(b".")
        if len(parts) == len(ends) and all(part.isdigit() for part in parts):
            numbers = [int(part) for part in parts]
            if all(number < end for number, end in zip(numbers, ends, strict=True)):
                return numbers
    raise invalid(FieldViolation(field, "must be the token of a next page as it was given"))
