"""SQL of the registered missions and of people's days."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, DateTime, Row, Text, Uuid, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import fetch
from core.platform.ids import parse_uuid
from core.room.accounts.tables import users
from core.room.mission.tables import missions, today_missions

AnyRow = Row[*tuple[Any, ...]]

_USER = today_missions.c.user_id == bindparam("user", type_=Uuid)
_ID = today_missions.c.id == bindparam("id", type_=Uuid)
_DAY = bindparam("day", type_=Date)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_LISTED = today_missions.c.listed_at.is_not(None)

# ---- one mission on a list ----

_SHOWN = (
    today_missions.c.id,
    today_missions.c.content,
    today_missions.c.listed_at,
    today_missions.c.completed_at,
)
_FIND_LISTED = select(*_SHOWN).where(_USER, _ID, _LISTED)
_COMPLETE = (
    update(today_missions)
    .where(_USER, _ID, _LISTED, today_missions.c.completed_at.is_(None))
    .values(completed_at=_NOW)
    .returning(today_missions.c.id)
)


async def find_listed(conn: AsyncConnection, user_id: uuid.UUID, mission_id: str) -> AnyRow | None:
    """A mission on one of the person's lists, of today or earlier: id, content, listed_at,
    completed_at. None when there is none of that id, also when it is no id at all."""
    parsed = parse_uuid(mission_id)
    if parsed is None:
        return None
    rows = await fetch(conn, _FIND_LISTED, {"user": user_id, "id": parsed})
    return rows[0] if rows else None


async def complete(
    conn: AsyncConnection, user_id: uuid.UUID, mission_id: uuid.UUID, now: datetime
) -> bool:
    """Mark a listed mission as done; False when it was done already, or isn't on a list."""
    return bool(await fetch(conn, _COMPLETE, {"user": user_id, "id": mission_id, "now": now}))


# ---- a person's day ----

_LIST = (
    select(*_SHOWN)
    .where(_USER, today_missions.c.day == _DAY, _LISTED)
    .order_by(today_missions.c.listed_at, today_missions.c.id)
)
# Not FOR UPDATE: rows that refer to the user may be added meanwhile.
_LOCK = (
    select(users.c.id)
    .where(users.c.id == bindparam("user", type_=Uuid))
    .with_for_update(key_share=True)
)
_FIND_OF_DAY = select(today_missions.c.id, today_missions.c.listed_at).where(
    _USER, _ID, today_missions.c.day == _DAY
)
_ADD_OWN = (
    insert(today_missions)
    .values(
        id=bindparam("id"),
        user_id=bindparam("user"),
        content=bindparam("content", type_=Text),
        day=bindparam("day"),
        listed_at=bindparam("now"),
    )
    .returning(today_missions.c.id)
)
_ACCEPT = (
    update(today_missions).where(_USER, _ID).values(listed_at=_NOW).returning(today_missions.c.id)
)


async def list_day(conn: AsyncConnection, user_id: uuid.UUID, day: date) -> list[Any]:
    """The list of a day in the order it was made: id, content, listed_at, completed_at."""
    return await fetch(conn, _LIST, {"user": user_id, "day": day})


async def lock(conn: AsyncConnection, user_id: uuid.UUID) -> None:
    """Changes of one person's day take turns from here to the end of the transaction."""
    await fetch(conn, _LOCK, {"user": user_id})


async def find_of_day(
    conn: AsyncConnection, user_id: uuid.UUID, mission_id: str, day: date
) -> AnyRow | None:
    """Suggestion or mission of a day: id, listed_at. None when there is none of that id."""
    parsed = parse_uuid(mission_id)
    if parsed is None:
        return None
    rows = await fetch(conn, _FIND_OF_DAY, {"user": user_id, "id": parsed, "day": day})
    return rows[0] if rows else None


async def add_own(
    conn: AsyncConnection, user_id: uuid.UUID, content: str, day: date, now: datetime
) -> None:
    """Put a mission in the person's own words on a day's list."""
    values = {"id": uuid.uuid4(), "user": user_id, "content": content, "day": day, "now": now}
    await fetch(conn, _ADD_OWN, values)


async def accept(
    conn: AsyncConnection, user_id: uuid.UUID, mission_id: uuid.UUID, now: datetime
) -> None:
    """Put a suggestion on the list."""
    await fetch(conn, _ACCEPT, {"user": user_id, "id": mission_id, "now": now})


# ---- suggestions ----

_FIND_SUGGESTION = (
    select(today_missions.c.id, today_missions.c.content, missions.c.retired_at)
    .join(missions, missions.c.id == today_missions.c.mission_id)
    .where(_USER, today_missions.c.day == _DAY, today_missions.c.listed_at.is_(None))
)
_DROP_SUGGESTION = (
    delete(today_missions)
    .where(_USER, today_missions.c.day == _DAY, today_missions.c.listed_at.is_(None))
    .returning(today_missions.c.id)
)
_REGISTERED = select(missions.c.id, missions.c.content, missions.c.category).where(
    missions.c.retired_at.is_(None)
)
_PAST = (
    select(
        today_missions.c.mission_id,
        missions.c.category,
        today_missions.c.day,
        today_missions.c.listed_at,
        today_missions.c.completed_at,
    )
    .join(missions, missions.c.id == today_missions.c.mission_id)
    .where(_USER, today_missions.c.day >= bindparam("since", type_=Date))
)
_SUGGEST = (
    insert(today_missions)
    .values(
        id=bindparam("id"),
        user_id=bindparam("user"),
        mission_id=bindparam("mission"),
        content=bindparam("content", type_=Text),
        day=bindparam("day"),
        suggested_at=bindparam("now"),
    )
    .returning(today_missions.c.id)
)


async def find_suggestion(conn: AsyncConnection, user_id: uuid.UUID, day: date) -> AnyRow | None:
    """The day's suggestion that waits for its answer: id, content, retired_at of the mission."""
    rows = await fetch(conn, _FIND_SUGGESTION, {"user": user_id, "day": day})
    return rows[0] if rows else None


async def drop_suggestion(conn: AsyncConnection, user_id: uuid.UUID, day: date) -> None:
    """Take the day's suggestion back, as if it had not been made."""
    await fetch(conn, _DROP_SUGGESTION, {"user": user_id, "day": day})


async def suggest(
    conn: AsyncConnection,
    user_id: uuid.UUID,
    mission_id: uuid.UUID,
    content: str,
    day: date,
    now: datetime,
) -> uuid.UUID:
    """Make a registered mission the day's suggestion; its id among the person's missions."""
    values = {
        "id": uuid.uuid4(),
        "user": user_id,
        "mission": mission_id,
        "content": content,
        "day": day,
        "now": now,
    }
    rows = await fetch(conn, _SUGGEST, values)
    return rows[0].id


async def registered(conn: AsyncConnection) -> list[Any]:
    """The registered missions: id, content, category."""
    return await fetch(conn, _REGISTERED, {})


async def past(conn: AsyncConnection, user_id: uuid.UUID, since: date) -> Sequence[Any]:
    """What the person was suggested since a day: mission_id, category, day, listed_at,
    completed_at."""
    return await fetch(conn, _PAST, {"user": user_id, "since": since})
