"""A clock for tests: it stands still until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Gives the same time, in UTC, until `advance` is called. Starts on 2 March 2026, 12:00 KST."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        """Go on by the units of a timedelta: `advance(minutes=3)`."""
        self.now += timedelta(**units)
