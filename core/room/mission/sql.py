"""SQL of the registered missions and of people's days."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    Date,
    Uuid,
    any_,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)

from core.platform.database import Connection, Query, Reader, Statement, params
from core.platform.ids import parse_uuid
from core.room.accounts.tables import users
from core.room.mission.choose import Candidate
from core.room.mission.tables import missions, today_missions

_USER = today_missions.c.user_id == bindparam("user", type_=Uuid)
_ID = today_missions.c.id == bindparam("b_id", type_=Uuid)
_DAY = today_missions.c.day == bindparam("day", type_=Date)
_LISTED = today_missions.c.listed_at.is_not(None)

# ---- one mission on a list ----


@dataclass(frozen=True, slots=True)
class ListedMission:
    """A mission on a person's list of a day."""

    id: uuid.UUID
    content: str
    listed_at: datetime
    completed_at: datetime | None


_LISTED_MISSIONS = select(
    today_missions.c.id,
    today_missions.c.content,
    today_missions.c.listed_at,
    today_missions.c.completed_at,
).where(_USER, _LISTED)
_FIND_LISTED = Query(_LISTED_MISSIONS.where(_ID), ListedMission)
_COMPLETE = Statement(
    update(today_missions)
    .where(_USER, _ID, _LISTED, today_missions.c.completed_at.is_(None))
    .values(completed_at=bindparam("now"))
)


async def find_listed(reader: Reader, user_id: uuid.UUID, mission_id: str) -> ListedMission | None:
    """Find a mission on one of the person's lists, of today or earlier.

    None when there is none of that id, also when it is no id at all.
    """
    parsed = parse_uuid(mission_id)
    if parsed is None:
        return None
    return await reader.first(_FIND_LISTED, user=user_id, b_id=parsed)


async def complete(
    conn: Connection, user_id: uuid.UUID, mission_id: uuid.UUID, now: datetime
) -> bool:
    """Mark a listed mission as done. Return False if it was done before, or isn't listed."""
    return await conn.run(_COMPLETE, user=user_id, b_id=mission_id, now=now) == 1


# ---- a person's day ----


@dataclass(frozen=True, slots=True)
class MissionOfDay:
    """A suggestion (not listed) or a mission of a day."""

    id: uuid.UUID
    listed_at: datetime | None


_LIST = Query(
    _LISTED_MISSIONS.where(_DAY).order_by(today_missions.c.listed_at, today_missions.c.id),
    ListedMission,
)
# Not FOR UPDATE: rows that refer to the user may be added meanwhile.
_LOCK = Statement(
    select(users.c.id).where(users.c.id == bindparam("user")).with_for_update(key_share=True)
)
_FIND_OF_DAY = Query(
    select(today_missions.c.id, today_missions.c.listed_at).where(_USER, _ID, _DAY), MissionOfDay
)
_ADD_OWN = Statement(
    insert(today_missions).values(params("id", "user_id", "content", "day", "listed_at"))
)
_ACCEPT = Statement(update(today_missions).where(_USER, _ID).values(listed_at=bindparam("now")))


async def list_day(reader: Reader, user_id: uuid.UUID, day: date) -> list[ListedMission]:
    """Return the list of a day, in the order it was made."""
    return await reader.all(_LIST, user=user_id, day=day)


async def lock(conn: Connection, user_id: uuid.UUID) -> None:
    """Lock a person's day to the end of the transaction: its changes take turns."""
    await conn.run(_LOCK, user=user_id)


async def find_of_day(
    reader: Reader, user_id: uuid.UUID, mission_id: str, day: date
) -> MissionOfDay | None:
    """Find a suggestion or mission of a day. None when there is none of that id."""
    parsed = parse_uuid(mission_id)
    if parsed is None:
        return None
    return await reader.first(_FIND_OF_DAY, user=user_id, b_id=parsed, day=day)


async def add_own(
    conn: Connection, user_id: uuid.UUID, *, content: str, day: date, now: datetime
) -> None:
    """Put a mission in the person's own words on a day's list."""
    await conn.run(
        _ADD_OWN, id=uuid.uuid4(), user_id=user_id, content=content, day=day, listed_at=now
    )


async def accept(
    conn: Connection, user_id: uuid.UUID, mission_id: uuid.UUID, now: datetime
) -> None:
    """Put a suggestion on the list."""
    await conn.run(_ACCEPT, user=user_id, b_id=mission_id, now=now)


# ---- suggestions ----


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggestion that waits for its answer; its mission may have been retired since."""

    id: uuid.UUID
    content: str
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastSuggestion:
    """A mission that the person was suggested on a day, and what became of it."""

    mission_id: uuid.UUID
    category: str
    day: date
    listed_at: datetime | None
    completed_at: datetime | None


_WAITING = today_missions.c.listed_at.is_(None)
_FIND_SUGGESTION = Query(
    select(today_missions.c.id, today_missions.c.content, missions.c.retired_at)
    .join(missions, missions.c.id == today_missions.c.mission_id)
    .where(_USER, _DAY, _WAITING),
    Suggestion,
)
_DROP_SUGGESTION = Statement(delete(today_missions).where(_USER, _DAY, _WAITING))
_CANDIDATES = Query(
    select(missions.c.id, missions.c.content, missions.c.category).where(
        missions.c.retired_at.is_(None)
    ),
    Candidate,
)
_PAST = Query(
    select(
        today_missions.c.mission_id,
        missions.c.category,
        today_missions.c.day,
        today_missions.c.listed_at,
        today_missions.c.completed_at,
    )
    .join(missions, missions.c.id == today_missions.c.mission_id)
    .where(_USER, today_missions.c.day >= bindparam("since")),
    PastSuggestion,
)
_SUGGEST = Statement(
    insert(today_missions).values(
        params("id", "user_id", "mission_id", "content", "day", "suggested_at")
    )
)


async def find_suggestion(reader: Reader, user_id: uuid.UUID, day: date) -> Suggestion | None:
    """Find the day's suggestion that waits for its answer."""
    return await reader.first(_FIND_SUGGESTION, user=user_id, day=day)


async def drop_suggestion(conn: Connection, user_id: uuid.UUID, day: date) -> None:
    """Take the day's suggestion back, as if it had not been made."""
    await conn.run(_DROP_SUGGESTION, user=user_id, day=day)


async def suggest(
    conn: Connection, user_id: uuid.UUID, chosen: Candidate, *, day: date, now: datetime
) -> uuid.UUID:
    """Make a registered mission the day's suggestion. Return its id among the person's missions."""
    id = uuid.uuid4()
    await conn.run(
        _SUGGEST,
        id=id,
        user_id=user_id,
        mission_id=chosen.id,
        content=chosen.content,
        day=day,
        suggested_at=now,
    )
    return id


async def candidates(reader: Reader) -> list[Candidate]:
    """Return the registered missions, as there are to choose from."""
    return await reader.all(_CANDIDATES)


async def past(reader: Reader, user_id: uuid.UUID, since: date) -> list[PastSuggestion]:
    """Return what the person was suggested since a day."""
    return await reader.all(_PAST, user=user_id, since=since)


# ---- the registered missions ----


@dataclass(frozen=True, slots=True)
class Mission:
    """A registered mission; retired: no longer suggested, but kept, since people have done it."""

    id: uuid.UUID
    content: str
    category: str
    minutes: int | None
    retired_at: datetime | None


_REGISTERED = select(
    missions.c.id,
    missions.c.content,
    missions.c.category,
    missions.c.minutes,
    missions.c.retired_at,
).order_by(missions.c.category, missions.c.content)
_ALL = Query(_REGISTERED, Mission)
_LIVING = Query(_REGISTERED.where(missions.c.retired_at.is_(None)), Mission)
_RETIRED = Query(_REGISTERED.where(missions.c.retired_at.is_not(None)), Mission)
_ANY = Query(select(missions.c.id).limit(1), uuid.UUID)
_LOCK_TABLE = Statement(text("LOCK TABLE missions IN SHARE ROW EXCLUSIVE MODE"))
_ADD = Statement(
    insert(missions).values(params("id", "content", "category", "minutes", "created_at"))
)
_CHANGE = Statement(
    update(missions)
    .where(missions.c.id == bindparam("b_id"))
    .values(params("content", "category", "minutes") | {"retired_at": None})
)
_RETIRE = Statement(
    update(missions)
    .where(missions.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .values(retired_at=bindparam("now"))
)


async def has_missions(reader: Reader) -> bool:
    """Return whether any mission was ever registered."""
    return await reader.first(_ANY) is not None


async def list_missions(reader: Reader, *, retired: bool = False) -> list[Mission]:
    """Return the registered missions, or those retired, by category and content."""
    return await reader.all(_RETIRED if retired else _LIVING)


async def lock_missions(conn: Connection) -> list[Mission]:
    """Return all missions, retired ones too, and lock them to the end of the transaction.

    Imports so take turns; people go on being suggested what is there.
    """
    await conn.run(_LOCK_TABLE)
    return await conn.all(_ALL)


async def add_mission(conn: Connection, now: datetime, **columns: object) -> None:
    """Register a mission of that content, category and minutes."""
    await conn.run(_ADD, id=uuid.uuid4(), created_at=now, **columns)


async def change_mission(conn: Connection, mission_id: uuid.UUID, **columns: object) -> None:
    """Give a mission that content, category and minutes; it is retired no more."""
    await conn.run(_CHANGE, b_id=mission_id, **columns)


async def retire_missions(conn: Connection, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Suggest these no longer."""
    await conn.run(_RETIRE, ids=list(ids), now=now)
