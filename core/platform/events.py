"""Wake local watchers when something changed in the database, whichever process changed it.

Postgres NOTIFY carries ids only; the tables hold the truth. A watcher re-reads its row when it
is woken, and every few seconds in any case, so a lost notification costs time and nothing else.
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

    Notifications serialise commits: publish one a transaction, never one a token.
    """
    await conn.run(_NOTIFY, channel=_CHANNEL, topic=topic)


class Events:
    """One listening connection a process, shared by all its watchers."""

    def __init__(self, database_url: str) -> None:
        self._url = libpq_url(database_url)
        self._watchers: dict[str, set[asyncio.Event]] = {}

    @contextlib.contextmanager
    def watch(self, *topics: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of `topics` may have changed."""
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
        """How many watchers there are in this process."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def wake_all(self) -> None:
        """Wake every watcher: after a reconnect, and to let streams end when the server stops."""
        for watchers in self._watchers.values():
            for event in watchers:
                event.set()

    async def run(self) -> None:
        """Listen until cancelled, reconnecting when the database was away."""
        this = asyncio.current_task()
        assert this is not None
        # A connection that is cancelled may end in another error.
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
