"""Triggers while the tenant's store, served elsewhere, is away for ten seconds."""

from __future__ import annotations

import asyncio
import time

from onegenie.store.v1 import store_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb
from onegenie.trigger.v1 import trigger_pb2_grpc as pb_grpc
from sqlalchemy import func, select

from core.platform.database import Database
from core.shop.catalogue.tables import store_triggers
from core.shop.trigger.tables import trigger_events
from tests.integration.shop.remote.conftest import Elsewhere
from tests.support import Shopper, tables

OUTAGE_SECONDS = 10


async def test_a_store_that_is_away_for_ten_seconds_hears_of_each_trigger_once(
    shopper: Shopper, elsewhere: Elsewhere, database: Database
) -> None:
    started = await shopper.start()
    ads = len((await shopper.finish(started)).notifications.ad.items)
    stub = pb_grpc.TriggerServiceStub(shopper.channel)

    async def trigger(action: str) -> pb.TriggerSignageResponse:
        return await stub.TriggerSignage(
            pb.TriggerSignageRequest(
                profile_id=shopper.profile_id,
                chat_id=started.chat_id,
                round_id=started.round_id,
                action=action,
            ),
            metadata=shopper.metadata,
            timeout=15,
        )

    await elsewhere.stop("store")
    began = time.monotonic()
    events = 0
    for action in ("enter", "exit", "enter"):
        reply = await trigger(action)
        assert reply.accepted
        events += len(reply.event_ids)
    assert events == 2 * ads
    await asyncio.sleep(OUTAGE_SECONDS - (time.monotonic() - began))
    await elsewhere.start("store")

    told = select(store_triggers.c.trigger).order_by(store_triggers.c.created_at)
    async with asyncio.timeout(40):
        while True:
            async with tables(elsewhere.database) as conn:
                heard = (await conn.execute(told)).scalars().all()
            if len(heard) == 3:
                break
            await asyncio.sleep(0.1)
    reports = [store_pb2.ReportTriggerRequest.FromString(one) for one in heard]
    assert [report.action for report in reports] == ["enter", "exit", "enter"]
    assert [len(report.items) for report in reports] == [ads, 0, ads]
    async with tables(database) as conn:
        stored = await conn.scalar(select(func.count()).select_from(trigger_events))
    assert stored == 2 * ads
    # Nothing more comes: what was told is told once.
    await asyncio.sleep(1)
    async with tables(elsewhere.database) as conn:
        assert len((await conn.execute(told)).all()) == 3
