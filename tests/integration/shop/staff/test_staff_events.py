"""The tenant's live view on real core processes: what is sent, and that nothing is missed."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from onegenie.tenant.v1 import tenant_pb2 as pb

from core.app.wire import serve
from core.platform.database import Database
from core.platform.events import Changes
from core.platform.settings import Settings
from core.shop.staff import stream_events as live
from core.shop.staff.list_events import LIST_BYTES
from core.shop.tenants.revoke_key import revoke_key
from tests.integration.shop.staff.conftest import Staff, make_staff
from tests.integration.shop.staff.staff_rows import add_events
from tests.support import fields_of, reason_of, running_core

ITEM = {
    "rec_id": "rec_a1b2c3",
    "item_id": 196,
    "item_name": "스파게티니",
    "discount_pct": 17,
    "applied_score": 0.85,
    "reason_detail": {"ko": "가", "en": "a", "ja": "あ"},
    "nothing": None,
}
FORGOTTEN = [{"item_id": 882, "name": "양파", "quantity": 1}, {"any": "shape", "is": "fine"}, 3]


async def take(call: grpc.aio.UnaryStreamCall, count: int) -> list[pb.StreamEventsResponse]:
    """The next events of a stream, heartbeats left out."""
    found: list[pb.StreamEventsResponse] = []
    while len(found) < count and (reply := await call.read()) is not grpc.aio.EOF:
        if reply.kind != "heartbeat":
            found.append(reply)
    return found


async def opened(call: grpc.aio.UnaryStreamCall) -> int:
    """Where a new stream stands: its first heartbeat."""
    reply = await call.read()
    assert reply.kind == "heartbeat"
    assert not reply.HasField("event")
    return reply.sequence


def numbers(replies: list[pb.StreamEventsResponse]) -> list[int]:
    return [reply.sequence for reply in replies]


async def test_an_event_as_it_is_sent(database: Database, staff: Staff) -> None:
    full = {"kind": "issued", "item": ITEM, "analyst_comment": "lift 2.1", "forgotten": FORGOTTEN}
    await add_events(database, staff.tenant_id, full, {"kind": "recommend", "item": {}})
    first, second = await take(staff.watch(0), 2)
    assert (first.sequence, first.kind) == (1, "issued")
    event = MessageToDict(first.event, preserving_proto_field_name=True)
    ids = [event.pop(name) for name in ("event_id", "profile_id", "chat_id", "round_id")]
    assert ids[0].startswith("evt_")
    assert all(uuid.UUID(each) for each in ids[1:])
    assert event.pop("created_at")
    assert event == {
        "kind": "issued",
        "item": ITEM,
        "analyst_comment": "lift 2.1",
        "forgotten": FORGOTTEN,
    }
    assert second.event.HasField("item")
    assert not second.event.HasField("forgotten")
    assert not second.event.HasField("analyst_comment")


async def test_without_a_number_a_stream_begins_now(database: Database, staff: Staff) -> None:
    await add_events(database, staff.tenant_id, {}, {})
    call = staff.watch()
    assert await opened(call) == 2
    await add_events(database, staff.tenant_id, {}, {})
    assert numbers(await take(call, 2)) == [3, 4]


async def test_with_a_number_it_begins_after_it(database: Database, staff: Staff) -> None:
    await add_events(database, staff.tenant_id, *[{}] * 5)
    assert numbers(await take(staff.watch(0), 5)) == [1, 2, 3, 4, 5]
    assert numbers(await take(staff.watch(3), 2)) == [4, 5]
    call = staff.watch(5)
    assert await opened(call) == 5
    # A number that the tenant's events have not reached: as if there were none.
    ahead = staff.watch(2**63 - 1)
    assert await opened(ahead) == 5
    await add_events(database, staff.tenant_id, {})
    assert numbers(await take(call, 1)) == numbers(await take(ahead, 1)) == [6]


async def test_only_the_kinds_asked_for(database: Database, staff: Staff) -> None:
    kinds = ["signage", "recommend", "issued", "redeemed", "dismissed"]
    await add_events(database, staff.tenant_id, *[{"kind": kind} for kind in kinds])
    some = await take(staff.watch(0, "dismissed", "signage"), 2)
    assert [reply.kind for reply in some] == ["signage", "dismissed"]
    # What is left out is passed over: the stream's place moves on without it.
    none = staff.watch(4, "issued")
    assert await opened(none) == 5
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(staff.watch(0, "heartbeat"), 1)
    assert fields_of(caught.value) == ["kinds[0]"]


async def test_a_burst_larger_than_a_page(database: Database, staff: Staff) -> None:
    call = staff.watch()
    await opened(call)
    count = live.STREAM_PAGE * 3
    await add_events(database, staff.tenant_id, *[{}] * count)
    await add_events(database, staff.tenant_id, {})
    assert numbers(await take(call, count + 1)) == list(range(1, count + 2))


async def test_a_slow_reader_gets_every_event(database: Database, staff: Staff) -> None:
    big = {"item": {"text": "가" * 20_000}}
    call = staff.watch(0)
    assert await opened(call) == 0
    for _ in range(6):
        await add_events(database, staff.tenant_id, *[big] * 20)
    got: list[int] = []
    while len(got) < 120:
        got += numbers(await take(call, 10))
        await add_events(database, staff.tenant_id, {"kind": "dismissed"})
    assert got == list(range(1, 121))


async def test_a_lost_notification_loses_no_event(
    database: Database, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REREAD_SECONDS", 0.05)
    call = staff.watch()
    await opened(call)
    await add_events(database, staff.tenant_id, {}, tell=False)
    assert numbers(await take(call, 1)) == [1]


async def test_nothing_is_missed_or_doubled_by_many_writers_readers_and_processes(
    database: Database, database_url: str, staff: Staff
) -> None:
    """Two core processes; readers that leave and come back elsewhere at any event."""
    count, writers = 40, 4

    async def write(number: int) -> None:
        for n in range(count):
            await add_events(database, staff.tenant_id, *[{}] * (1 + (n + number) % 3))

    async with running_core(database_url) as second:

        async def read(rest: int) -> list[int]:
            seen: list[int] = []
            total = sum(1 + (n + w) % 3 for w in range(writers) for n in range(count))
            while len(seen) < total:
                channel = (staff.channel, second)[len(seen) % 2]
                call = staff.watch(seen[-1] if seen else 0, channel=channel)
                seen += numbers(await take(call, min(rest, total - len(seen))))
                call.cancel()
            return seen

        *read_by, _ = await asyncio.gather(
            *[read(rest) for rest in (7, 50, 1000)], asyncio.gather(*map(write, range(writers)))
        )
    assert all(seen == list(range(1, len(seen) + 1)) for seen in read_by)  # type: ignore[arg-type]
    assert len({len(seen) for seen in read_by}) == 1  # type: ignore[arg-type]


async def test_a_restart_misses_nothing(database: Database, database_url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="og-") as directory:
        address = f"unix:{directory}/core.sock"
        settings = Settings(workers=1, data_dir=Path(directory))
        async with grpc.aio.insecure_channel(address) as channel:
            staff = await make_staff(database, channel)
            async with serve(settings, database_url, address):
                call = staff.watch()
                place = await opened(call)
                await add_events(database, staff.tenant_id, {})
                assert numbers(await take(call, 1)) == [1]
            # The server stopped: the stream ended, and not in an error.
            assert await take(call, 1) == []
            assert await call.code() == grpc.StatusCode.OK
            await add_events(database, staff.tenant_id, {})
            async with serve(settings, database_url, address):
                assert numbers(await take(staff.watch(1), 1)) == [2]
                # Who got no event at all goes on from the heartbeat.
                assert numbers(await take(staff.watch(place), 2)) == [1, 2]


async def test_a_tenant_hears_of_itself_alone(
    database: Database, staff: Staff, others: Staff
) -> None:
    mine, theirs = staff.watch(), others.watch()
    assert await opened(mine) == await opened(theirs) == 0
    await add_events(database, others.tenant_id, {"item": {"item_name": "theirs"}})
    await add_events(database, staff.tenant_id, {"item": {"item_name": "mine"}})
    (event,) = await take(mine, 1)
    assert (event.sequence, event.event.item["item_name"]) == (1, "mine")
    assert [e.event.item["item_name"] for e in await take(theirs, 1)] == ["theirs"]


async def test_a_revoked_key_ends_its_streams(
    database: Database, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REREAD_SECONDS", 0.05)
    call = staff.watch()
    await opened(call)
    async with database.begin() as conn:
        assert await revoke_key(conn, staff.tenant_id, staff.key_id)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(call, 1)
    assert reason_of(caught.value) == "UNAUTHORIZED"


async def test_who_leaves_frees_everything(
    database: Database, staff: Staff, watched: list[Changes]
) -> None:
    calls = [staff.watch() for _ in range(5)]
    for call in calls:
        await opened(call)
    (events,) = watched
    assert events.watcher_count == 5
    for call in calls:
        call.cancel()
    while events.watcher_count:
        await asyncio.sleep(0.01)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Changes]:
    """The Changes of the cores that the test starts."""
    return []


@pytest.fixture
async def channel(
    database_url: str, watched: list[Changes], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[grpc.aio.Channel]:
    def make(url: str) -> Changes:
        watched.append(Changes(url))
        return watched[-1]

    monkeypatch.setattr("core.platform.runtime.Changes", make)
    async with running_core(database_url) as opened_channel:
        yield opened_channel


# Pages


async def pages(staff: Staff, size: int, *kinds: str, between: Any = None) -> list[list[str]]:
    """Event ids, page by page."""
    found, token = [], ""
    while True:
        reply: Any = await staff.call(
            "ListEvents", page_size=size, page_token=token, kinds=list(kinds)
        )
        found.append([event.event_id for event in reply.events])
        token = reply.next_page_token
        if not token:
            return found
        if between:
            await between()


async def test_pages_stay_while_events_are_added(database: Database, staff: Staff) -> None:
    await add_events(database, staff.tenant_id, *[{}] * 7)
    (whole,) = await pages(staff, 0)
    assert len(whole) == len(set(whole)) == 7

    async def add() -> None:
        await add_events(database, staff.tenant_id, {}, {})

    assert await pages(staff, 3, between=add) == [whole[:3], whole[3:6], whole[6:]]
    newest = await pages(staff, 500)
    assert newest[0][4:] == whole  # newest first


async def test_a_last_page_that_is_full_has_no_next(database: Database, staff: Staff) -> None:
    assert await pages(staff, 2) == [[]]
    await add_events(database, staff.tenant_id, *[{}] * 4)
    assert [len(page) for page in await pages(staff, 2)] == [2, 2]
    await add_events(database, staff.tenant_id, {"kind": "issued"})
    assert [len(page) for page in await pages(staff, 1, "issued", "redeemed")] == [1]


async def test_a_page_is_100_unless_told(database: Database, staff: Staff, others: Staff) -> None:
    await add_events(database, staff.tenant_id, *[{}] * 101)
    assert [len(page) for page in await pages(staff, 0)] == [100, 1]
    assert await pages(others, 0) == [[]]


@pytest.mark.parametrize(
    "big",
    [
        {"item": {"text": "가" * 100_000}},
        {"forgotten": ["x" * 300_000]},
        # As protobuf, a number is four times what it is as JSON.
        {"item": {"list": [0] * 20_000}, "forgotten": [[0] * 15_000]},
        {"item": {"text": "x" * 2_000_000}},
    ],
)
async def test_a_page_of_large_events_ends_early(
    database: Database, staff: Staff, big: dict[str, Any]
) -> None:
    """No reply is much larger than a megabyte, nothing is lost, and a stream has them all."""
    await add_events(database, staff.tenant_id, *[{}, big, big] * 4)
    seen, token, replies = [], "", 0
    while True:
        reply: Any = await staff.call("ListEvents", page_token=token)
        replies += 1
        assert len(reply.events) == 1 or reply.ByteSize() < LIST_BYTES + 100
        seen += [event.event_id for event in reply.events]
        token = reply.next_page_token
        if not token:
            break
    assert 2 < replies <= 12
    streamed = await take(staff.watch(0), 12)
    assert numbers(streamed) == list(range(1, 13))
    assert seen == [reply.event.event_id for reply in reversed(streamed)]


async def test_what_one_event_holds_for_a_trigger_is_in_all_of_its_events(
    database: Database, staff: Staff, others: Staff
) -> None:
    """Also in a page or after a number that leaves that one out; and as it was stored before."""
    own = {"forgotten": ["before"]}
    held = [{"forgotten": FORGOTTEN}, {"forgotten_at": 3}, {"forgotten_at": 3, "kind": "issued"}]
    await add_events(database, others.tenant_id, *[{"forgotten": ["theirs"]}] * 3)
    await add_events(database, staff.tenant_id, own, own, *held, {})  # type: ignore[arg-type]

    def forgotten(events: list[Any]) -> list[Any]:
        found = [MessageToDict(event).get("forgotten") for event in events]
        return [None if one is None else len(one) for one in found]

    reply: Any = await staff.call("ListEvents")
    assert forgotten(reply.events) == [None, 3, 3, 3, 1, 1]
    reply = await staff.call("ListEvents", kinds=["issued"])
    assert forgotten(reply.events) == [3]
    events = [reply.event for reply in await take(staff.watch(3), 3)]
    assert forgotten(events) == [3, 3, None]


@pytest.mark.parametrize(
    "token", ["x", "가", "LTE", "====", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "A" * 9]
)
async def test_a_token_that_is_none(staff: Staff, token: str) -> None:
    for method in ("ListEvents", "ListLedger"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await staff.call(method, page_token=token)
        assert reason_of(caught.value) == "INVALID_REQUEST"
        assert fields_of(caught.value) == ["page_token"]
