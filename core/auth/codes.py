"""Verification codes: asking for one within limits, making it and sending it."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from onegenie.rest.v1 import annotations_pb2 as rest
from procrastinate import JobContext

from core.auth import store
from core.auth.passwords import hash_secret
from core.auth.sms import Sms
from core.platform.clock import Clock
from core.platform.database import Database
from core.platform.jobs import Jobs
from core.platform.pool import WorkPool
from core.platform.settings import Settings
from edge.errors import ApiError

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)


class Codes:
    """Sends codes: `ask` puts a request on the queue, the queue calls `run`."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        sms: Sms,
        pool: WorkPool,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._sms = sms
        self._pool = pool
        self._clock = clock
        self._life = timedelta(seconds=settings.code_seconds)
        self._cooldown = timedelta(seconds=settings.code_cooldown_seconds)
        self._per_number = settings.codes_per_number
        self._per_address = settings.codes_per_address
        self._task = jobs.task("auth.send_code", self.run)

    async def ask(self, phone: str, address: str) -> None:
        """Have a code sent to a number.

        Raises USER_3 when the number has a complete account, RATE_LIMITED while the last code is
        too fresh or when the number or the caller's address has had its codes of the last 24 hours.
        """
        async with self._database.begin() as conn:
            if await store.phone_has_password(conn, phone):
                raise ApiError("USER_3")
            await store.lock_code_limits(conn, phone, address)
            now = self._clock()
            yesterday = now - DAY
            last = await store.last_request(conn, phone)
            # When each limit lets the number have a code again.
            until = [last + self._cooldown] if last else []
            for nth, of in (
                (self._per_number, {"phone": phone}),
                (self._per_address, {"address": address}),
            ):
                if oldest := await store.nth_last_request(conn, yesterday, nth, **of):
                    until.append(oldest + DAY)
            wait = max(until, default=now) - now
            if wait > timedelta():
                raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=wait.total_seconds())
            request_id = await store.add_request(conn, phone, address, now)
            # Not the number, and no code yet: what is on the queue may be read by many.
            await self._jobs.defer(conn, self._task, request_id=request_id)

    async def run(self, context: JobContext, request_id: int) -> None:
        """Make a code for a request and send it; a retry makes a new one.

        Raises SmsUnavailable, and is tried again, for as long as a code lives.
        """
        async with self._database.connect() as conn:
            request = await store.latest_request(conn, request_id)
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
            await store.put_code(conn, request.phone, code_hash, self._clock() + self._life)
        await self._sms.send(request.phone, self._text(code))

    def _text(self, code: str) -> str:
        minutes, seconds = divmod(int(self._life.total_seconds()), 60)
        parts = [f"{minutes}분"] if minutes else []
        if seconds:
            parts.append(f"{seconds}초")
        return f"[onegenie] 인증번호 {code} ({' '.join(parts)} 안에 입력해 주세요)"
