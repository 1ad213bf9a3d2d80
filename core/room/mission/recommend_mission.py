"""RecommendMission: the day's suggestion, made when it is first asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from onegenie.error.v1.reasons import AppReason
from onegenie.mission.v1 import mission_pb2 as pb

from core.platform.runtime import Runtime
from core.room.mission import sql
from core.room.mission.choose import TASTE_DAYS, Past, choose, same
from edge.reply.errors import ApiError


async def suggest(runtime: Runtime, user_id: uuid.UUID) -> pb.RecommendMissionResponse:
    """The suggestion that waits for its answer, else a new one.

    One that was retired since, or that the person has meanwhile put on the list in their own
    words, is replaced. Raises MISSION_NOT_FOUND when nothing is left to suggest.
    """
    async with runtime.database.begin() as conn:
        await sql.lock(conn, user_id)
        now = runtime.clock()
        today = now.astimezone(runtime.zone).date()
        listed = [row.content for row in await sql.list_day(conn, user_id, today)]
        waiting = await sql.find_suggestion(conn, user_id, today)
        if waiting is not None:
            if waiting.retired_at is None and same(waiting.content) not in map(same, listed):
                return pb.RecommendMissionResponse(
                    mission_id=str(waiting.id), content=waiting.content
                )
            await sql.drop_suggestion(conn, user_id, today)
        chosen = choose(
            await sql.candidates(conn),
            list(
                _past(
                    await sql.past(conn, user_id, today - timedelta(TASTE_DAYS)),
                    today,
                    runtime.zone,
                )
            ),
            listed,
            seed=f"{user_id}/{today}",
        )
        if chosen is None:
            raise ApiError(AppReason.MISSION_NOT_FOUND)
        mission_id = await sql.suggest(conn, user_id, chosen, day=today, now=now)
        return pb.RecommendMissionResponse(mission_id=str(mission_id), content=chosen.content)


def _past(rows: Sequence[sql.PastSuggestion], today: date, zone: ZoneInfo) -> Iterator[Past]:
    """What was done, and what was suggested on an earlier day and not accepted.

    What is on a list and not done says nothing yet.
    """
    for row in rows:
        if row.completed_at is not None:
            day = row.completed_at.astimezone(zone).date()
            yield Past(row.mission_id, row.category, (today - day).days, done=True)
        elif row.listed_at is None and row.day < today:
            yield Past(row.mission_id, row.category, (today - row.day).days, done=False)
