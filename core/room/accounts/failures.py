"""Failed log-ins, counted by e-mail, by address and by both, each with its own patience; and
failed verifications, of which an address has so many a day."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.room.accounts.tables import auth_failures
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures go unpunished, and the longest wait after more."""

    free: int
    longest: timedelta

    def wait_after(self, failures: int) -> timedelta:
        """How long to wait after the last of so many failures: 1 s, 2 s, 4 s … to the longest."""
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


async def count(conn: AsyncConnection, email: str, address: str, now: datetime) -> datetime:
    """Count a log-in as failed, for now. When the address's last one before it was, for `forgive`.

    Raises RATE_LIMITED, counting nothing, while one waits.
    """
    patience = _keys(email, address)
    rows = await _lock(conn, sorted(patience), now)
    waits = []
    for row in rows:
        forgotten = row.first_at <= now - FORGOTTEN_AFTER
        failures, first_at = (0, now) if forgotten else (row.failures, row.first_at)
        # Without one nobody waits, also not for who got the lock first and came a moment later.
        if wait := patience[row.key].wait_after(failures):
            waits.append(row.last_at + wait - now)
        statement = update(auth_failures).where(auth_failures.c.key == row.key)
        await conn.execute(statement.values(failures=failures + 1, first_at=first_at, last_at=now))
    if (longest := max(waits, default=timedelta())) > timedelta():
        raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=longest.total_seconds())
    by_address = _key("address", address)
    before: datetime = next(row.last_at for row in rows if row.key == by_address)
    return before


async def count_today(
    conn: AsyncConnection, what: str, whose: str, most: int, now: datetime
) -> None:
    """Count something of somebody's that may happen `most` times in a day.

    The day begins with the first. Raises RATE_LIMITED, counting nothing, when it has.
    """
    (row,) = await _lock(conn, [_key(what, whose)], now)
    forgotten = row.first_at <= now - FORGOTTEN_AFTER
    failures, first_at = (0, now) if forgotten else (row.failures, row.first_at)
    if failures >= most:
        wait = first_at + FORGOTTEN_AFTER - now
        raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=wait.total_seconds())
    statement = update(auth_failures).where(auth_failures.c.key == row.key)
    await conn.execute(statement.values(failures=failures + 1, first_at=first_at, last_at=now))


async def uncount_today(conn: AsyncConnection, what: str, whose: str) -> None:
    """Take back one that `count_today` counted."""
    failures, of_key = auth_failures.c.failures, auth_failures.c.key == _key(what, whose)
    await conn.execute(delete(auth_failures).where(of_key, failures <= 1))
    await conn.execute(update(auth_failures).where(of_key).values(failures=failures - 1))


async def forgive(
    conn: AsyncConnection, email: str, address: str, counted: datetime, before: datetime
) -> None:
    """Take back what `count` counted then, and forget the e-mail's failures: its owner is here.

    `before` is what `count` returned.
    """
    keys = _keys(email, address)
    by_address = _key("address", address)
    of_email = [key for key in keys if key != by_address]
    await _lock(conn, sorted(keys), counted)
    await conn.execute(delete(auth_failures).where(auth_failures.c.key.in_(of_email)))
    last_at = auth_failures.c.last_at
    await conn.execute(
        update(auth_failures)
        .where(auth_failures.c.key == by_address, auth_failures.c.failures > 0)
        .values(
            failures=auth_failures.c.failures - 1,
            # Unless there was another one since: nobody waits for a success.
            last_at=case((last_at == counted, before), else_=last_at),
        )
    )


def _keys(email: str, address: str) -> dict[bytes, Patience]:
    return {
        _key("both", f"{address} {email}"): BOTH,
        _key("email", email): EMAIL,
        _key("address", address): ADDRESS,
    }


def _key(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}:{value}".encode()).digest()


async def _lock(conn: AsyncConnection, keys: Sequence[bytes], now: datetime) -> Sequence[Any]:
    """The rows of the keys, made where there are none, and held.

    Taken in the order given, which is the same everywhere: no two transactions wait for each other.
    """
    statement = upsert(auth_failures).values(
        [{"key": key, "failures": 0, "first_at": now, "last_at": now} for key in keys]
    )
    statement = statement.on_conflict_do_update(
        index_elements=[auth_failures.c.key], set_={"key": statement.excluded.key}
    )
    return (await conn.execute(statement.returning(auth_failures))).all()
