"""The time, as a value that tests can replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

# Gives the time now, in UTC.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of a running service."""
    return datetime.now(UTC)
