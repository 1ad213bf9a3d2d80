"""SQL of trigger events and of the calls that made them.

A tenant's events are numbered without gaps, and in the order they become visible: whoever has
read number n has been able to read every number before it. So a reader that remembers the last
number it saw misses nothing.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from core.platform.database import Connection, Query, Reader, Statement, params
from core.platform.events import publish
from core.shop.trigger.tables import trigger_calls, trigger_events, trigger_sequences


def events_topic(tenant_id: uuid.UUID) -> str:
    """Name the topic on which it is published that a tenant has new events."""
    return f"events:{tenant_id}"


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """An event to save. `item` and `forgotten` are JSON values; no `forgotten` is None.

    Events of one trigger share their `forgotten`, the same list, which is then stored once.
    counted_as: item_id, item_name and reason_type for analytics, where `item` has none.
    """

    id: str
    kind: str
    profile_id: uuid.UUID
    chat_id: uuid.UUID
    round_id: uuid.UUID
    item: dict[str, Any]
    signage_ids: Sequence[str] = ()
    analyst_comment: str | None = None
    forgotten: list[Any] | None = None
    counted_as: dict[str, Any] | None = None


_FIRST_NUMBERS = upsert(trigger_sequences).values(
    tenant_id=bindparam("tenant", type_=Uuid), last=bindparam("count", type_=BigInteger)
)
_TAKE_NUMBERS = Query(
    _FIRST_NUMBERS.on_conflict_do_update(
        index_elements=[trigger_sequences.c.tenant_id],
        set_={"last": trigger_sequences.c.last + _FIRST_NUMBERS.excluded.last},
    ).returning(trigger_sequences.c.last),
    int,
)
_ADD_EVENT = Statement(
    insert(trigger_events).values(
        params(
            "tenant_id",
            "sequence",
            "id",
            "kind",
            "profile_id",
            "chat_id",
            "round_id",
            "signage_ids",
            "item",
            "analyst_comment",
            "forgotten",
            "forgotten_at",
            "counted_as",
        )
    )
)


async def add_events(
    conn: Connection, tenant_id: uuid.UUID, events: Sequence[TriggerEvent]
) -> None:
    """Save events in this order and wake who watches the tenant's.

    Call it last in the transaction: everyone else who saves events of the tenant waits until it
    ends.
    """
    if not events:
        return
    last = await conn.one(_TAKE_NUMBERS, tenant=tenant_id, count=len(events))
    numbered = list(enumerate(events, start=last - len(events) + 1))
    # The first event of each list that something was forgotten in.
    holders: dict[int, int] = {}
    for sequence, event in numbered:
        holders.setdefault(id(event.forgotten), sequence)
    await conn.run_many(
        _ADD_EVENT,
        [
            {
                "tenant_id": tenant_id,
                "sequence": sequence,
                "id": event.id,
                "kind": event.kind,
                "profile_id": event.profile_id,
                "chat_id": event.chat_id,
                "round_id": event.round_id,
                "signage_ids": list(event.signage_ids),
                "item": event.item,
                "analyst_comment": event.analyst_comment,
                "forgotten": event.forgotten if holder == sequence else None,
                "forgotten_at": holder if event.forgotten and holder != sequence else None,
                "counted_as": event.counted_as,
            }
            for sequence, event in numbered
            for holder in (holders[id(event.forgotten)],)
        ],
    )
    await publish(conn, events_topic(tenant_id))


_PLACE = Statement(
    update(trigger_events)
    .where(
        trigger_events.c.tenant_id == bindparam("tenant", type_=Uuid),
        trigger_events.c.id == any_(bindparam("ids", type_=ARRAY(Text))),
        trigger_events.c.signage_ids == [],
    )
    .values(signage_ids=bindparam("signage", type_=ARRAY(Text)))
)


async def place_events(
    conn: Connection, tenant_id: uuid.UUID, ids: Sequence[str], signage_ids: Sequence[str]
) -> bool:
    """Note where events saved without a signage were shown; False when that is noted already."""
    placed = await conn.run(_PLACE, tenant=tenant_id, ids=list(ids), signage=list(signage_ids))
    return placed > 0


# ---- reads ----

# A page ends with the event that brings its items, and what was forgotten, to so many bytes of
# JSON. Callers may have stored up to a megabyte an event.
PAGE_BYTES = 1 << 20

_holders = trigger_events.alias("holders")
_HOLDER = and_(
    _holders.c.tenant_id == trigger_events.c.tenant_id,
    _holders.c.sequence == trigger_events.c.forgotten_at,
)
_OWN = ("sequence", "id", "kind", "profile_id", "chat_id", "round_id", "item", "analyst_comment")
_COLUMNS = [
    *(trigger_events.c[name] for name in (*_OWN, "created_at")),
    # Rows from before there was forgotten_at have their own.
    func.coalesce(trigger_events.c.forgotten, _holders.c.forgotten).label("forgotten"),
    func.coalesce(trigger_events.c.forgotten_at, trigger_events.c.sequence).label("holder"),
]
_KINDS = bindparam("kinds", type_=ARRAY(Text))
_OF_KINDS = or_(_KINDS.is_(None), trigger_events.c.kind == any_(_KINDS))
_TENANT = trigger_events.c.tenant_id == bindparam("tenant", type_=Uuid)
_SEQUENCE = bindparam("sequence", type_=BigInteger)
_LIMIT = bindparam("limit", type_=BigInteger)


@dataclass(frozen=True, slots=True)
class StoredTriggerEvent:
    """An event as it is stored.

    `holder` is the number of the event that `forgotten` is stored with; `there` says how many
    events there are up to the limit, with those that PAGE_BYTES left out.
    """

    sequence: int
    id: str
    kind: str
    profile_id: uuid.UUID
    chat_id: uuid.UUID
    round_id: uuid.UUID
    item: dict[str, Any]
    analyst_comment: str | None
    created_at: datetime
    forgotten: list[Any] | None
    holder: int
    there: int


def _page(condition: ColumnElement[bool], descending: bool) -> Select[Any]:
    """The events of a condition up to a limit, those after PAGE_BYTES left out."""
    page = (
        select(*_COLUMNS)
        .outerjoin_from(trigger_events, _holders, _HOLDER)
        .where(_TENANT, condition, _OF_KINDS)
        .order_by(trigger_events.c.sequence.desc() if descending else trigger_events.c.sequence)
        .limit(_LIMIT)
        .subquery()
    )
    order = page.c.sequence.desc() if descending else page.c.sequence
    size = func.octet_length(cast(page.c.item, Text)) + func.coalesce(
        func.octet_length(cast(page.c.forgotten, Text)), 0
    )
    sized = select(
        page,
        func.count().over().label("there"),
        (func.sum(size).over(order_by=order) - size).label("bytes_before"),
    ).subquery()
    last = sized.c.sequence.desc() if descending else sized.c.sequence
    columns = [column for column in sized.c if column.name != "bytes_before"]
    return select(*columns).where(sized.c.bytes_before < PAGE_BYTES).order_by(last)


_AFTER = Query(_page(trigger_events.c.sequence > _SEQUENCE, descending=False), StoredTriggerEvent)
_BEFORE = Query(
    _page(or_(_SEQUENCE.is_(None), trigger_events.c.sequence < _SEQUENCE), descending=True),
    StoredTriggerEvent,
)
_LATEST = Query(
    select(trigger_sequences.c.last).where(
        trigger_sequences.c.tenant_id == bindparam("tenant", type_=Uuid)
    ),
    int,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Events, and whether there are more after them."""

    rows: list[StoredTriggerEvent]
    more: bool


async def events_after(
    reader: Reader,
    tenant_id: uuid.UUID,
    sequence: int,
    kinds: Sequence[str] = (),
    limit: int = 100,
) -> Page:
    """Return a tenant's first events after a number, oldest first. No kinds means all."""
    rows = await reader.all(_AFTER, **_of_page(tenant_id, sequence, kinds, limit))
    return _cut(rows, limit)


async def list_events(
    reader: Reader,
    tenant_id: uuid.UUID,
    before: int | None = None,
    kinds: Sequence[str] = (),
    limit: int = 100,
) -> Page:
    """Return a tenant's last events, or the last before a number, newest first; no kinds means
    all."""
    rows = await reader.all(_BEFORE, **_of_page(tenant_id, before, kinds, limit))
    return _cut(rows, limit)


def _of_page(
    tenant_id: uuid.UUID, sequence: int | None, kinds: Sequence[str], limit: int
) -> dict[str, Any]:
    # One more than asked for: is there a next page?
    return {
        "tenant": tenant_id,
        "sequence": sequence,
        "kinds": list(kinds) or None,
        "limit": limit + 1,
    }


def _cut(rows: list[StoredTriggerEvent], limit: int) -> Page:
    page = rows[:limit]
    return Page(page, bool(rows) and rows[0].there > len(page))


async def latest_sequence(reader: Reader, tenant_id: uuid.UUID) -> int:
    """The number of a tenant's newest event; 0 when there is none."""
    return await reader.first(_LATEST, tenant=tenant_id) or 0


# ---- calls ----


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made under an idempotency key: its digest, and its serialised answer."""

    request: bytes
    response: bytes


_ADD_CALL = Statement(
    upsert(trigger_calls)
    .values(
        api_key_id=bindparam("key"),
        idempotency_key=bindparam("idem"),
        request=bindparam("request"),
        response=bindparam("response"),
    )
    .on_conflict_do_nothing()
)
_CALL = Query(
    select(trigger_calls.c.request, trigger_calls.c.response).where(
        trigger_calls.c.api_key_id == bindparam("key"),
        trigger_calls.c.idempotency_key == bindparam("idem"),
    ),
    Call,
)


def request_digest(request: Message) -> bytes:
    """Return the SHA-256 of a request and its type: the same for the same contents."""
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + request.SerializeToString(deterministic=True)).digest()


async def remember_call(
    conn: Connection, key_id: uuid.UUID, idempotency_key: str, call: Call
) -> Call | None:
    """Keep a call under its idempotency key and return None.

    When the key was used before, keep nothing and return the call of then. Waits for a call of
    the same key that is under way.
    """
    values = {"key": key_id, "idem": idempotency_key}
    if await conn.run(_ADD_CALL, request=call.request, response=call.response, **values):
        return None
    return await conn.one(_CALL, **values)
