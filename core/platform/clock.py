"""Read the time through a value that tests can replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

# Returns the time now, in UTC.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time now, in UTC: the clock of a running service."""
    return datetime.now(UTC)
