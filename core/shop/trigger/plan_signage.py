"""TriggerSignage: a phone came near a signage, or left it."""

from __future__ import annotations

import asyncio
from typing import Any

from onegenie.store.v1 import store_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.database import Connection, Database
from core.platform.idempotency import check_key
from core.platform.plain import fill, plain
from core.shop.signage import frames
from core.shop.tenants.sql import Caller
from core.shop.trigger import items, sql
from core.shop.trigger.known_signage import KnownSignage
from core.shop.trigger.record import find_round, new_id, once
from core.shop.trigger.reports import Reports


async def trigger_signage(
    database: Database,
    known: KnownSignage,
    reports: Reports,
    caller: Caller,
    request: pb.TriggerSignageRequest,
    key: str | None,
) -> pb.TriggerSignageResponse:
    """Show or clear the round's screens, store an event an item, and tell the store.

    `key` is the idempotency key. Raises NOT_FOUND, and INVALID_REQUEST for a key that is none or
    stands for another request; then nothing has happened.
    """
    check_key(key)
    # A REST client that leaves cancels its call: what has begun is finished all the same.
    return await asyncio.shield(_trigger(database, known, reports, caller, request, key))


async def _trigger(
    database: Database,
    known: KnownSignage,
    reports: Reports,
    caller: Caller,
    request: pb.TriggerSignageRequest,
    key: str | None,
) -> pb.TriggerSignageResponse:
    round_ = await find_round(database, caller, request)
    # Asked before the transaction, which so never waits for the store.
    floor = await known.of(caller.tenant_id)
    matched = floor.matched(round_.results) if floor else []
    signage = matched or (floor.signage if floor else [])
    leaving = request.action == "exit"

    report = store_pb2.ReportTriggerRequest(
        trigger_id=new_id("trg_"),
        action="exit" if leaving else "enter",
        signage_ids=[one.id for one in matched],
        profile_id=str(round_.profile_id),
        chat_id=str(round_.chat_id),
        round_id=str(round_.round_id),
    )
    report.created_at.GetCurrentTime()
    events: list[sql.NewEvent] = []
    shown: list[items.Item] = []
    forgotten: list[Any] = []
    response = pb.TriggerSignageResponse(accepted=True)
    if leaving:
        response.action = "exit"
    else:
        shown = [items.sent_item(item) for item in request.items]
        bases: dict[str, items.Item] = {}
        if shown:
            bases = items.round_items(round_.results)
            for item in shown:
                if base := bases.get(items.folded(item["rec_id"])):
                    item["rec_id"] = base["rec_id"]
        else:
            shown = items.round_ads(round_.results)
        forgotten = [plain(value) for value in request.forgotten]
        events = [
            sql.NewEvent(
                id=new_id("evt_"),
                kind="signage",
                profile_id=round_.profile_id,
                chat_id=round_.chat_id,
                round_id=round_.round_id,
                item=item,
                signage_ids=[one.id for one in signage],
                # For what is not the round's there is none.
                analyst_comment=round_.analyst_comments.get(item.get("rec_id", "")),
                forgotten=forgotten or None,
                counted_as=items.counted_as(
                    item, bases.get(items.folded(item.get("rec_id", "")), item)
                ),
            )
            for item in shown
        ]
        for item in shown:
            fill(report.items.add(), item)
        # Filled, not copied: a copy takes what the contract doesn't know along, at any size.
        for value in forgotten:
            fill(report.forgotten.add(), value)
        response.event_ids.extend(event.id for event in events)

    async def work(conn: Connection) -> None:
        if leaving:
            await frames.clear(conn, caller.tenant_id, [one.id for one in signage])
        elif floor is not None:
            await frames.show(
                conn,
                caller.tenant_id,
                # Without items there is no card for number 1, and nothing forgotten says nothing.
                signage if shown else [one for one in signage if forgotten and one.number != 1],
                shown,
                forgotten,
                floor.events,
                reports.show_seconds,
            )
        await reports.defer(
            conn,
            caller.tenant_id,
            report,
            unplaced=round_.results if floor is None else None,
            event_ids=response.event_ids,
        )
        await sql.add_events(conn, caller.tenant_id, events)

    return await once(database, caller, key, request, response, work)
