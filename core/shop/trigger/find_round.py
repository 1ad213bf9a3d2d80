"""The round that a trigger is about, as it is now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason
from onegenie.recommend.v1 import recommend_pb2 as recommend

from core.platform.database import Database
from core.shop.recommend.sql import read_results
from core.shop.tenants.sql import Caller
from edge import ApiError


@dataclass(frozen=True, slots=True)
class RoundIds:
    """What names a round: UUIDs, as the caller wrote them."""

    profile_id: str
    chat_id: str
    round_id: str


@dataclass(frozen=True, slots=True)
class RoundNow:
    """What a trigger needs of its round.

    results: the message that the round is stored as.
    analyst_comments: why each item is there, by rec_id.
    """

    profile_id: uuid.UUID
    chat_id: uuid.UUID
    round_id: uuid.UUID
    results: recommend.Round
    analyst_comments: dict[str, str]


async def find_round(database: Database, caller: Caller, ids: RoundIds) -> RoundNow:
    """Return the caller's round of these ids. Raises NOT_FOUND."""
    names = (ids.profile_id, ids.chat_id, ids.round_id)
    row = await read_results(database, caller, *names)
    if row is None:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such round.")
    results = recommend.Round.FromString(row.results)
    profile_id, chat_id, round_id = map(uuid.UUID, names)
    return RoundNow(
        profile_id=profile_id,
        chat_id=chat_id,
        round_id=round_id,
        results=results,
        analyst_comments=row.analyst_comments,
    )
