"""Verification codes: asking for one within limits, making it and sending it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import structlog
from onegenie.error.v1.reasons import AppReason
from procrastinate import JobContext

from core.platform.database import Connection
from core.platform.jobs import CODES
from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.passwords import hash_secret
from core.room.accounts.sms import Sms
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
# Codes that a number is sent without waiting: the document sends people back for another one after
# a wrong or a late code. With each more of the last hour the wait is twice as long.
AT_ONCE = 3
_HOUR = timedelta(hours=1)


class Codes:
    """Sends codes: `ask` puts a request on the queue, the queue calls `run`."""

    def __init__(
        self,
        runtime: Runtime,
        sms: Sms,
    ) -> None:
        settings = runtime.settings
        self._database = runtime.database
        self._jobs = runtime.jobs
        self._sms = sms
        self._pool = runtime.passwords
        self._clock = runtime.clock
        self._life = timedelta(seconds=settings.code_seconds)
        self._cooldown = timedelta(seconds=settings.code_cooldown_seconds)
        self._per_number = settings.codes_per_number
        self._per_address = settings.codes_per_address
        self._per_day = settings.codes_per_day
        self._task = runtime.jobs.task("auth.send_code", self.run, CODES)

    async def ask(self, phone: str, address: str) -> None:
        """Have a code sent to a number.

        Raises RATE_LIMITED when the caller's address has asked its share of the last 24 hours,
        USER_ALREADY_EXISTS when the number has a complete account, RATE_LIMITED while the last
        codes are too fresh or when the number or the service has had its codes of the last
        24 hours.
        """
        async with self._database.begin() as conn:
            await sql.lock_code_limits(conn, phone, address)
            now = self._clock()
            by_address = await self._full_until(conn, now, self._per_address, address=address)
            if by_address > now:
                raise _too_many(by_address - now)
            complete = await sql.phone_has_password(conn, phone)
            if complete:
                # Not sent, but answered: who asks for number after number learns no more than this.
                await sql.add_request(conn, phone, address, now, complete=True)
            else:
                await self._check_number(conn, phone, now)
                request_id = await sql.add_request(conn, phone, address, now)
                # Not the number, and no code yet: what is on the queue may be read by many.
                await self._jobs.defer(conn, self._task, request_id=request_id)
        if complete:
            raise ApiError(AppReason.USER_ALREADY_EXISTS)

    async def _check_number(self, conn: Connection, phone: str, now: datetime) -> None:
        asked = await sql.count_requests(conn, phone, now - _HOUR)
        until = await self._full_until(conn, now, self._per_number, phone=phone)
        if asked.last and asked.number >= AT_ONCE:
            doubled = self._cooldown * 2 ** min(asked.number - AT_ONCE, 12)
            until = max(until, asked.last + min(doubled, _HOUR))
        if until > now:
            raise _too_many(until - now)
        await sql.lock_service_limit(conn)
        until = await self._full_until(conn, now, self._per_day, complete=False)
        if until > now:
            log.error("codes_of_the_day_sent", most=self._per_day)
            raise _too_many(until - now)

    async def _full_until(
        self, conn: Connection, now: datetime, most: int, **of: str | bool
    ) -> datetime:
        """When there is room for one more of the `most` requests in 24 hours; `now` if there is."""
        oldest = await sql.nth_last_request(conn, now - DAY, most, **of)
        return oldest + DAY if oldest else now

    async def run(self, context: JobContext, request_id: int) -> None:
        """Make a code for a request and send it; a retry makes a new one.

        Raises SmsUnavailable, and is tried again, for as long as a code lives.
        """
        request = await sql.latest_request(self._database, request_id)
        if request is None:
            return
        now = self._clock()
        if now - request.requested_at >= self._life:
            # Nobody waits for it any more.
            log.error("code_given_up", request_id=request_id, attempts=context.job.attempts)
            return
        code = f"{secrets.randbelow(10**6):06}"
        code_hash = await self._pool.run(hash_secret, code)
        async with self._database.begin() as conn:
            # Again, while nobody can ask: jobs may overtake each other, and the newest code counts.
            await sql.lock_codes_of(conn, request.phone)
            if await sql.latest_request(conn, request_id) is None:
                return
            await sql.put_code(conn, request.phone, code_hash, self._clock() + self._life)
        await self._sms.send(request.phone, self._text(code))

    def _text(self, code: str) -> str:
        minutes, seconds = divmod(int(self._life.total_seconds()), 60)
        parts = [f"{minutes}분"] if minutes else []
        if seconds:
            parts.append(f"{seconds}초")
        return f"[onegenie] 인증번호 {code} ({' '.join(parts)} 안에 입력해 주세요)"


def _too_many(wait: timedelta) -> ApiError:
    return ApiError(rest.CONDITION_RATE_LIMITED, retry_after=wait.total_seconds())
