"""RecommendMission: the day's suggestion, made when it is first asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from onegenie.error.v1.reasons import AppReason

from core.platform.runtime import Runtime
from core.room.mission import sql
from core.room.mission.choose import TASTE_DAYS, Past, choose, same
from edge import ApiError


@dataclass(frozen=True, slots=True)
class Recommended:
    """The day's suggestion. AcceptMission takes its `mission_id`."""

    mission_id: uuid.UUID
    content: str


async def recommend_mission(runtime: Runtime, user_id: uuid.UUID) -> Recommended:
    """Return the suggestion that waits for its answer, else make a new one.

    One that was retired since, or that the person has meanwhile put on the list in their own
    words, is replaced. Raises MISSION_NOT_FOUND when nothing is left to suggest.
    """
    async with runtime.database.begin() as conn:
        await sql.lock(conn, user_id)
        now = runtime.clock()
        today = runtime.day_of(now)
        listed = [row.content for row in await sql.list_day(conn, user_id, today)]
        waiting = await sql.find_suggestion(conn, user_id, today)
        if waiting is not None:
            if waiting.retired_at is None and same(waiting.content) not in map(same, listed):
                return Recommended(waiting.id, waiting.content)
            await sql.drop_suggestion(conn, user_id, today)
        rows = await sql.past(conn, user_id, today - timedelta(TASTE_DAYS))
        chosen = choose(
            await sql.candidates(conn),
            list(_past(runtime, rows, today)),
            listed,
            seed=f"{user_id}/{today}",
        )
        if chosen is None:
            raise ApiError(AppReason.MISSION_NOT_FOUND)
        mission_id = await sql.suggest(conn, user_id, chosen, day=today, now=now)
        return Recommended(mission_id, chosen.content)


def _past(runtime: Runtime, rows: Sequence[sql.PastSuggestion], today: date) -> Iterator[Past]:
    """Yield what was done, and what was suggested on an earlier day and not accepted.

    What is on a list and not done says nothing yet.
    """
    for row in rows:
        if row.completed_at is not None:
            day = runtime.day_of(row.completed_at)
            yield Past(row.mission_id, row.category, (today - day).days, done=True)
        elif row.listed_at is None and row.day < today:
            yield Past(row.mission_id, row.category, (today - row.day).days, done=False)
