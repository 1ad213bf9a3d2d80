"""What the triggers share: finding the round, and doing a call's work once."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message
from onegenie.error.v1.reasons import SdkReason
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.trigger.v1 import trigger_pb2 as pb

from core.platform.database import Connection, Database
from core.platform.idempotency import used_for_another_request
from core.shop.recommend.sql import read_results
from core.shop.tenants.sql import Caller
from core.shop.trigger import sql
from edge.reply.errors import ApiError

Request = pb.TriggerSignageRequest | pb.TriggerCouponRequest | pb.TriggerRecommendRequest
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class RoundNow:
    """What a trigger needs of its round, as it is now.

    analyst_comments: why each item is there, by rec_id.
    """

    profile_id: uuid.UUID
    chat_id: uuid.UUID
    round_id: uuid.UUID
    results: recommend.Round
    analyst_comments: dict[str, str]


async def find_round(database: Database, caller: Caller, request: Request) -> RoundNow:
    """The caller's round that the request names. Raises NOT_FOUND."""
    ids = (request.profile_id, request.chat_id, request.round_id)
    row = await read_results(database, caller, *ids)
    if row is None:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such round.")
    results = recommend.Round.FromString(row.results)
    profile_id, chat_id, round_id = (uuid.UUID(one) for one in ids)
    return RoundNow(profile_id, chat_id, round_id, results, row.analyst_comments)


async def once(
    database: Database,
    caller: Caller,
    key: str | None,
    request: Request,
    response: Response,
    work: Callable[[Connection], Awaitable[None]],
) -> Response:
    """Do `work` in one transaction and answer `response`.

    When the idempotency key was used before, nothing is done and the answer is the first one.
    Raises INVALID_REQUEST when it was used for another request.
    """
    async with database.begin() as conn:
        if key is not None:
            digest = sql.request_digest(request)
            first = await sql.remember_call(
                conn, caller.key_id, key, digest, response.SerializeToString()
            )
            if first is not None:
                if first.request != digest:
                    raise used_for_another_request()
                return type(response).FromString(first.response)
        await work(conn)
    return response


def new_id(prefix: str) -> str:
    """A new id such as evt_…: 26 characters of base 32, from a random UUID."""
    return prefix + base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower()
