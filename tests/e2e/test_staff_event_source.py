"""The tenant's live view read by a real EventSource (Node's), through Envoy.

An EventSource can't send an Authorization header; a page has a server of its own in between that
does. Here it is a small proxy, which can also cut the line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.shop.tenants.sql import create_tenant
from core.shop.trigger.sql import TriggerEvent, add_events
from tests.e2e.service import Service
from tests.support import create_key

# A chunk that tells the page to come back after a tenth of a second, not after three.
RETRY = b"c\r\nretry: 100\n\n\r\n"
SCRIPT = Path(__file__).with_name("event_source.mjs")
KINDS = ("round", "signage", "recommend", "issued", "redeemed", "dismissed")


@cache
def why_not() -> str:
    """Why there is no EventSource here; empty when there is one."""
    node = shutil.which("node")
    if node is None:
        return "node is not installed"
    check = subprocess.run(
        [node, "--experimental-eventsource", "-e", "new EventSource('data:').close()"],
        capture_output=True,
        text=True,
    )
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    return "" if check.returncode == 0 else f"node {version} has no EventSource (20.18 has)"


class Line:
    """A proxy that adds the key to each request and can cut its connections."""

    def __init__(self, url: str, secret: str) -> None:
        self.host, port = url.removeprefix("http://").split(":")
        self.port, self.secret = int(port), secret
        self.requests: list[str] = []
        self.cut_after: int | None = None
        self.sent = b""
        self.more = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._calls: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The address to ask instead."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._calls)

    def cut(self) -> None:
        """Drop every connection, as a network does: without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def hang_up_after(self, text: bytes) -> None:
        """Wait until the page was sent something, then hang up: it gets there, nothing after it."""
        async with self.more:
            await self.more.wait_for(lambda: text in self.sent)
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        upstream: asyncio.StreamWriter | None = None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            answer, upstream = await asyncio.open_connection(self.host, self.port)
            # Without compression, so that RETRY can be put in; a connection has one answer.
            ours = "(?i)^(accept-encoding|connection):.*\r\n"
            plain = re.sub(ours, "", head, flags=re.MULTILINE)
            key = f"Authorization: Bearer {self.secret}\r\nConnection: close\r\n\r\n"
            upstream.write((plain.removesuffix("\r\n") + key).encode())
            head_of_answer = await answer.readuntil(b"\r\n\r\n")
            chunked = b"transfer-encoding: chunked" in head_of_answer
            writer.write(head_of_answer + (RETRY if chunked else b""))
            while chunked and (part := await answer.read(4096)):
                if self.cut_after is not None:
                    # In the middle of whatever is being sent.
                    part, self.cut_after = part[: self.cut_after], self.cut_after - len(part)
                writer.write(part)
                await writer.drain()
                async with self.more:
                    self.sent += part
                    self.more.notify_all()
                if self.cut_after is not None and self.cut_after <= 0:
                    self.cut_after = None
                    # What was written gets there, and nothing after it.
                    writer.close()
                    break
        for each in (writer, upstream):
            if each is not None:
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()
        self._writers.discard(writer)


class Page:
    """A running event_source.mjs and the lines it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.opened = 0
        self.closed = False
        self.events: list[tuple[str, int, Any]] = []

    async def until(self, done: Callable[[], bool]) -> None:
        """Read lines until `done`; fails when the page ends before."""
        assert self.process.stdout is not None
        while not done():
            async with asyncio.timeout(30):
                line = (await self.process.stdout.readline()).decode().rstrip("\n")
            assert line, "the page ended"
            if line == "open":
                self.opened += 1
            elif line == "closed":
                self.closed = True
            else:
                kind, number, data = line.split(" ", 2)
                self.events.append((kind, int(number), json.loads(data)))


@contextlib.asynccontextmanager
async def page(url: str) -> AsyncIterator[Page]:
    """A page that follows a stream."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "--no-warnings",
        "--experimental-eventsource",
        str(SCRIPT),
        url,
        *KINDS,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    try:
        yield Page(process)
    finally:
        process.terminate()
        await process.wait()


class Shop:
    """A tenant of a test's own and its events."""

    def __init__(self, service: Service, tenant_id: uuid.UUID, secret: str) -> None:
        self.service, self.tenant_id, self.secret = service, tenant_id, secret
        self.ids: list[str] = []

    async def add(self, count: int, kind: str | None = None) -> None:
        """Store so many events, of each kind in turn, in one transaction."""
        place = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
        events = []
        for number in range(len(self.ids), len(self.ids) + count):
            item = {"rec_id": f"rec_{number}", "item_name": "스파게티니\n", "price": 4900.0}
            events.append(
                TriggerEvent(
                    f"evt_{uuid.uuid4()}", kind or KINDS[1 + number % 5], *place, item=item
                )
            )
        self.ids += [event.id for event in events]
        async with self.service.database.begin() as conn:
            await add_events(conn, self.tenant_id, events)


@pytest.fixture
async def shop(service: Service) -> Shop:
    if reason := why_not():
        pytest.skip(reason)
    async with service.database.begin() as conn:
        tenant_id = await create_tenant(conn, f"event source {uuid.uuid4()}")
        _, secret = await create_key(conn, tenant_id, "admin", "test")
    return Shop(service, tenant_id, secret)


async def test_it_sees_every_event_once_across_dropped_connections(shop: Shop) -> None:
    line = Line(shop.service.url, shop.secret)
    await shop.add(3)
    async with line.open() as url, page(f"{url}/v1/admin/events?after_sequence=0") as follower:
        events = follower.events
        await follower.until(lambda: len(events) == 3)
        # Dropped in silence, and more comes while nobody listens.
        line.cut()
        await shop.add(5)
        await follower.until(lambda: len(events) == 8)
        # Dropped again and again in the middle of a burst.
        for _ in range(3):
            line.cut_after = 3000
            await shop.add(40)
            wanted = len(shop.ids)
            await follower.until(lambda: len(events) == wanted)  # noqa: B023
        await shop.add(1)
        await follower.until(lambda: len(events) == len(shop.ids))
    assert [data["event_id"] for _, _, data in events] == shop.ids
    assert [number for _, number, _ in events] == list(range(1, len(shop.ids) + 1))
    assert all(data["kind"] == kind for kind, _, data in events)
    keys = {"event_id", "kind", "profile_id", "chat_id", "round_id", "item", "created_at"}
    assert all(data.keys() == keys for _, _, data in events)
    assert events[0][2]["item"]["item_name"] == "스파게티니\n"
    assert type(events[0][2]["item"]["price"]) is int
    # It did come back, and said how far it was.
    assert follower.opened == len(line.requests) >= 5
    assert "last-event-id" not in line.requests[0].lower()
    assert all("last-event-id: " in head.lower() for head in line.requests[1:])


async def test_what_came_before_the_first_event_it_saw_is_not_lost_either(shop: Shop) -> None:
    """It begins now, and the line drops before anything happened."""
    line = Line(shop.service.url, shop.secret)
    await shop.add(2)
    async with line.open() as url, page(f"{url}/v1/admin/events") as follower:
        await line.hang_up_after(b"id: 2\n\n")
        await shop.add(2)
        await follower.until(lambda: len(follower.events) == 2)
    assert [data["event_id"] for _, _, data in follower.events] == shop.ids[2:]
    assert "last-event-id: 2" in line.requests[1].lower()


async def test_only_the_kinds_it_asked_for(shop: Shop) -> None:
    line = Line(shop.service.url, shop.secret)
    query = "after_sequence=0&kinds=issued&kinds=signage"
    async with line.open() as url, page(f"{url}/v1/admin/events?{query}") as follower:
        await follower.until(lambda: follower.opened == 1)
        await shop.add(5)
        await follower.until(lambda: len(follower.events) == 2)
        line.cut()
        await shop.add(5)
        await follower.until(lambda: len(follower.events) == 4)
    seen = [(kind, number) for kind, number, _ in follower.events]
    assert seen == [("signage", 1), ("issued", 3), ("signage", 6), ("issued", 8)]


async def test_a_round_that_is_over_is_not_asked_for_again(service: Service) -> None:
    if reason := why_not():
        pytest.skip(reason)
    secret = service.demo["SDK_KEY"]
    caller = await service.caller(secret)
    profile_id = await service.add_profile(caller)
    started = await service.hold_round(caller, profile_id)
    path = f"/v1/chat/{profile_id}/recommend/{started.chat_id}/{started.round_id}/events"
    line = Line(service.url, secret)
    async with line.open() as url, page(url + path) as follower:
        await follower.until(lambda: len(follower.events) == 1)
        # Nothing new, and not over either: it comes back.
        line.cut()
        await follower.until(lambda: follower.opened == 2)
        await service.set_state(started, "completed", 4)
        await follower.until(lambda: follower.closed)
    assert [data["status"] for _, _, data in follower.events] == ["in_progress", "completed"]
    assert len(line.requests) == 3
    assert "last-event-id: 5" in line.requests[2].lower()
