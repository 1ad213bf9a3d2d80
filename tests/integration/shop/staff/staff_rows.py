"""Events put straight into the tables, as a trigger stores them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, text

from core.platform.database import Database
from core.platform.events import publish
from core.shop.trigger.tables import trigger_events
from tests.support import tables

_NUMBER = text(
    "INSERT INTO trigger_sequences (tenant_id, last) VALUES (:tenant, :count)"
    " ON CONFLICT (tenant_id) DO UPDATE SET last = trigger_sequences.last + :count RETURNING last"
)


async def add_events(
    database: Database,
    tenant_id: uuid.UUID,
    *events: Mapping[str, Any],
    created_at: dt.datetime | None = None,
    tell: bool = True,
) -> list[int]:
    """Store events in one transaction and return their numbers; `tell` wakes who watches."""
    round_ = {name: uuid.uuid4() for name in ("profile_id", "chat_id", "round_id")}
    async with tables(database) as conn:
        last = await conn.scalar(_NUMBER, {"tenant": tenant_id, "count": len(events)})
        assert last is not None
        numbers = list(range(last - len(events) + 1, last + 1))
        for number, event in zip(numbers, events, strict=True):
            row = {"kind": "signage", "item": {"item_id": number}, **round_, **event}
            if created_at is not None:
                row["created_at"] = created_at
            row |= {"tenant_id": tenant_id, "sequence": number, "id": f"evt_{uuid.uuid4().hex}"}
            await conn.execute(insert(trigger_events).values(**row))
    if tell:
        async with database.begin() as told:
            await publish(told, f"events:{tenant_id}")
    return numbers
