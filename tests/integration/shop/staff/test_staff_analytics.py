"""GetAnalytics: every figure worked out again from the raw rows, in plain Python."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from onegenie.tenant.v1 import tenant_pb2 as pb
from sqlalchemy import select

from core.platform.database import Database
from core.shop.staff.get_analytics import GetAnalytics, count_events
from core.shop.staff.service import to_analytics
from core.shop.trigger.tables import trigger_events
from tests.integration.shop.staff.conftest import Staff
from tests.integration.shop.staff.staff_rows import add_events
from tests.support import fields_of, reason_of, tables

SEOUL = ZoneInfo("Asia/Seoul")
KINDS = ("signage", "recommend", "issued", "redeemed", "dismissed")


def figures(rows: Iterable[Any]) -> pb.Figures:
    kinds = [row.kind for row in rows]
    exposures = kinds.count("signage") + kinds.count("recommend")
    issued, redeemed = kinds.count("issued"), kinds.count("redeemed")
    return pb.Figures(
        exposures=exposures,
        issued=issued,
        redeemed=redeemed,
        dismissed=kinds.count("dismissed"),
        issue_rate=issued / exposures if exposures else None,
        redemption_rate=redeemed / issued if issued else None,
    )


def by(rows: list[Any], keys: Callable[[Any], Iterable[str]]) -> dict[str, pb.Figures]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        for key in keys(row):
            groups.setdefault(key, []).append(row)
    return {key: figures(group) for key, group in groups.items()}


def given(groups: Iterable[pb.FiguresOf]) -> dict[str, pb.Figures]:
    found = [(group.key, group.figures) for group in groups]
    assert len(found) == len(dict(found))
    return dict(found)


async def ask(
    database: Database, tenant_id: uuid.UUID, first: str, last: str, zone: ZoneInfo = SEOUL
) -> pb.GetAnalyticsResponse:
    found = await count_events(
        database,
        tenant_id,
        GetAnalytics(from_date=first, to_date=last),
        zone=zone,
        signage_names={"s1": "입구"},
    )
    return to_analytics(found)


async def fill(database: Database, tenant_id: uuid.UUID, seed: int, zone: ZoneInfo) -> None:
    """Some hundred events around a few days, many of them close to midnight."""
    dice = random.Random(seed)
    for _ in range(300):
        kind = dice.choice(KINDS)
        item: dict[str, Any] = {"rec_id": "rec"}
        if dice.random() < 0.9:
            item |= {"item_id": dice.randint(1, 9), "item_name": dice.choice("가나다")}
        if dice.random() < 0.8:
            item["reason_type"] = dice.choice(["cross-sell", "upsell", ""])
        screens = dice.sample(["s1", "s2", "s3"], dice.randint(0, 3)) if kind == "signage" else []
        midnight = dt.datetime(2026, 3, dice.randint(26, 31), tzinfo=zone)
        near = dice.choice([0, -1e-6, 1e-6, dice.uniform(-40_000, 40_000)])
        await add_events(
            database,
            tenant_id,
            {"kind": kind, "item": item, "signage_ids": screens},
            created_at=midnight + dt.timedelta(seconds=near),
        )


@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "Europe/Berlin", "America/St_Johns"])
async def test_every_figure_from_the_raw_rows(
    database: Database, staff: Staff, others: Staff, zone: str
) -> None:
    here = ZoneInfo(zone)
    await fill(database, staff.tenant_id, len(zone), here)
    await fill(database, others.tenant_id, 99, here)
    # Europe/Berlin changes to summer time on the 29th.
    first, last = dt.date(2026, 3, 27), dt.date(2026, 3, 30)
    answer = await ask(database, staff.tenant_id, "2026-03-27", "2026-03-30", here)
    async with tables(database) as conn:
        stored = (
            await conn.execute(
                select(trigger_events)
                .where(trigger_events.c.tenant_id == staff.tenant_id)
                .order_by(trigger_events.c.sequence)
            )
        ).all()

    def day(row: Any) -> dt.date:
        return row.created_at.astimezone(here).date()

    rows = [row for row in stored if first <= day(row) <= last]
    assert 100 < len(rows) < 300
    assert answer.total == figures(rows)
    days = [(first + dt.timedelta(days=n)).isoformat() for n in range(4)]
    assert [(group.key, group.name) for group in answer.by_day] == [(d, d) for d in days]
    assert given(answer.by_day) == by(rows, lambda row: [day(row).isoformat()])
    items = by(rows, lambda row: [str(row.item["item_id"])] if "item_id" in row.item else [])
    assert given(answer.by_item) == items
    reasons = by(rows, lambda row: [row.item["reason_type"]] if row.item.get("reason_type") else [])
    assert given(answer.by_reason) == reasons
    assert given(answer.by_signage) == by(rows, lambda row: row.signage_ids)
    names = {str(r.item["item_id"]): r.item["item_name"] for r in rows if "item_id" in r.item}
    assert {group.key: group.name for group in answer.by_item} == names
    assert {group.key: group.name for group in answer.by_signage} == {
        "s1": "입구",
        "s2": "s2",
        "s3": "s3",
    }
    for groups in (answer.by_item, answer.by_reason, answer.by_signage):
        counts = [group.figures.exposures for group in groups]
        assert counts == sorted(counts, reverse=True)


async def test_days_without_events(database: Database, staff: Staff) -> None:
    at = dt.datetime(2026, 5, 2, 12, tzinfo=SEOUL)
    await add_events(database, staff.tenant_id, {"kind": "issued"}, created_at=at)
    answer = await ask(database, staff.tenant_id, "2026-05-01", "2026-05-03")
    assert [group.figures.issued for group in answer.by_day] == [0, 1, 0]
    assert answer.by_day[0].figures == pb.Figures()
    assert not answer.total.HasField("issue_rate")
    assert answer.total.redemption_rate == 0
    assert answer.total.HasField("redemption_rate")


async def test_a_whole_leap_year_and_not_a_day_more(database: Database, staff: Staff) -> None:
    answer: Any = await staff.call("GetAnalytics", from_date="2024-01-01", to_date="2024-12-31")
    assert len(answer.by_day) == 366
    assert answer.by_day[59].key == "2024-02-29"
    one: Any = await staff.call("GetAnalytics", from_date="2024-12-31", to_date="2024-12-31")
    assert [group.key for group in one.by_day] == ["2024-12-31"]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2024-01-01", "2025-01-01", "to_date"),
        ("2026-05-02", "2026-05-01", "to_date"),
        ("2026-02-29", "2026-03-01", "from_date"),
        ("2026-02-01", "2026-13-01", "to_date"),
        ("0001-01-01", "0001-01-01", "from_date"),
        ("9999-12-31", "9999-12-31", "from_date"),
        ("2026-5-1", "2026-05-02", "from_date"),
        ("20260501", "2026-05-02", "from_date"),
        ("2026-05-01T00", "2026-05-02", "from_date"),
        ("２０２６-05-01", "2026-05-02", "from_date"),
        ("", "2026-05-02", "from_date"),
        ("2026-05-01", "", "to_date"),
    ],
)
async def test_dates_that_are_none(staff: Staff, first: str, last: str, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await staff.call("GetAnalytics", from_date=first, to_date=last)
    assert reason_of(caught.value) == "INVALID_REQUEST"
    assert fields_of(caught.value) == [field]


async def test_the_names_of_screens_are_the_stores(database: Database, staff: Staff) -> None:
    entrance = "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11"
    at = dt.datetime(2026, 5, 2, 12, tzinfo=SEOUL)
    await add_events(database, staff.tenant_id, {"signage_ids": [entrance, "gone"]}, created_at=at)
    answer: Any = await staff.call("GetAnalytics", from_date="2026-05-02", to_date="2026-05-02")
    assert {group.key: group.name for group in answer.by_signage} == {
        entrance: "입구",
        "gone": "gone",
    }
