"""StartRound: open a chat or add a follow-up, and put its first step on the queue."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason
from psycopg.errors import UniqueViolation

from core.platform.database import Connection, Database, Reader
from core.platform.finish import finish
from core.platform.idempotency import check_key, used_for_another_request
from core.shop.recommend import sql
from core.shop.recommend.pipeline import Pipeline
from core.shop.recommend.state import ERROR, MAX_FOLLOW_UPS, holds_chat
from core.shop.tenants.sql import Caller, spend_credit
from edge import ApiError
from edge.v1 import annotations_pb2 as rest


@dataclass(frozen=True, slots=True)
class StartRound:
    """What the caller asks for: a follow-up in a chat, or a new chat where `chat_id` is None.

    Ids are well-formed UUIDs, the prompt is within its bounds.
    """

    profile_id: str
    chat_id: str | None
    prompt: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Started:
    """The round that was started, and its chat."""

    chat_id: uuid.UUID
    round_id: uuid.UUID


# How many rounds of a tenant may be under way where the caller does not say.
MOST_IN_FLIGHT = 5000
# A tenant that has too many under way is told to come back when some of them are over.
FULL_RETRY_SECONDS = 5


async def start_round(
    database: Database,
    pipeline: Pipeline,
    caller: Caller,
    command: StartRound,
    *,
    most_in_flight: int = MOST_IN_FLIGHT,
) -> Started:
    """Start a round: chat, credit, round and job in one transaction.

    Raises NOT_FOUND, PRIOR_ROUND_IN_FLIGHT, REFINEMENT_CAP_EXCEEDED, RATE_LIMITED when
    `most_in_flight` rounds of the tenant are under way (calls at the same moment may pass it by
    as many), INSUFFICIENT_CREDIT, and INVALID_REQUEST for an idempotency key that stands for
    another request; in that order, and then nothing has happened.
    """
    check_key(command.idempotency_key)
    started = _start(database, pipeline, caller, command, most_in_flight=most_in_flight)
    return await finish(started)


async def _start(
    database: Database,
    pipeline: Pipeline,
    caller: Caller,
    command: StartRound,
    *,
    most_in_flight: int,
) -> Started:
    try:
        async with database.begin() as conn:
            return await _in_transaction(
                conn, pipeline, caller, command, most_in_flight=most_in_flight
            )
    except UniqueViolation:
        # The idempotency key was used before.
        if command.idempotency_key is None:
            raise
        first = await _first_answer(database, caller, command)
        if first is None:
            raise
        return first


async def _in_transaction(
    conn: Connection,
    pipeline: Pipeline,
    caller: Caller,
    command: StartRound,
    *,
    most_in_flight: int,
) -> Started:
    if command.chat_id is None:
        new = await sql.open_chat(
            conn,
            caller,
            command.profile_id,
            prompt=command.prompt,
            idempotency_key=command.idempotency_key,
            most_in_flight=most_in_flight,
        )
        if new is None:
            if not await sql.profile_exists(conn, caller, command.profile_id):
                raise ApiError(SdkReason.NOT_FOUND, "There is no such profile.")
            if (first := await _first_answer(conn, caller, command)) is not None:
                return first
    else:
        if not await sql.lock_chat(conn, caller, command.profile_id, command.chat_id):
            raise ApiError(SdkReason.NOT_FOUND, "There is no such chat.")
        if (first := await _first_answer(conn, caller, command)) is not None:
            return first
        chat_id = uuid.UUID(command.chat_id)
        round_no = await _next_round_no(conn, chat_id)
        new = await sql.insert_round(
            conn,
            caller,
            chat_id,
            round_no,
            prompt=command.prompt,
            idempotency_key=command.idempotency_key,
            most_in_flight=most_in_flight,
        )
    if new is None:
        raise ApiError(
            rest.CONDITION_RATE_LIMITED,
            "Too many rounds are under way.",
            retry_after=FULL_RETRY_SECONDS,
        )
    await pipeline.defer(conn, new.round_id, step=1, in_flight=new.in_flight)
    # Last, because all rounds of a tenant wait for this row until the transaction ends.
    if not await spend_credit(conn, caller.tenant_id, new.round_id):
        raise ApiError(SdkReason.INSUFFICIENT_CREDIT)
    return Started(new.chat_id, new.round_id)


async def _next_round_no(conn: Connection, chat_id: uuid.UUID) -> int:
    states = await sql.round_states(conn, chat_id)
    latest = states[-1]
    if holds_chat(latest.status, latest.steps_done):
        raise ApiError(SdkReason.PRIOR_ROUND_IN_FLIGHT)
    if sum(state.status != ERROR for state in states if state.round_no > 1) >= MAX_FOLLOW_UPS:
        raise ApiError(SdkReason.REFINEMENT_CAP_EXCEEDED)
    return int(latest.round_no) + 1


async def _first_answer(reader: Reader, caller: Caller, command: StartRound) -> Started | None:
    """Return what the idempotency key was answered before; None when it is new, or not given."""
    if command.idempotency_key is None:
        return None
    row = await sql.round_by_idempotency_key(reader, caller, command.idempotency_key)
    if row is None:
        return None
    # A request without a chat_id opened the chat it was answered with: its round is the first.
    asked_chat = row.chat_id if row.round_no > 1 else None
    if (
        (command.chat_id and uuid.UUID(command.chat_id)) != asked_chat
        or row.prompt != command.prompt
        or row.profile_id != uuid.UUID(command.profile_id)
    ):
        raise used_for_another_request()
    return Started(row.chat_id, row.id)
