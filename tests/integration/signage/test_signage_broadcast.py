"""200 screens on two core processes, and one broadcast."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.signage.v1 import signage_pb2_grpc as pb_grpc
from onegenie.store.v1 import store_pb2

from core.platform.database import Database
from core.signage import frames
from core.store import store
from core.tenant.store import create_key, create_tenant

SCREENS = 200


@asynccontextmanager
async def core_process(database_url: str, socket: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A core in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "core.server", "--socket", str(socket),
        env={**os.environ, "DATABASE_URL": "postgresql://" + database_url.split("://", 1)[1],
             "LOG_LEVEL": "warning"},
    )  # fmt: skip
    try:
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            async with asyncio.timeout(60):
                await channel.channel_ready()
            yield channel
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Screen:
    """A subscriber that notes what it gets, and when."""

    def __init__(self, channel: grpc.aio.Channel, secret: str) -> None:
        self.frames: list[tuple[float, pb.Frame]] = []
        self._changed = asyncio.Event()
        self._call = pb_grpc.SignageServiceStub(channel).Subscribe(
            pb.SubscribeRequest(), metadata=(("authorization", f"Bearer {secret}"),)
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for reply in self._call:
            self.frames.append((time.perf_counter(), reply.frame))
            self._changed.set()

    async def has(self, count: int) -> None:
        while len(self.frames) < count:
            self._changed.clear()
            await self._changed.wait()

    async def leave(self) -> None:
        self._call.cancel()
        await asyncio.wait({self._reading})


async def make_screens(database: Database) -> tuple[uuid.UUID, list[store_pb2.Signage], list[str]]:
    """A tenant with signage, half of number 1 and half of number 2, and a key for each."""
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, "hall", "ko")
        await store.bump_revision(conn, tenant_id)
        signage, secrets = [], []
        for place in range(SCREENS):
            new = store_pb2.Signage(number=1 + place % 2, name=str(place), orientation="portrait")
            signage.append(await store.put_signage(conn, tenant_id, None, new))
            _, secret = await create_key(conn, tenant_id, "signage", "device", signage[-1].id)
            secrets.append(secret)
    return tenant_id, signage, secrets


async def test_two_hundred_screens_get_a_broadcast_once(
    database: Database, database_url: str
) -> None:
    tenant_id, signage, secrets = await make_screens(database)
    items = [{"rec_id": "a", "discount_pct": 5}, {"rec_id": "b", "discount_pct": 10}]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="og-")))
        channels = [
            await stack.enter_async_context(core_process(database_url, folder / f"{name}.sock"))
            for name in "ab"
        ]
        started = time.perf_counter()
        screens = [Screen(channels[i % 2], secret) for i, secret in enumerate(secrets)]
        for screen in screens:
            stack.push_async_callback(screen.leave)
        async with asyncio.timeout(120):
            await asyncio.gather(*(screen.has(1) for screen in screens))
        subscribed = time.perf_counter() - started
        async with database.begin() as conn:
            await frames.show(conn, tenant_id, signage, items, [{"name": "양파"}], [])
        shown = time.perf_counter()
        async with asyncio.timeout(120):
            await asyncio.gather(*(screen.has(2) for screen in screens))
        # A screen that got it twice would have it by now, before the next frame.
        async with database.begin() as conn:
            await frames.clear(conn, tenant_id, [one.id for one in signage])
        async with asyncio.timeout(120):
            await asyncio.gather(*(screen.has(3) for screen in screens))

    for one, screen in zip(signage, screens, strict=True):
        kinds = [(frame.sequence, frame.kind) for _, frame in screen.frames]
        assert kinds == [
            (1, pb.FRAME_KIND_IDLE),
            (2, pb.FRAME_KIND_RECOGNIZED),
            (3, pb.FRAME_KIND_IDLE),
        ]
        frame = screen.frames[1][1]
        assert (frame.number, [item.rec_id for item in frame.items]) == (one.number, ["a", "b"])
    delays = sorted(1000 * (screen.frames[1][0] - shown) for screen in screens)
    print(
        f"\n{SCREENS} screens on 2 cores: all subscribed in {subscribed:.2f} s; from the commit of "
        f"a broadcast to the frame: median {statistics.median(delays):.0f} ms, "
        f"p95 {delays[int(0.95 * SCREENS)]:.0f} ms, last {delays[-1]:.0f} ms"
    )
