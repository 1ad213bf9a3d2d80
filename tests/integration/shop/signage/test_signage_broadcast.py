"""200 screens on two core processes, and one trigger whose round matched no signage."""

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
from onegenie.trigger.v1 import trigger_pb2
from onegenie.trigger.v1 import trigger_pb2_grpc as trigger_grpc

from core.platform.database import Database
from core.shop.catalogue import sql
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.sql import create_tenant
from tests.support import Shopper, add_profile, create_key

SCREENS = 200


@asynccontextmanager
async def core_process(database_url: str, socket: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A core in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "core.app.wire", "--socket", str(socket),
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
    """A subscriber that notes what it gets, and when.

    Until its first frame it subscribes again when the store can't be asked, as a device does: of
    200 at once on a busy machine some wait too long for it.
    """

    def __init__(self, channel: grpc.aio.Channel, secret: str) -> None:
        self.frames: list[tuple[float, pb.Frame]] = []
        self._changed = asyncio.Event()
        self._stub = pb_grpc.SignageServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {secret}"),)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                async for reply in self._stub.Subscribe(
                    pb.SubscribeRequest(), metadata=self._metadata
                ):
                    self.frames.append((time.perf_counter(), reply.frame))
                    self._changed.set()
                return
            except grpc.aio.AioRpcError as error:
                if self.frames or error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(0.2)

    async def has(self, count: int) -> None:
        while len(self.frames) < count:
            self._changed.clear()
            await self._changed.wait()

    async def leave(self) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})


async def make_screens(
    database: Database,
) -> tuple[uuid.UUID, str, list[store_pb2.Signage], list[str]]:
    """A tenant without a product, its SDK key, its signage (half of number 1, half of number 2),
    and a device key for each."""
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, "hall", "ko")
        await grant_credit(conn, GrantCredit(tenant_id, 1))
        _, sdk_key = await create_key(conn, tenant_id, "sdk", "app")
        await sql.bump_revision(conn, tenant_id)
        signage, secrets = [], []
        for place in range(SCREENS):
            new = store_pb2.Signage(number=1 + place % 2, name=str(place), orientation="portrait")
            signage.append(await sql.put_signage(conn, tenant_id, None, new))
            _, secret = await create_key(conn, tenant_id, "signage", "device", signage[-1].id)
            secrets.append(secret)
    return tenant_id, sdk_key, signage, secrets


async def test_two_hundred_screens_get_a_broadcast_once(
    database: Database, database_url: str
) -> None:
    tenant_id, sdk_key, signage, secrets = await make_screens(database)
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
        shopper = await add_profile(Shopper(channels[0], sdk_key, "", tenant_id))
        began = await shopper.start()
        # Nothing is sold here, so there is no ad, and no signage near one.
        assert not (await shopper.finish(began)).notifications.ad.HasField("signage")

        async def trigger(action: str) -> None:
            await trigger_grpc.TriggerServiceStub(shopper.channel).TriggerSignage(
                trigger_pb2.TriggerSignageRequest(
                    profile_id=shopper.profile_id,
                    chat_id=began.chat_id,
                    round_id=began.round_id,
                    action=action,
                    items=[
                        trigger_pb2.SignageItem(rec_id="a", discount_pct=5),
                        trigger_pb2.SignageItem(rec_id="b", discount_pct=10),
                    ],
                ),
                metadata=shopper.metadata,
                timeout=60,
            )

        sent = time.perf_counter()
        await trigger("enter")
        answered = time.perf_counter() - sent
        async with asyncio.timeout(120):
            await asyncio.gather(*(screen.has(2) for screen in screens))
        # A screen that got it twice would have it by now, before the next frame.
        await trigger("exit")
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
    delays = sorted(1000 * (screen.frames[1][0] - sent) for screen in screens)
    print(
        f"\n{SCREENS} screens on 2 cores: all subscribed in {subscribed:.2f} s; the trigger was "
        f"answered after {1000 * answered:.0f} ms; from sending it to the frame: "
        f"median {statistics.median(delays):.0f} ms, p95 {delays[int(0.95 * SCREENS)]:.0f} ms, "
        f"last {delays[-1]:.0f} ms"
    )
