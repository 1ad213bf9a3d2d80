"""TriggerRecommend: a recommended item was shown or tapped in the app."""

from __future__ import annotations

from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.database import Connection, Database
from core.platform.finish import finish
from core.shop.tenants.sql import Caller
from core.shop.trigger import items, sql
from core.shop.trigger.find_round import RoundIds, find_round
from core.shop.trigger.once import OnceKey, once
from core.shop.trigger.trigger_event import make_event, new_id
from edge import ApiError


@dataclass(frozen=True, slots=True)
class TriggerRecommend:
    """Which recommended item of which round, by its rec_id or its product's id."""

    round: RoundIds
    rec_id: str
    key: OnceKey | None


async def trigger_recommend(
    database: Database, caller: Caller, command: TriggerRecommend
) -> pb.TriggerRecommendResponse:
    """Save an event of the round's item.

    Raises NOT_FOUND, and INVALID_REQUEST for an idempotency key that was used for another
    request.
    """
    return await finish(_trigger(database, caller, command))


async def _trigger(
    database: Database, caller: Caller, command: TriggerRecommend
) -> pb.TriggerRecommendResponse:
    round_ = await find_round(database, caller, command.round)
    item = items.round_recommendation(round_.results, command.rec_id)
    if item is None:
        raise ApiError(SdkReason.NOT_FOUND, "The round recommends no item of that rec_id.")
    event = make_event(round_, item, item, id=new_id("evt_"), kind="recommend")

    async def save(conn: Connection) -> None:
        await sql.add_events(conn, caller.tenant_id, [event])

    reply = pb.TriggerRecommendResponse(event_id=event.id, accepted=True)
    return await once(database, caller, command.key, reply=reply, work=save)
