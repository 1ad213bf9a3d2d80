"""Text messages to phones: the port, and its two adapters."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from pathlib import Path
from typing import Protocol

import httpx
import orjson
import structlog

from core.platform.clock import Clock

log = structlog.get_logger(__name__)


class SmsUnavailable(Exception):
    """The message did not go out and may be sent again. Says nothing of what was sent."""


class Sms(Protocol):
    """Sends text messages."""

    async def send(self, to: str, text: str) -> None:
        """Send `text` to a number in E.164. Raises SmsUnavailable when a later try may help.

        A message that the provider refuses for good is logged and given up.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class OutboxSms:
    """Writes messages to a file, one JSON object a line, for machines without a provider."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the path of a file; it and its folder are made with the first message."""
        self._path = path
        self._clock = clock

    async def send(self, to: str, text: str) -> None:
        line = {"to": to, "text": text, "sent_at": self._clock().isoformat()}
        try:
            await asyncio.to_thread(self._append, orjson.dumps(line) + b"\n")
        except OSError as error:
            raise SmsUnavailable(f"outbox: {error.strerror}") from None

    async def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # Lines of several processes never mix, and on a full disk half of one is taken back.
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(file).st_size
            try:
                if os.write(file, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)


class HttpSms:
    """Hands messages to a provider over HTTP (docs/room/accounts.md)."""

    def __init__(
        self, url: str, token: str | None = None, sender: str | None = None, timeout: float = 10.0
    ) -> None:
        """Take `timeout` in seconds, for connecting and for each read and write."""
        self._url = url
        self._sender = sender
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(timeout=timeout, headers=headers, follow_redirects=False)

    async def send(self, to: str, text: str) -> None:
        message = {"to": to, "from": self._sender, "text": text}
        try:
            response = await self._client.post(self._url, json=message)
        except httpx.HTTPError as error:
            # Without its text, which may hold the address and with it a secret.
            raise SmsUnavailable(f"provider: {type(error).__name__}") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise SmsUnavailable(f"provider: HTTP {response.status_code}")
        if not response.is_success:
            log.error("sms_refused", status=response.status_code)

    async def close(self) -> None:
        await self._client.aclose()
