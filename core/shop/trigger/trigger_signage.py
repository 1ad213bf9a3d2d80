"""TriggerSignage: a phone came near a signage, or left it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.store.v1 import store_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.database import Connection, Database
from core.platform.finish import finish
from core.platform.plain import fill
from core.shop.signage import frames
from core.shop.signage.screen import Recognition
from core.shop.tenants.sql import Caller
from core.shop.trigger import items, sql
from core.shop.trigger.find_round import RoundIds, RoundNow, find_round
from core.shop.trigger.known_signage import Floor, KnownSignage
from core.shop.trigger.once import OnceKey, once
from core.shop.trigger.reports import Reports
from core.shop.trigger.trigger_event import make_event, new_id


@dataclass(frozen=True, slots=True)
class TriggerSignage:
    """What the phone says.

    items: what to show, each with the keys that were sent; none takes the round's ads.
    forgotten: any JSON values.
    at: when it said so.
    """

    round: RoundIds
    leaving: bool
    items: Sequence[items.Item]
    forgotten: Sequence[Any]
    at: datetime
    key: OnceKey | None


@dataclass(frozen=True, slots=True)
class SignagePlan:
    """What a trigger does, worked out.

    signage: whose screens change. `shopper` is what they show; None turns them idle.
    report: what the store is told; stored and sent as the message that it is.
    unplaced: the round, where its signage is not known: the report's job will see to the screens.
    """

    signage: Sequence[store_pb2.Signage]
    shopper: Recognition | None
    events: Sequence[sql.TriggerEvent]
    report: store_pb2.ReportTriggerRequest
    unplaced: recommend.Round | None

    @property
    def event_ids(self) -> list[str]:
        """The ids of the events, in their order."""
        return [event.id for event in self.events]


@dataclass(frozen=True, slots=True)
class Ports:
    """What the use case works with."""

    database: Database
    known: KnownSignage
    reports: Reports


async def trigger_signage(
    ports: Ports, caller: Caller, command: TriggerSignage
) -> pb.TriggerSignageResponse:
    """Show or clear the round's screens, save an event an item, and tell the store.

    Raises NOT_FOUND, and INVALID_REQUEST for an idempotency key that was used for another
    request; then nothing has happened.
    """
    return await finish(_trigger(ports, caller, command))


async def _trigger(
    ports: Ports, caller: Caller, command: TriggerSignage
) -> pb.TriggerSignageResponse:
    round_ = await find_round(ports.database, caller, command.round)
    # Asked before the transaction, which so never waits for the store.
    floor = await ports.known.floor(caller.tenant_id)
    plan = plan_signage(round_, floor, command)

    async def apply(conn: Connection) -> None:
        await _apply(conn, ports.reports, caller, plan)

    reply = pb.TriggerSignageResponse(
        accepted=True, action="exit" if command.leaving else None, event_ids=plan.event_ids
    )
    return await once(ports.database, caller, command.key, reply=reply, work=apply)


def plan_signage(
    round_: RoundNow,
    floor: Floor | None,
    command: TriggerSignage,
    new_id: Callable[[str], str] = new_id,
) -> SignagePlan:
    """Work out what a trigger does on a floor; None is one that is not known."""
    matched = floor.matched(round_.results) if floor else []
    signage = matched or (floor.signage if floor else [])
    shown, events = ([], []) if command.leaving else _enter(round_, signage, command, new_id)
    forgotten = [] if command.leaving else command.forgotten

    report = store_pb2.ReportTriggerRequest(
        trigger_id=new_id("trg_"),
        action="exit" if command.leaving else "enter",
        signage_ids=[one.id for one in matched],
        profile_id=str(round_.profile_id),
        chat_id=str(round_.chat_id),
        round_id=str(round_.round_id),
    )
    report.created_at.FromDatetime(command.at)
    for item in shown:
        fill(report.items.add(), item)
    for value in forgotten:
        fill(report.forgotten.add(), value)

    shopper = None
    if not command.leaving:
        shopper = Recognition(shown, forgotten, floor.promotions if floor else ())
        if not shown:
            # Number 1 has only a card for an item, and nothing forgotten says nothing.
            signage = [one for one in signage if forgotten and one.number != 1]
    unplaced = round_.results if floor is None else None
    return SignagePlan(signage, shopper, events, report=report, unplaced=unplaced)


def _enter(
    round_: RoundNow,
    signage: Sequence[store_pb2.Signage],
    command: TriggerSignage,
    new_id: Callable[[str], str],
) -> tuple[list[items.Item], list[sql.TriggerEvent]]:
    """Return what is shown to who comes near, and an event for each of it."""
    bases = items.round_items(round_.results) if command.items else {}
    shown = [items.as_in_round(item, bases) for item in command.items]
    shown = shown or items.round_ads(round_.results)
    # One list for all events: it is then stored once.
    forgotten = list(command.forgotten) or None
    signage_ids = [one.id for one in signage]
    events = [
        make_event(
            round_,
            item,
            bases.get(items.folded(item.get("rec_id", "")), item),
            id=new_id("evt_"),
            kind="signage",
            signage_ids=signage_ids,
            forgotten=forgotten,
        )
        for item in shown
    ]
    return shown, events


async def _apply(conn: Connection, reports: Reports, caller: Caller, plan: SignagePlan) -> None:
    """Do what was planned, in the transaction of `conn`."""
    if plan.shopper is None:
        await frames.clear(conn, caller.tenant_id, [one.id for one in plan.signage])
    elif plan.signage:
        await frames.show(
            conn, caller.tenant_id, plan.signage, plan.shopper, seconds=reports.show_seconds
        )
    await reports.defer(
        conn,
        caller.tenant_id,
        plan.report,
        unplaced=plan.unplaced,
        event_ids=plan.event_ids,
    )
    # Last, because whoever else saves events of the tenant waits until the transaction ends.
    await sql.add_events(conn, caller.tenant_id, plan.events)
