"""TriggerCoupon: a coupon was issued, redeemed or dismissed in the app."""

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
class TriggerCoupon:
    """What happened to which coupon of which round.

    coupon: the values that were sent, rec_id at least.
    """

    round: RoundIds
    kind: str
    coupon: items.Item
    key: OnceKey | None


async def trigger_coupon(
    database: Database, caller: Caller, command: TriggerCoupon
) -> pb.TriggerCouponResponse:
    """Save an event of the round's coupon, with what was sent in the place of its own values.

    Where the round has no coupon of that rec_id, the event is of the coupon as sent. Raises
    NOT_FOUND, also for such a coupon sent with nothing but its rec_id, and INVALID_REQUEST for an
    idempotency key that was used for another request.
    """
    return await finish(_trigger(database, caller, command))


async def _trigger(
    database: Database, caller: Caller, command: TriggerCoupon
) -> pb.TriggerCouponResponse:
    round_ = await find_round(database, caller, command.round)
    sent = command.coupon
    base = items.round_coupon(round_.results, sent["rec_id"])
    if base is None:
        if not sent.keys() > {"rec_id"}:
            raise ApiError(SdkReason.NOT_FOUND, "The round has no coupon of that rec_id.")
        item = base = sent
    else:
        item = items.filled_in(sent, base)
    event = make_event(round_, item, base, id=new_id("evt_"), kind=command.kind)

    async def save(conn: Connection) -> None:
        await sql.add_events(conn, caller.tenant_id, [event])

    reply = pb.TriggerCouponResponse(event_id=event.id, accepted=True)
    return await once(database, caller, command.key, reply=reply, work=save)
