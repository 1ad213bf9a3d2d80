"""Verification codes on their way: a job makes each and sends it."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from procrastinate import JobContext

from core.platform.database import Connection
from core.platform.jobs import CODES
from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.passwords import hash_password
from core.room.accounts.sms import Sms

log = structlog.get_logger(__name__)


class Codes:
    """Sends codes: `defer` puts a request for one on the queue, the queue calls `run`."""

    def __init__(self, runtime: Runtime, sms: Sms) -> None:
        self._database = runtime.database
        self._jobs = runtime.jobs
        self._sms = sms
        self._pool = runtime.passwords
        self._clock = runtime.clock
        self._life = timedelta(seconds=runtime.settings.code_seconds)
        self._task = runtime.jobs.task("auth.send_code", self.run, CODES)

    async def defer(self, conn: Connection, request_id: int) -> None:
        """Put a request on the queue, in the transaction of `conn`."""
        # Not the number, and no code yet: what is on the queue may be read by many.
        await self._jobs.defer(conn, self._task, request_id=request_id)

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
        code_hash = await self._pool.run(hash_password, code)
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
