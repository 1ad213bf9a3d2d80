"""Whole numbers beyond 2^53 of free-form values: stored, streamed, shown and passed on as sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from zoneinfo import ZoneInfo

from onegenie.tenant.v1 import tenant_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb
from onegenie.trigger.v1 import trigger_pb2_grpc as pb_grpc

from core.app.services import SERVICES
from core.platform.database import Database
from core.platform.plain import fill, plain
from core.shop.staff.staff_event import staff_events
from core.shop.trigger import sql
from edge.contract.load import load_contract
from edge.reply.render import Renderer, json_cache
from tests.integration.shop.trigger.trigger_help import jobs_left, make_phone, shown, stored, told
from tests.support import make_shopper, running_core

WIDE = 12345678901234567890123
FORGOTTEN = [
    9007199254740993,
    {"a": [-WIDE, {"b": 2**63, "c": 0.5}], "d": "12345678901234567890"},
    [2**64, 882],
]
ITEM = {"rec_id": "r", "item_id": 9007199254740993, "reason_detail": {"ko": "가", "n": [WIDE]}}


def rendered(event: tenant_pb2.Event) -> Any:
    """What staff read over REST and in the stream."""
    contract = load_contract(SERVICES)
    (surface,) = {m.surface for m in contract.methods.values() if "StreamEvents" in m.path}
    return json.loads(Renderer(surface, ZoneInfo("UTC"), json_cache(1000)).json(event))


async def test_every_digit_comes_through(database_url: str, database: Database) -> None:
    async with running_core(database_url) as channel:
        shopper = await make_shopper(database, channel)
        phone = await make_phone(database, shopper)
        request = pb.TriggerSignageRequest(**phone.ids)  # type: ignore[arg-type]
        for value in FORGOTTEN:
            fill(request.forgotten.add(), value)
        item = request.items.add(rec_id="r", item_id=ITEM["item_id"])
        fill(item.reason_detail, ITEM["reason_detail"])
        await pb_grpc.TriggerServiceStub(channel).TriggerSignage(
            request, metadata=shopper.metadata, timeout=20
        )
        async with asyncio.timeout(20):
            while await jobs_left(database):
                await asyncio.sleep(0.05)

    (row,) = await stored(database)
    assert (row.item, row.forgotten) == (ITEM, FORGOTTEN)
    page = await sql.events_after(database, shopper.tenant_id, 0)
    (row,) = page.rows
    assert (row.item, row.forgotten) == (ITEM, FORGOTTEN)
    (event,) = map(rendered, staff_events(page.rows))
    assert (event["item"], event["forgotten"]) == (ITEM, FORGOTTEN)
    (report,) = await told(database)
    assert [plain(one) for one in report.items] == [ITEM]
    assert [plain(one) for one in report.forgotten] == FORGOTTEN
    ((_, frame),) = await shown(database)
    assert [json.loads(one) for one in frame.forgotten] == FORGOTTEN
