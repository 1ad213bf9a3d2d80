"""Make and read page tokens: each says where a page ended.

The next page goes on there, whatever was added in between. Tokens are opaque, so that no client
relies on their content.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import uuid
from datetime import UTC, datetime, timedelta

from edge import FieldViolation, invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Microseconds up to the year 2255: within what datetime holds.
_MOST_MICROSECONDS = 2**53


def make_token(last: int) -> str:
    """Return the token of the page that begins after number `last` in the list's order."""
    return _make(last)


def read_token(token: str, field: str = "page_token") -> int | None:
    """Return the number in a token, or None for an empty token: the first page.

    Raises the surface's invalid-argument error, naming `field`, if the token is not one of ours.
    """
    numbers = _read(token, field, 2**63)
    return numbers[0] if numbers else None


def make_time_token(at: datetime, id: uuid.UUID) -> str:
    """Return the token of the page that begins after the row with that time and id."""
    return _make((at - _EPOCH) // _MICROSECOND, id.int)


def read_time_token(token: str, field: str) -> tuple[datetime, uuid.UUID] | None:
    """Return the time and id in a token, or None. Otherwise as read_token."""
    numbers = _read(token, field, _MOST_MICROSECONDS, 2**128)
    return (_EPOCH + numbers[0] * _MICROSECOND, uuid.UUID(int=numbers[1])) if numbers else None


def _make(*numbers: int) -> str:
    text = ".".join(map(str, numbers))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(token: str, field: str, *ends: int) -> list[int] | None:
    """Return the token's numbers: one for each of `ends`, from 0 to below that end."""
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
