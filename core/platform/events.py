"""Wake this process's watchers when any process has changed something in the database.

Postgres NOTIFY carries only ids; the tables hold the truth. A watcher reads its row again when it
is woken, and every few seconds in any case, so a lost notification costs nothing but time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import psycopg
import structlog
from sqlalchemy import text

from core.platform.database import Connection, Statement, libpq_url

log = structlog.get_logger(__name__)

_CHANNEL = "onegenie"
_NOTIFY = Statement(text("SELECT pg_notify(:channel, :topic)"))


async def publish(conn: Connection, topic: str) -> None:
    """Wake the watchers of `topic`, in every process, when the transaction commits.

    Notifications make commits take turns: publish one per transaction, never one per token.
    Raises psycopg.Error.
    """
    await conn.run(_NOTIFY, channel=_CHANNEL, topic=topic)


class Changes:
    """One listening connection per process, shared by all watchers of the process."""

    def __init__(self, database_url: str) -> None:
        self._url = libpq_url(database_url)
        self._watchers: dict[str, set[asyncio.Event]] = {}

    @contextlib.contextmanager
    def watch(self, *topics: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever one of `topics` may have changed."""
        event = asyncio.Event()
        for topic in topics:
            self._watchers.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            for topic in topics:
                watchers = self._watchers[topic]
                watchers.discard(event)
                if not watchers:
                    del self._watchers[topic]

    @property
    def watcher_count(self) -> int:
        """The number of watchers in this process."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def wake_all(self) -> None:
        """Wake every watcher: after a reconnect, and to end streams when the server stops."""
        for watchers in self._watchers.values():
            for event in watchers:
                event.set()

    async def run(self) -> None:
        """Listen until cancelled. Reconnect whenever the database was away."""
        this = asyncio.current_task()
        assert this is not None
        # A cancelled connection may raise another error.
        while not this.cancelling():
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True
                ) as conn:
                    await conn.execute(f"LISTEN {_CHANNEL}")
                    self.wake_all()
                    async for notification in conn.notifies():
                        for event in self._watchers.get(notification.payload, ()):
                            event.set()
            except psycopg.Error as error:
                log.warning("event_listener_ended", error=type(error).__name__)
            await asyncio.sleep(0.5)
