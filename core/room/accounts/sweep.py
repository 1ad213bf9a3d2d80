"""Deleting what nobody needs any more: numbers, addresses and tokens are not kept for ever."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Table, delete, select

from core.platform.clock import Clock
from core.platform.database import Database
from core.room.accounts.codes import DAY
from core.room.accounts.failures import FORGOTTEN_AFTER
from core.room.accounts.tables import (
    auth_code_requests,
    auth_codes,
    auth_failures,
    auth_refresh_tokens,
    auth_sessions,
)

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 3600


async def keep_swept(database: Database, clock: Clock, refresh_token_life: timedelta) -> None:
    """Sweep about every hour, until cancelled."""
    while True:
        # Not all processes at once, and none while it starts.
        await asyncio.sleep(_EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            await sweep(database, clock(), refresh_token_life)
        except Exception as error:
            log.warning("auth_sweep_failed", error=type(error).__name__)


async def sweep(database: Database, now: datetime, refresh_token_life: timedelta) -> None:
    """Delete what has no effect any more at `now`."""
    await _delete(database, auth_code_requests, auth_code_requests.c.requested_at <= now - DAY)
    # A day longer than needed: somebody late hears that the code has expired.
    await _delete(database, auth_codes, auth_codes.c.expires_at <= now - DAY)
    await _delete(database, auth_failures, auth_failures.c.first_at <= now - FORGOTTEN_AFTER)
    await _delete(database, auth_refresh_tokens, auth_refresh_tokens.c.expires_at <= now)
    # Its last refresh token expired a day ago, and with it every access token.
    unused = auth_sessions.c.refreshed_at <= now - refresh_token_life - DAY
    await _delete(database, auth_sessions, unused)


async def _delete(database: Database, table: Table, condition: ColumnElement[bool]) -> None:
    key = next(iter(table.primary_key))
    # What a call holds is left for the next time: neither waits for the other.
    found = select(key).where(condition).with_for_update(skip_locked=True)
    async with database.begin() as conn:
        await conn.execute(delete(table).where(key.in_(found)))
