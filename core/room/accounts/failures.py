"""Failed log-ins, counted by e-mail, by address and by both, each with its own patience; and
failed verifications, of which an address has so many a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.platform.database import Connection
from core.room.accounts import sql
from core.room.accounts.sql import Failures
from edge import ApiError
from edge.v1 import annotations_pb2 as rest


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures go unpunished, and the longest wait after more."""

    free: int
    longest: timedelta

    def wait_after(self, failures: int) -> timedelta:
        """Return the wait after so many failures: 1 s, 2 s, 4 s … up to the longest."""
        if failures < self.free:
            return timedelta()
        return min(timedelta(seconds=2 ** min(failures - self.free, 20)), self.longest)


# An e-mail is shared by its owner and those who guess at it, an address by all the people behind
# it: neither may be shut out for long by others.
BOTH = Patience(5, timedelta(minutes=15))
EMAIL = Patience(20, timedelta(minutes=1))
ADDRESS = Patience(100, timedelta(seconds=5))
# Counted from the first failure.
FORGOTTEN_AFTER = timedelta(days=1)


async def count(conn: Connection, email: str, address: str, now: datetime) -> datetime:
    """Count a log-in as failed, for now.

    Return when the address's last one before it was, which `forgive` takes. Raises RATE_LIMITED,
    counting nothing, while one must wait.
    """
    patience = _keys(email, address)
    rows = await sql.lock_failures(conn, sorted(patience), now)
    waits = []
    for row in rows:
        known = _unless_forgotten(row, now)
        # Without one nobody waits, also not for who got the lock first and came a moment later.
        if wait := patience[row.key].wait_after(known.failures):
            waits.append(row.last_at + wait - now)
        await sql.set_failures(conn, replace(known, failures=known.failures + 1, last_at=now))
    if (longest := max(waits, default=timedelta())) > timedelta():
        raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=longest.total_seconds())
    by_address = _digest_key("address", address)
    return next(row.last_at for row in rows if row.key == by_address)


async def count_today(conn: Connection, what: str, whose: str, now: datetime, *, most: int) -> None:
    """Count something of somebody's that may happen `most` times in a day.

    The day begins with the first. Raises RATE_LIMITED, counting nothing, when it has.
    """
    (row,) = await sql.lock_failures(conn, [_digest_key(what, whose)], now)
    known = _unless_forgotten(row, now)
    if known.failures >= most:
        wait = known.first_at + FORGOTTEN_AFTER - now
        raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=wait.total_seconds())
    await sql.set_failures(conn, replace(known, failures=known.failures + 1, last_at=now))


async def uncount_today(conn: Connection, what: str, whose: str) -> None:
    """Take back one that `count_today` counted."""
    await sql.take_back_failure(conn, _digest_key(what, whose))


async def forgive(
    conn: Connection, email: str, address: str, *, counted: datetime, before: datetime
) -> None:
    """Take back what `count` counted, and forget the e-mail's failures: its owner is here.

    `counted` is when that was, `before` what `count` returned.
    """
    keys = _keys(email, address)
    by_address = _digest_key("address", address)
    await sql.lock_failures(conn, sorted(keys), counted)
    await sql.forget_failures(conn, [key for key in keys if key != by_address])
    await sql.take_back_failure_of(conn, by_address, counted, before)


def _unless_forgotten(row: Failures, now: datetime) -> Failures:
    """Return what still counts: after a day it begins anew."""
    forgotten = row.first_at <= now - FORGOTTEN_AFTER
    return replace(row, failures=0, first_at=now) if forgotten else row


def _keys(email: str, address: str) -> dict[bytes, Patience]:
    return {
        _digest_key("both", f"{address} {email}"): BOTH,
        _digest_key("email", email): EMAIL,
        _digest_key("address", address): ADDRESS,
    }


def _digest_key(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}:{value}".encode()).digest()
