"""Triggers while the tenant's store is down, slow, or loses its answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from onegenie.signage.v1 import signage_pb2
from onegenie.store.v1 import store_pb2
from procrastinate.retry import RetryDecision
from structlog.testing import capture_logs

from core.platform.database import Database
from core.platform.jobs import RetryAlways
from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.catalogue.port import StoreUnavailable
from core.shop.trigger import known_signage, reports
from tests.integration.shop.trigger.trigger_help import (
    Phone,
    jobs_left,
    make_phone,
    shown,
    stored,
    told,
)
from tests.support import Shopper, running_core, tables

IDLE = signage_pb2.Frame()


class Weather:
    """What befalls the calls of every store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.up = True
        self.hangs = False
        self.asked: list[str] = []
        self.hung: list[str] = []
        self.changed = asyncio.Condition()
        self.back = asyncio.Event()
        for name in ("list_signage", "list_promotions", "report_trigger"):
            monkeypatch.setattr(EmbeddedStore, name, self._under(name))

    def _under(self, name: str) -> Callable[..., Any]:
        real = getattr(EmbeddedStore, name)

        async def call(store: EmbeddedStore, *arguments: Any) -> Any:
            self.asked.append(name)
            async with self.changed:
                self.changed.notify_all()
            if self.hangs:
                self.hung.append(name)
                await self.back.wait()
            if not self.up:
                raise StoreUnavailable("store: upstream unavailable")
            return await real(store, *arguments)

        return call

    async def times(self, name: str, count: int) -> None:
        """Until a call was made so often."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: self.asked.count(name) >= count)


@pytest.fixture
def weather(monkeypatch: pytest.MonkeyPatch) -> Weather:
    # The ten seconds of an outage as a tenth of one.
    monkeypatch.setattr(reports, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(
        RetryAlways,
        "get_retry_decision",
        lambda self, *, exception, job: RetryDecision(retry_in={"milliseconds": 100}),
    )
    return Weather(monkeypatch)


@pytest.fixture
async def channel(database_url: str, weather: Weather) -> AsyncIterator[grpc.aio.Channel]:
    async with running_core(database_url) as opened:
        yield opened


@pytest.fixture
async def phone(database: Database, shopper: Shopper) -> Phone:
    return await make_phone(database, shopper)


async def all_told(database: Database) -> list[store_pb2.ReportTriggerRequest]:
    """What the store was told, once nothing is left to tell."""
    async with asyncio.timeout(30):
        while await jobs_left(database):
            await asyncio.sleep(0.05)
    return await told(database)


async def test_nothing_is_lost_and_nothing_doubled(
    phone: Phone, shopper: Shopper, database: Database, weather: Weather
) -> None:
    """Entries and exits of three phones during an outage, each told once, in each phone's order."""
    phones = [phone, *[await make_phone(database, shopper) for _ in range(2)]]
    await phone.signage()
    await all_told(database)
    weather.up = False
    for number in range(4):
        for one in phones:
            await one.signage(action="exit" if number % 2 else "enter")
    # Accepted, stored and shown all the same, on the signage the store last told of.
    assert len(await stored(database)) == 3 + 3 * 2 * 3
    # The first of the three to leave turns it idle.
    assert len(await shown(database)) == 1 + 2 * (3 + 1)
    await weather.times("report_trigger", 8)
    assert len(await told(database)) == 1

    weather.up = True
    reports_ = await all_told(database)
    assert len(reports_) == 1 + 12
    assert len({report.trigger_id for report in reports_}) == 13
    for one in phones[1:]:
        mine = [report.action for report in reports_ if report.round_id == one.round_id]
        assert mine == ["enter", "exit", "enter", "exit"]
    assert all(len(report.signage_ids) == 1 for report in reports_)
    assert len(await shown(database)) == 9


async def test_one_phones_reports_arrive_in_order(
    phone: Phone, database: Database, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit does not overtake the enter that is being tried again."""
    arrived: list[str] = []
    report_trigger = EmbeddedStore.report_trigger

    async def note(store: EmbeddedStore, request: store_pb2.ReportTriggerRequest) -> None:
        await report_trigger(store, request)
        arrived.append(request.action)

    monkeypatch.setattr(EmbeddedStore, "report_trigger", note)
    weather.up = False
    for action in ("enter", "exit", "enter", "exit"):
        await phone.signage(action=action)
    await weather.times("list_signage", 6)
    weather.up = True
    await all_told(database)
    assert arrived == ["enter", "exit", "enter", "exit"]


async def test_an_answer_that_is_lost_doubles_nothing(
    phone: Phone, database: Database, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has it, we don't know: it is sent again under the same id."""
    report_trigger, sent = EmbeddedStore.report_trigger, []

    async def lose(store: EmbeddedStore, request: store_pb2.ReportTriggerRequest) -> None:
        sent.append(request.trigger_id)
        await report_trigger(store, request)
        if len(sent) < 3:
            raise StoreUnavailable("store: upstream timeout")

    monkeypatch.setattr(EmbeddedStore, "report_trigger", lose)
    await phone.signage()
    (report,) = await all_told(database)
    assert sent == [report.trigger_id] * 3
    assert len(await stored(database)) == 3
    assert len(await shown(database)) == 1


async def test_signage_never_known_is_shown_when_the_store_is_back(
    phone: Phone, database: Database, weather: Weather
) -> None:
    """Where it was shown is put into its events; the report is for the matched signage."""
    weather.up = False
    await phone.signage()
    assert [row.signage_ids for row in await stored(database)] == [[]] * 3
    assert await shown(database) == []
    weather.up = True
    (report,) = await all_told(database)
    assert len(report.signage_ids) == 1
    assert [row.signage_ids for row in await stored(database)] == [list(report.signage_ids)] * 3
    ((number, frame),) = await shown(database)
    assert number == 2
    assert [item.rec_id for item in frame.items] == ["ad-1", "ad-2", "ad-3"]


async def test_a_late_screen_is_shown_once(
    phone: Phone, database: Database, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that fails after its screen was shown shows nothing more when it is repeated."""
    report_trigger, tries = EmbeddedStore.report_trigger, []

    async def fail_twice(store: EmbeddedStore, request: store_pb2.ReportTriggerRequest) -> None:
        tries.append(len(request.signage_ids))
        if len(tries) < 3:
            raise StoreUnavailable("store: upstream timeout")
        await report_trigger(store, request)

    monkeypatch.setattr(EmbeddedStore, "report_trigger", fail_twice)
    weather.up = False
    await phone.signage()
    weather.up = True
    await all_told(database)
    assert tries == [1, 1, 1]
    assert len(await shown(database)) == 1


async def test_a_screen_that_is_too_late_stays_as_it_is(
    phone: Phone, database: Database, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_late = reports.Reports._show_late

    async def a_minute_later(self: Any, tenant_id: uuid.UUID, request: Any, *more: Any) -> None:
        request.created_at.seconds -= 60
        await show_late(self, tenant_id, request, *more)

    monkeypatch.setattr(reports.Reports, "_show_late", a_minute_later)
    weather.up = False
    await phone.signage()
    await phone.signage(action="exit")
    weather.up = True
    assert [report.action for report in await all_told(database)] == ["enter", "exit"]
    assert await shown(database) == []
    assert all(len(row.signage_ids) == 1 for row in await stored(database))


async def test_an_exit_that_could_not_be_placed_comes_after_its_enter(
    phone: Phone, database: Database, weather: Weather
) -> None:
    weather.up = False
    await phone.signage()
    await phone.signage(action="exit")
    weather.up = True
    await all_told(database)
    assert [frame == IDLE for _, frame in await shown(database)] == [False, True]


async def test_a_store_that_hangs_does_not_hold_up_the_phone(
    phone: Phone, database: Database, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last known signage is used, and one report at a time waits for a store in trouble."""
    await phone.signage()
    await all_told(database)
    monkeypatch.setattr(known_signage, "SIGNAGE_SECONDS", 0.05)
    weather.up = False
    await phone.signage()
    await weather.times("report_trigger", 2)
    weather.hangs = True
    others = [await make_phone(database, phone.shopper) for _ in range(6)]
    for one in others:
        assert len((await one.signage()).event_ids) == 3
    # The first phone's, tried again, or one of theirs: whichever came first.
    async with asyncio.timeout(20):
        while "report_trigger" not in weather.hung:
            await asyncio.sleep(0.05)
    assert len(await shown(database)) == 8
    # All of them were tried, all but one without asking the store.
    async with asyncio.timeout(20):
        while await tried(database) < 6:
            await asyncio.sleep(0.05)
    assert weather.hung.count("report_trigger") == 1
    weather.up, weather.hangs = True, False
    weather.back.set()
    assert len(await all_told(database)) == 8


async def tried(database: Database) -> int:
    """How many waiting jobs were tried before."""
    async with tables(database) as conn:
        result = await conn.exec_driver_sql(
            "SELECT count(*) FROM procrastinate_jobs WHERE attempts > 0"
        )
        return int(result.scalar_one())


async def test_giving_up_is_said(
    phone: Phone, database: Database, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that is a week old is given up with a line in the log that names it."""
    weather.up = False
    with capture_logs() as lines:
        await phone.signage(action="exit")
        await weather.times("list_signage", 3)
        monkeypatch.setattr(reports, "GIVE_UP_AFTER", dt.timedelta(0))
        assert await all_told(database) == []
    (line,) = [line for line in lines if line["event"] == "trigger_report_given_up"]
    assert line["log_level"] == "error"
    assert line["trigger_id"].startswith("trg_")
    assert (
        line["error"] == "StoreUnavailable: store: upstream unavailable"
        or "moment" in line["error"]
    )


async def test_nothing_else_waits_for_the_store(
    phone: Phone, database: Database, weather: Weather
) -> None:
    weather.up = False
    await phone.coupon(rec_id="coupon-1")
    await phone.recommend(rec_id="rec-1")
    assert len(await stored(database)) == 2
    assert weather.asked == []
