"""TriggerCoupon and TriggerRecommend: what a shopper did with one item in the app."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from onegenie.error.v1.reasons import SdkReason
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.database import Connection, Database
from core.platform.idempotency import check_key
from core.shop.tenants.sql import Caller
from core.shop.trigger import items, sql
from core.shop.trigger.record import Request, Response, RoundNow, find_round, new_id, once
from edge.reply.errors import ApiError


async def trigger_coupon(
    database: Database, caller: Caller, request: pb.TriggerCouponRequest, key: str | None
) -> pb.TriggerCouponResponse:
    """Store that a coupon was issued, redeemed or dismissed; every call is an event.

    It is the round's coupon with what was sent in the place of its own values; where the round has
    none of that rec_id, the coupon as sent. Raises NOT_FOUND, also for such a coupon sent with
    nothing but its rec_id, and INVALID_REQUEST as trigger_signage does.
    """
    check_key(key)
    return await _to_the_end(_coupon(database, caller, request, key))


async def trigger_recommend(
    database: Database, caller: Caller, request: pb.TriggerRecommendRequest, key: str | None
) -> pb.TriggerRecommendResponse:
    """Store that a recommended item of the round was shown or tapped. Raises as trigger_coupon."""
    check_key(key)
    return await _to_the_end(_recommend(database, caller, request, key))


async def _coupon(
    database: Database, caller: Caller, request: pb.TriggerCouponRequest, key: str | None
) -> pb.TriggerCouponResponse:
    round_ = await find_round(database, caller, request)
    sent, base = items.sent_item(request), items.round_coupon(round_.results, request.rec_id)
    if base is None:
        if not sent.keys() > {"rec_id"}:
            raise ApiError(SdkReason.NOT_FOUND, "The round has no coupon of that rec_id.")
        item = base = sent
    else:
        item = items.filled_in(sent, base)
    event_id = new_id("evt_")
    response = pb.TriggerCouponResponse(event_id=event_id, accepted=True)
    event = _event(event_id, request.kind or "issued", round_, item, base)
    return await _store(database, caller, key, request, response, event)


async def _recommend(
    database: Database, caller: Caller, request: pb.TriggerRecommendRequest, key: str | None
) -> pb.TriggerRecommendResponse:
    round_ = await find_round(database, caller, request)
    item = items.round_recommendation(round_.results, request.rec_id)
    if item is None:
        raise ApiError(SdkReason.NOT_FOUND, "The round recommends no item of that rec_id.")
    event_id = new_id("evt_")
    response = pb.TriggerRecommendResponse(event_id=event_id, accepted=True)
    event = _event(event_id, "recommend", round_, item, item)
    return await _store(database, caller, key, request, response, event)


def _event(
    event_id: str, kind: str, round_: RoundNow, item: items.Item, base: items.Item
) -> sql.NewEvent:
    return sql.NewEvent(
        id=event_id,
        kind=kind,
        profile_id=round_.profile_id,
        chat_id=round_.chat_id,
        round_id=round_.round_id,
        item=item,
        analyst_comment=round_.analyst_comments.get(item["rec_id"]),
        counted_as=items.counted_as(item, base),
    )


async def _store(
    database: Database,
    caller: Caller,
    key: str | None,
    request: Request,
    response: Response,
    event: sql.NewEvent,
) -> Response:
    async def work(conn: Connection) -> None:
        await sql.add_events(conn, caller.tenant_id, [event])

    return await once(database, caller, key, request, response, work)


async def _to_the_end(work: Coroutine[Any, Any, Response]) -> Response:
    # A REST client that leaves cancels its call: what has begun is finished all the same.
    return await asyncio.shield(work)
