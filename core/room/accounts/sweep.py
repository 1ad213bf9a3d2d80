"""Deleting what nobody needs any more: numbers, addresses and tokens are not kept for ever."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta

import structlog

from core.platform.clock import Clock
from core.platform.database import Database
from core.room.accounts import sql
from core.room.accounts.failures import FORGOTTEN_AFTER
from core.room.accounts.send_sign_up_code import DAY

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
    await sql.sweep(
        database,
        now,
        day=DAY,
        failures_for=FORGOTTEN_AFTER,
        refresh_token_life=refresh_token_life,
    )
