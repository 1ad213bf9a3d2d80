"""A device whose store is elsewhere, changes silently, or can't be asked just now."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.platform.database import Database
from core.platform.events import Changes
from core.shop.catalogue.port import StoreUnavailable
from core.shop.signage import frames, sql, subscribe
from core.shop.signage.screen import Recognition
from core.shop.tenants.sql import Caller
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest
from tests.support import create_key, make_runtime

SIGNAGE = store_pb2.Signage(id="7", number=2, orientation="portrait")


class Elsewhere:
    """A remote store: nobody hears of its changes."""

    def __init__(self) -> None:
        self.up = True
        self.silent = False
        self.titles = ["one"]

    def of_tenant(self, tenant_id: uuid.UUID) -> Elsewhere:
        return self

    async def list_signage(self) -> list[store_pb2.Signage]:
        if self.silent:
            await asyncio.sleep(60)
        if not self.up:
            raise StoreUnavailable("store: upstream unavailable")
        return [SIGNAGE]

    async def list_slides(self, signage_id: str) -> list[store_pb2.Slide]:
        return [store_pb2.Slide(title=title) for title in self.titles]


@pytest.fixture
async def events(database_url: str) -> AsyncIterator[Changes]:
    found = Changes(database_url)
    listening = asyncio.create_task(found.run())
    yield found
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


class Device:
    def __init__(self, database: Database, events: Changes, caller: Caller) -> None:
        self.database, self.events, self.caller = database, events, caller
        self.store = Elsewhere()

    def frames(self, after: int = 0) -> Any:
        runtime = make_runtime(database=self.database, changes=self.events)
        subscription = subscribe.Subscription(runtime, self.store, self.caller)  # type: ignore[arg-type]
        return aclosing(subscription.frames(after))

    async def show(self, seconds: float) -> None:
        async with self.database.begin() as conn:
            await frames.show(
                conn, self.caller.tenant_id, [SIGNAGE], Recognition(), seconds=seconds
            )


@pytest.fixture
async def device(database: Database, events: Changes, tenant: Any) -> Device:
    async with database.begin() as conn:
        key_id, _ = await create_key(conn, tenant.id, "signage", "device", SIGNAGE.id)
    return Device(database, events, Caller(tenant.id, key_id, "signage", SIGNAGE.id))


async def following(stream: Any) -> tuple[int, int, list[str]]:
    async with asyncio.timeout(20):
        frame = await anext(stream)
    return frame.sequence, frame.kind, [slide.title for slide in frame.slides]


IDLE, RECOGNIZED = pb.FRAME_KIND_IDLE, pb.FRAME_KIND_RECOGNIZED


async def test_a_silent_change_is_noticed_in_time(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribe, "KEEP_ALIVE_SECONDS", 0.1)
    monkeypatch.setattr(subscribe, "REFRESH_SECONDS", 0.2)
    async with device.frames() as stream:
        assert await following(stream) == (1, IDLE, ["one"])
        device.store.titles = ["two"]
        while (found := await following(stream))[1] == pb.FRAME_KIND_KEEP_ALIVE:
            pass
        assert found == (2, IDLE, ["two"])


@pytest.mark.parametrize("how", ["up", "silent"])
async def test_a_screen_turns_idle_without_its_store(
    device: Device, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(subscribe, "STORE_SECONDS", 0.2)
    monkeypatch.setattr(subscribe, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(subscribe, "KEEP_ALIVE_SECONDS", 0.3)
    async with device.frames() as stream:
        assert await following(stream) == (1, IDLE, ["one"])
        setattr(device.store, how, how == "silent")
        device.store.titles = ["two"]
        await device.show(0.2)
        assert (await following(stream))[:2] == (2, RECOGNIZED)
        # With the slides it had; with those of now once the store is back.
        assert await following(stream) == (3, IDLE, ["one"])
        setattr(device.store, how, how != "silent")
        while (found := await following(stream))[1] == pb.FRAME_KIND_KEEP_ALIVE:
            pass
        assert found == (4, IDLE, ["two"])


async def test_a_device_comes_back_while_its_store_is_down(device: Device) -> None:
    device.store.up = False
    # Whether there is such a signage, only the store can say.
    async with device.frames() as stream:
        with pytest.raises(ApiError) as refused:
            await anext(stream)
        assert refused.value.reason == rest.CONDITION_UNAVAILABLE
    device.store.up = True
    async with device.frames() as stream:
        await following(stream)
    device.store.up = False
    async with device.frames() as stream:
        assert await following(stream) == (1, IDLE, ["one"])


async def test_a_device_that_leaves_frees_everything(device: Device, events: Changes) -> None:
    async with device.frames() as stream:
        await following(stream)
        assert events.watcher_count > 0
    assert events.watcher_count == 0
    (found,) = await sql.presence(device.database, device.caller.tenant_id)
    assert (found.signage_id, found.online) == (SIGNAGE.id, False)


async def test_of_many_who_see_that_a_screen_is_over_one_turns_it_idle(device: Device) -> None:
    await device.show(0)

    async def turn_idle(name: str) -> bool:
        async with device.database.begin() as conn:
            tenant_id = device.caller.tenant_id
            return await sql.add_after(conn, tenant_id, SIGNAGE.id, 1, frame=name.encode())

    assert sorted(await asyncio.gather(*(turn_idle(name) for name in "abcdef"))) == [
        *[False] * 5,
        True,
    ]
    rows = await sql.look(device.database, device.caller.tenant_id, SIGNAGE.id, 0)
    assert [row.sequence for row in rows] == [1, 2]
