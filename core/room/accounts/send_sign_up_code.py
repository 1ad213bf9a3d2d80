"""SendSignUpCode: asking for a verification code, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from onegenie.error.v1.reasons import AppReason

from core.platform.database import Connection
from core.platform.runtime import Runtime
from core.platform.settings import Settings
from core.room.accounts import sql
from core.room.accounts.codes import Codes
from edge import ApiError
from edge.v1 import annotations_pb2 as rest

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
# Codes that a number is sent without waiting: the document sends people back for another one after
# a wrong or a late code. With each more of the last hour the wait is twice as long.
AT_ONCE = 3
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SendSignUpCode:
    """Whom to send a code to, in E.164, and the IP address of who asks for it."""

    phone: str
    address: str


async def send_sign_up_code(runtime: Runtime, codes: Codes, command: SendSignUpCode) -> None:
    """Have a code sent to a number.

    Raises RATE_LIMITED when the caller's address has asked its share of the last 24 hours,
    USER_ALREADY_EXISTS when the number has a complete account, RATE_LIMITED while the last codes
    are too fresh or when the number or the service has had its codes of the last 24 hours.
    """
    phone, address, settings = command.phone, command.address, runtime.settings
    async with runtime.database.begin() as conn:
        await sql.lock_code_limits(conn, phone, address)
        now = runtime.clock()
        by_address = await _full_until(conn, now, settings.codes_per_address, address=address)
        if by_address > now:
            raise _too_many(by_address - now)
        complete = await sql.phone_has_password(conn, phone)
        if complete:
            # Not sent, but answered: who asks for number after number learns no more than this.
            await sql.add_request(conn, phone, address, now, complete=True)
        else:
            await _check_limits(conn, settings, phone, now)
            await codes.defer(conn, await sql.add_request(conn, phone, address, now))
    if complete:
        raise ApiError(AppReason.USER_ALREADY_EXISTS)


async def _check_limits(conn: Connection, settings: Settings, phone: str, now: datetime) -> None:
    """Raise RATE_LIMITED when the number or the service can be sent no code at `now`."""
    asked = await sql.count_requests(conn, phone, now - _HOUR)
    until = await _full_until(conn, now, settings.codes_per_number, phone=phone)
    if asked.last and asked.number >= AT_ONCE:
        cooldown = timedelta(seconds=settings.code_cooldown_seconds)
        doubled = cooldown * 2 ** min(asked.number - AT_ONCE, 12)
        until = max(until, asked.last + min(doubled, _HOUR))
    if until > now:
        raise _too_many(until - now)
    await sql.lock_service_limit(conn)
    until = await _full_until(conn, now, settings.codes_per_day, complete=False)
    if until > now:
        log.error("codes_of_the_day_sent", most=settings.codes_per_day)
        raise _too_many(until - now)


async def _full_until(conn: Connection, now: datetime, most: int, **of: str | bool) -> datetime:
    """Return when one more of the `most` requests in 24 hours is allowed; `now` if it is."""
    oldest = await sql.nth_last_request(conn, now - DAY, most, **of)
    return oldest + DAY if oldest else now


def _too_many(wait: timedelta) -> ApiError:
    return ApiError(rest.CONDITION_RATE_LIMITED, retry_after=wait.total_seconds())
