"""Screens on real core processes in this one: frames, resume, take-over, idle, presence."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import pytest
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.signage.v1 import signage_pb2_grpc as pb_grpc
from onegenie.store.v1 import store_pb2, store_pb2_grpc
from sqlalchemy import select, update

from core.app.wire import serve
from core.platform.database import Database
from core.platform.settings import Settings
from core.shop.signage import frames, subscribe
from core.shop.signage.screen import Recognition
from core.shop.signage.sql import KEPT_FRAMES, Presence, presence
from core.shop.signage.tables import signage_devices, signage_frames
from core.shop.tenants.revoke_key import revoke_key
from core.shop.tenants.sql import create_tenant
from tests.support import create_key, reason_of, running_core, tables

IDLE, RECOGNIZED = pb.FRAME_KIND_IDLE, pb.FRAME_KIND_RECOGNIZED
KEEP_ALIVE = pb.FRAME_KIND_KEEP_ALIVE
ITEMS = [
    {"rec_id": "a", "item_id": 1, "item_name": "간장", "discount_pct": 5, "reason_detail": "하나"},
    {"rec_id": "b", "item_id": 2, "discount_pct": 20, "reason_detail": {"ko": "둘", "en": "two"}},
]


@dataclass
class Floor:
    """A tenant with a store of signage, and the means to change it."""

    database: Database
    tenant_id: uuid.UUID
    admin: str

    def store(self, channel: grpc.aio.Channel) -> store_pb2_grpc.StoreServiceAsyncStub:
        return store_pb2_grpc.StoreServiceStub(channel)  # type: ignore[return-value]

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.admin}"),)

    async def add(self, channel: grpc.aio.Channel, number: int = 1) -> store_pb2.Signage:
        signage = store_pb2.Signage(
            number=number,
            name=f"screen {number}",
            location=store_pb2.Location(x=1, y=2, radius=3),
            orientation="portrait",
        )
        request = store_pb2.PutSignageRequest(signage=signage)
        reply = await self.store(channel).PutSignage(request, metadata=self.metadata, timeout=20)
        return reply.signage

    async def put_slides(
        self, channel: grpc.aio.Channel, signage: store_pb2.Signage, *titles: str
    ) -> None:
        slides = [store_pb2.Slide(title=title) for title in titles]
        await self.store(channel).PutSlides(
            store_pb2.PutSlidesRequest(signage_id=signage.id, slides=slides),
            metadata=self.metadata,
            timeout=20,
        )

    async def device(self, signage_id: str) -> Device:
        async with self.database.begin() as conn:
            key_id, secret = await create_key(conn, self.tenant_id, "signage", "device", signage_id)
        return Device(secret, key_id)

    async def show(self, *signage: store_pb2.Signage, seconds: float = 30) -> None:
        async with self.database.begin() as conn:
            await frames.show(conn, self.tenant_id, signage, Recognition(ITEMS), seconds=seconds)

    async def clear(self, *signage: store_pb2.Signage) -> None:
        async with self.database.begin() as conn:
            await frames.clear(conn, self.tenant_id, [one.id for one in signage])

    async def presence(self) -> dict[str, Presence]:
        return {one.signage_id: one for one in await presence(self.database, self.tenant_id)}


@dataclass
class Device:
    """A screen with its key."""

    secret: str
    key_id: uuid.UUID

    def subscribe(self, channel: grpc.aio.Channel, after: int = 0) -> Stream:
        return Stream(
            pb_grpc.SignageServiceStub(channel).Subscribe(
                pb.SubscribeRequest(after_sequence=after),
                metadata=(("authorization", f"Bearer {self.secret}"),),
            )
        )


class Stream:
    """A subscription that a test reads frame by frame."""

    def __init__(self, call: grpc.aio.UnaryStreamCall) -> None:
        self.call = call

    async def next(self) -> pb.Frame:
        async with asyncio.timeout(20):
            reply = await self.call.read()
        assert reply is not grpc.aio.EOF
        return reply.frame

    async def silent(self) -> bool:
        """Whether nothing comes for a while. Only where anything that came would be wrong."""
        reading = asyncio.create_task(self.call.read())
        done, _ = await asyncio.wait({reading}, timeout=0.5)
        if not done:
            self.call.cancel()
            await asyncio.wait({reading})
        return not done

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """How it ends, whatever frames come before."""
        try:
            async with asyncio.timeout(20):
                while await self.call.read() is not grpc.aio.EOF:
                    pass
        except grpc.aio.AioRpcError as error:
            return error.code(), reason_of(error)
        return grpc.StatusCode.OK, ""


@pytest.fixture
async def cores(database_url: str) -> AsyncIterator[tuple[grpc.aio.Channel, grpc.aio.Channel]]:
    """Two cores on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running_core(database_url))
        yield one, await stack.enter_async_context(running_core(database_url))


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await make_floor(database)


async def make_floor(database: Database) -> Floor:
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, f"tenant {uuid.uuid4()}", "ko")
        _, secret = await create_key(conn, tenant_id, "admin", "test")
    return Floor(database, tenant_id, secret)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


async def test_the_present_frame_comes_at_once_then_each_new_one(
    channel: grpc.aio.Channel, floor: Floor
) -> None:
    signage = await floor.add(channel)
    await floor.put_slides(channel, signage, "one", "two")
    stream = (await floor.device(signage.id)).subscribe(channel)
    first = await stream.next()
    assert (first.sequence, first.kind, first.number) == (1, IDLE, 1)
    assert [(s.position, s.title) for s in first.slides] == [(1, "one"), (2, "two")]
    assert not first.HasField("expires_at")
    await floor.show(signage)
    second = await stream.next()
    assert (second.sequence, second.kind) == (2, RECOGNIZED)
    assert [item.rec_id for item in second.items] == ["a", "b"]
    assert (second.screen.card.item.rec_id, second.screen.card.copy) == ("b", "둘")
    shown = second.expires_at.ToDatetime() - second.created_at.ToDatetime()
    assert shown.total_seconds() == 30
    await floor.clear(signage)
    third = await stream.next()
    assert (third.sequence, third.kind, third.slides) == (3, IDLE, first.slides)


async def test_clearing_an_idle_screen_is_nothing_new(
    channel: grpc.aio.Channel, floor: Floor
) -> None:
    signage = await floor.add(channel)
    stream = (await floor.device(signage.id)).subscribe(channel)
    assert (await stream.next()).sequence == 1
    await floor.clear(signage)
    assert await stream.silent()


async def test_a_drop_misses_nothing_that_matters(
    cores: tuple[grpc.aio.Channel, grpc.aio.Channel], floor: Floor
) -> None:
    one, other = cores
    signage = await floor.add(one)
    device = await floor.device(signage.id)
    stream = device.subscribe(one)
    assert (await stream.next()).sequence == 1
    stream.call.cancel()
    await floor.show(signage)
    await floor.show(signage, seconds=0.05)
    await floor.show(signage)
    await asyncio.sleep(0.1)
    again = device.subscribe(other, after=1)
    # The third is over; the second and the fourth are not.
    assert [(await again.next()).sequence for _ in range(2)] == [2, 4]
    assert await again.silent()
    # The present frame comes at most once, unless the device asks anew.
    assert await device.subscribe(one, after=4).silent()
    assert (await device.subscribe(one).next()).sequence == 4
    # A number that was never given says nothing.
    assert (await device.subscribe(one, after=999).next()).sequence == 4


@pytest.mark.parametrize("across", [False, True])
async def test_the_newer_subscription_wins(
    cores: tuple[grpc.aio.Channel, grpc.aio.Channel], floor: Floor, across: bool
) -> None:
    signage = await floor.add(cores[0])
    device = await floor.device(signage.id)
    older = device.subscribe(cores[0])
    await older.next()
    newer = device.subscribe(cores[1 if across else 0])
    assert (await newer.next()).sequence == 1
    assert await older.end() == (grpc.StatusCode.FAILED_PRECONDITION, "SUPERSEDED")
    await floor.show(signage)
    assert (await newer.next()).sequence == 2
    assert (await floor.presence())[signage.id].online


async def test_a_screen_turns_idle_by_itself_once(
    cores: tuple[grpc.aio.Channel, grpc.aio.Channel], floor: Floor, database: Database
) -> None:
    signage = await floor.add(cores[0])
    device = await floor.device(signage.id)
    stream = device.subscribe(cores[0])
    await stream.next()
    await floor.show(signage, seconds=2)  # long enough to be seen on a busy machine
    assert (await stream.next()).kind == RECOGNIZED
    fallback = await stream.next()
    assert (fallback.sequence, fallback.kind) == (3, IDLE)
    stream.call.cancel()
    # Nobody was there when this one ended: the next subscriber finds out.
    await floor.show(signage, seconds=0.05)
    await asyncio.sleep(0.1)
    late = device.subscribe(cores[1], after=3)
    fallback = await late.next()
    assert (fallback.sequence, fallback.kind) == (5, IDLE)
    assert await late.silent()
    # The same number is the same frame, whoever asks.
    assert await device.subscribe(cores[0], after=4).next() == fallback
    async with tables(database) as conn:
        count = (await conn.execute(select(signage_frames.c.sequence))).all()
    assert len(count) == 5


async def test_new_slides_reach_an_idle_screen(
    cores: tuple[grpc.aio.Channel, grpc.aio.Channel], floor: Floor
) -> None:
    signage = await floor.add(cores[0])
    device = await floor.device(signage.id)
    stream = device.subscribe(cores[0])
    assert not (await stream.next()).slides
    await floor.put_slides(cores[1], signage, "new")
    frame = await stream.next()
    assert (frame.sequence, [s.title for s in frame.slides]) == (2, ["new"])
    # The same slides again are nothing new; other signage has nothing to do with it.
    await floor.put_slides(cores[1], signage, "new")
    await floor.add(cores[1], number=2)
    stream.call.cancel()
    assert await device.subscribe(cores[1], after=2).silent()
    # What changed while the device was away is there when it is back.
    await floor.put_slides(cores[1], signage, "newer")
    frame = await device.subscribe(cores[1], after=2).next()
    assert (frame.sequence, [s.title for s in frame.slides]) == (3, ["newer"])


async def test_only_the_devices_own_signage(channel: grpc.aio.Channel, floor: Floor) -> None:
    signage, other = await floor.add(channel), await floor.add(channel, number=2)
    stream = (await floor.device(signage.id)).subscribe(channel)
    await stream.next()
    await floor.show(other)
    stranger = await make_floor(floor.database)
    await stranger.show(signage)
    assert await stream.silent()
    # A key of one tenant that names a signage of another.
    foreign = await stranger.device(signage.id)
    assert await foreign.subscribe(channel).end() == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    for unknown in (str(uuid.uuid4()), "lobby"):
        stream = (await floor.device(unknown)).subscribe(channel)
        assert await stream.end() == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await Device(floor.admin, uuid.uuid4()).subscribe(channel).end() == (
        grpc.StatusCode.UNAUTHENTICATED,
        "UNAUTHORIZED",
    )
    assert set(await floor.presence()) == {signage.id}


async def test_a_signage_that_is_removed_ends_its_stream(
    channel: grpc.aio.Channel, floor: Floor
) -> None:
    signage = await floor.add(channel)
    device = await floor.device(signage.id)
    stream = device.subscribe(channel)
    await stream.next()
    request = store_pb2.DeleteSignageRequest(id=signage.id)
    await floor.store(channel).DeleteSignage(request, metadata=floor.metadata)
    assert await stream.end() == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await device.subscribe(channel).end() == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_presence_and_a_client_that_leaves(
    channel: grpc.aio.Channel, floor: Floor, database: Database
) -> None:
    signage = await floor.add(channel)
    device = await floor.device(signage.id)
    assert await floor.presence() == {}
    stream = device.subscribe(channel)
    await stream.next()
    here = (await floor.presence())[signage.id]
    assert here.online
    stream.call.cancel()

    async def away() -> bool:
        return not (await floor.presence())[signage.id].online

    await until(away)
    assert (await floor.presence())[signage.id].last_seen_at >= here.last_seen_at
    # A core that died says nothing: its devices are away once they were silent for long.
    async with tables(database) as conn:
        await conn.execute(
            update(signage_devices).values(
                subscription_id=uuid.uuid4(), last_seen_at=here.last_seen_at.replace(year=2020)
            )
        )
    assert await away()


async def test_silence_is_broken_and_a_revoked_key_ends_the_stream(
    channel: grpc.aio.Channel,
    floor: Floor,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscribe, "KEEP_ALIVE_SECONDS", 0.1)
    signage = await floor.add(channel)
    device = await floor.device(signage.id)
    stream = device.subscribe(channel)
    first = await stream.next()
    seen = (await floor.presence())[signage.id].last_seen_at
    kept = [await stream.next() for _ in range(3)]
    assert [(f.kind, f.sequence) for f in kept] == [(KEEP_ALIVE, first.sequence)] * 3
    assert (await floor.presence())[signage.id].last_seen_at > seen
    async with database.begin() as conn:
        assert await revoke_key(conn, floor.tenant_id, device.key_id)
    assert await stream.end() == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHORIZED")


async def test_a_stopping_server_ends_its_streams_at_once(
    database_url: str, floor: Floor, database: Database
) -> None:
    with tempfile.TemporaryDirectory(prefix="og-") as directory:
        address = f"unix:{directory}/core.sock"
        async with grpc.aio.insecure_channel(address) as channel:
            async with serve(Settings(), database_url, address):
                signage = await floor.add(channel)
                stream = (await floor.device(signage.id)).subscribe(channel)
                await stream.next()
            assert await stream.end() == (grpc.StatusCode.OK, "")
    assert not (await floor.presence())[signage.id].online


async def test_old_frames_are_forgotten(
    channel: grpc.aio.Channel, floor: Floor, database: Database
) -> None:
    signage = await floor.add(channel)
    for _ in range(KEPT_FRAMES + 5):
        await floor.show(signage)
    async with tables(database) as conn:
        rows = (await conn.execute(select(signage_frames.c.sequence))).all()
    assert sorted(row.sequence for row in rows) == list(range(6, KEPT_FRAMES + 6))
