"""SQL of chats and rounds."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import (
    BigInteger,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import Database, fetch
from core.shop.profile.tables import profiles
from core.shop.recommend.state import COMPLETED, ERROR, IN_PROGRESS, LAST_STEP
from core.shop.recommend.tables import chats, rounds
from core.shop.tenants.sql import Caller
from core.shop.tenants.tables import tenants
from edge import digits

AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round as polls need it."""

    id: uuid.UUID
    round_no: int
    prompt: str
    status: str
    steps_done: int
    last_error: str | None
    results: bytes
    created_at: dt.datetime
    updated_at: dt.datetime
    constraints: str | None  # of its meal, once there is one, as JSON
    age: int | None  # of its shopper


# Goes with a join of the profiles.
_ROUND = [
    rounds.c.id,
    rounds.c.round_no,
    rounds.c.prompt,
    rounds.c.status,
    rounds.c.steps_done,
    rounds.c.last_error,
    rounds.c.results,
    rounds.c.created_at,
    rounds.c.updated_at,
    rounds.c.meal["constraints"].astext.label("constraints"),
    profiles.c.age.label("shopper_age"),
]
_OWNED = and_(
    chats.c.id == bindparam("chat"),
    chats.c.tenant_id == bindparam("tenant"),
    chats.c.api_key_id == bindparam("key"),
    chats.c.profile_id == bindparam("profile"),
)


def _owner(caller: Caller, profile_id: str, chat_id: str) -> dict[str, Any]:
    return {
        "tenant": caller.tenant_id,
        "key": caller.key_id,
        "profile": uuid.UUID(profile_id),
        "chat": uuid.UUID(chat_id),
    }


_PROFILE_EXISTS: Select[Any] = select(literal_column("1")).where(
    profiles.c.tenant_id == bindparam("tenant"), profiles.c.id == bindparam("profile")
)


async def profile_exists(conn: AsyncConnection, caller: Caller, profile_id: str) -> bool:
    """Whether the caller's tenant has the profile."""
    values = {"tenant": caller.tenant_id, "profile": uuid.UUID(profile_id)}
    return await conn.scalar(_PROFILE_EXISTS, values) is not None


# How many of the tenant's rounds are not over, counted as far as the limit. The status is written
# out, because a value could not be seen to be that of the index.
_IN_FLIGHT = (
    select(func.count().label("number"))
    .select_from(
        select(rounds.c.id)
        .where(
            rounds.c.tenant_id == bindparam("tenant"),
            rounds.c.status == literal_column(f"'{IN_PROGRESS}'"),
        )
        .limit(bindparam("most", type_=BigInteger))
        .subquery()
    )
    .cte("in_flight")
)
_BELOW_LIMIT = _IN_FLIGHT.c.number < bindparam("most", type_=BigInteger)
_NEW_ROUND = ["id", "tenant_id", "chat_id", "round_no", "api_key_id", "idempotency_key", "prompt"]


@dataclass(frozen=True, slots=True)
class NewRound:
    """A round just begun, and how many others of its tenant were under way."""

    chat_id: uuid.UUID
    round_id: uuid.UUID
    in_flight: int


# The chat and its first round at once, if the tenant has the profile and is below its limit.
_NEW_CHAT = (
    insert(chats)
    .from_select(
        ["id", "tenant_id", "api_key_id", "profile_id"],
        select(
            bindparam("chat", type_=chats.c.id.type),
            profiles.c.tenant_id,
            bindparam("key", type_=chats.c.api_key_id.type),
            profiles.c.id,
        ).where(
            profiles.c.tenant_id == bindparam("tenant"),
            profiles.c.id == bindparam("profile"),
            _BELOW_LIMIT,
        ),
    )
    .returning(chats.c.id)
    .cte("new_chat")
)
_OPEN_CHAT = (
    insert(rounds)
    .from_select(
        _NEW_ROUND,
        select(
            bindparam("round", type_=rounds.c.id.type),
            bindparam("tenant", type_=rounds.c.tenant_id.type),
            _NEW_CHAT.c.id,
            literal_column("1"),
            bindparam("key", type_=rounds.c.api_key_id.type),
            bindparam("idem", type_=rounds.c.idempotency_key.type),
            bindparam("prompt", type_=rounds.c.prompt.type),
        ),
    )
    .returning(select(_IN_FLIGHT.c.number).scalar_subquery())
)


async def open_chat(
    conn: AsyncConnection,
    caller: Caller,
    profile_id: str,
    prompt: str,
    idempotency_key: str | None,
    most_in_flight: int,
) -> NewRound | None:
    """A new chat and its first round, whose first step is running.

    None: no such profile, or so many rounds of the tenant are under way. Raises
    psycopg.errors.UniqueViolation when the idempotency key was used before.
    """
    chat_id, round_id = uuid.uuid4(), uuid.uuid4()
    opened = await fetch(
        conn,
        _OPEN_CHAT,
        {
            "chat": chat_id,
            "tenant": caller.tenant_id,
            "key": caller.key_id,
            "profile": uuid.UUID(profile_id),
            "round": round_id,
            "idem": idempotency_key,
            "prompt": prompt,
            "most": most_in_flight,
        },
    )
    return NewRound(chat_id, round_id, opened[0][0]) if opened else None


_LOCK_CHAT = select(chats.c.id).where(_OWNED).with_for_update()


async def lock_chat(conn: AsyncConnection, caller: Caller, profile_id: str, chat_id: str) -> bool:
    """Lock the caller's chat until the transaction ends; False when there is no such chat."""
    return bool(await fetch(conn, _LOCK_CHAT, _owner(caller, profile_id, chat_id)))


_ROUND_STATES = (
    select(rounds.c.round_no, rounds.c.status, rounds.c.steps_done)
    .where(rounds.c.chat_id == bindparam("chat"))
    .order_by(rounds.c.round_no)
)


async def round_states(conn: AsyncConnection, chat_id: uuid.UUID) -> Sequence[AnyRow]:
    """round_no, status and steps_done of each round of a chat, first to last."""
    return await fetch(conn, _ROUND_STATES, {"chat": chat_id})


_INSERT_ROUND = (
    insert(rounds)
    .from_select(
        _NEW_ROUND,
        select(
            bindparam("id", type_=rounds.c.id.type),
            bindparam("tenant", type_=rounds.c.tenant_id.type),
            bindparam("chat", type_=rounds.c.chat_id.type),
            bindparam("number", type_=rounds.c.round_no.type),
            bindparam("key", type_=rounds.c.api_key_id.type),
            bindparam("idem", type_=rounds.c.idempotency_key.type),
            bindparam("prompt", type_=rounds.c.prompt.type),
        ).where(_BELOW_LIMIT),
    )
    .returning(select(_IN_FLIGHT.c.number).scalar_subquery())
)


async def insert_round(
    conn: AsyncConnection,
    caller: Caller,
    chat_id: uuid.UUID,
    round_no: int,
    prompt: str,
    idempotency_key: str | None,
    most_in_flight: int,
) -> NewRound | None:
    """Add a round whose first step is running.

    None: so many rounds of the tenant are under way. Raises as open_chat.
    """
    round_id = uuid.uuid4()
    inserted = await fetch(
        conn,
        _INSERT_ROUND,
        {
            "id": round_id,
            "tenant": caller.tenant_id,
            "chat": chat_id,
            "number": round_no,
            "key": caller.key_id,
            "idem": idempotency_key,
            "prompt": prompt,
            "most": most_in_flight,
        },
    )
    return NewRound(chat_id, round_id, inserted[0][0]) if inserted else None


_BY_IDEMPOTENCY_KEY = (
    select(
        rounds.c.id,
        rounds.c.chat_id,
        rounds.c.prompt,
        rounds.c.round_no,
        chats.c.profile_id,
    )
    .join(chats, chats.c.id == rounds.c.chat_id)
    .where(rounds.c.api_key_id == bindparam("key"), rounds.c.idempotency_key == bindparam("idem"))
)


async def round_by_idempotency_key(
    conn: AsyncConnection, caller: Caller, key: str
) -> AnyRow | None:
    """id, chat_id, prompt, round_no and profile_id of the round the key started."""
    values = {"key": caller.key_id, "idem": key}
    return (await conn.execute(_BY_IDEMPOTENCY_KEY, values)).first()


_CHAT = (
    select(
        chats.c.created_at.label("chat_created_at"),
        profiles.c.name,
        profiles.c.gender,
        profiles.c.age,
        profiles.c.locale,
        *_ROUND,
    )
    .join(
        profiles,
        and_(profiles.c.tenant_id == chats.c.tenant_id, profiles.c.id == chats.c.profile_id),
    )
    .join(rounds, rounds.c.chat_id == chats.c.id)
    .where(_OWNED)
    .order_by(rounds.c.round_no)
)


async def read_chat(
    database: Database, caller: Caller, profile_id: str, chat_id: str
) -> Sequence[AnyRow]:
    """A row a round, each with the chat's and the profile's columns; none: no such chat."""
    return await database.fetch(_CHAT, _owner(caller, profile_id, chat_id))


_OWNED_ROUND = (
    select(*_ROUND)
    .join(chats, chats.c.id == rounds.c.chat_id)
    .join(
        profiles,
        and_(profiles.c.tenant_id == chats.c.tenant_id, profiles.c.id == chats.c.profile_id),
    )
    .where(_OWNED, rounds.c.id == bindparam("round"))
)


async def read_round(
    database: Database, caller: Caller, profile_id: str, chat_id: str, round_id: str
) -> RoundRow | None:
    """One round of the caller's chat."""
    values = {**_owner(caller, profile_id, chat_id), "round": uuid.UUID(round_id)}
    rows = await database.fetch(_OWNED_ROUND, values)
    return RoundRow(*rows[0]) if rows else None


_OWNED_RESULTS = (
    select(rounds.c.results, rounds.c.analyst_comments)
    .join(chats, chats.c.id == rounds.c.chat_id)
    .where(_OWNED, rounds.c.id == bindparam("round"))
)


async def read_results(
    database: Database, caller: Caller, profile_id: str, chat_id: str, round_id: str
) -> AnyRow | None:
    """results and analyst_comments of one round of the caller's chat, as they are now."""
    values = {**_owner(caller, profile_id, chat_id), "round": uuid.UUID(round_id)}
    rows = await database.fetch(_OWNED_RESULTS, values)
    return rows[0] if rows else None


_LISTED = and_(
    chats.c.tenant_id == bindparam("tenant"),
    chats.c.api_key_id == bindparam("key"),
    chats.c.profile_id == bindparam("profile"),
)
_COUNT_CHATS = select(func.count()).select_from(chats).where(_LISTED)


async def list_chats(
    conn: AsyncConnection, caller: Caller, profile_id: str, *, page: int, limit: int, order: str
) -> tuple[int, Sequence[AnyRow]]:
    """How many chats there are, and id, created_at and round ids (in order) of a page of them."""
    values = {
        "tenant": caller.tenant_id,
        "key": caller.key_id,
        "profile": uuid.UUID(profile_id),
    }
    total = await conn.scalar(_COUNT_CHATS, values) or 0
    direction = (
        (chats.c.created_at.asc(), chats.c.id.asc())
        if order == "asc"
        else (chats.c.created_at.desc(), chats.c.id.desc())
    )
    of_page = (
        select(chats.c.id, chats.c.created_at)
        .where(_LISTED)
        .order_by(*direction)
        .limit(limit)
        .offset(page * limit)
        .cte("of_page")
    )
    ordered = [
        column.asc() if order == "asc" else column.desc()
        for column in (of_page.c.created_at, of_page.c.id)
    ]
    round_ids = (
        select(func.array_agg(aggregate_order_by(rounds.c.id, rounds.c.round_no)))
        .select_from(rounds)
        .where(rounds.c.chat_id == of_page.c.id)
        .scalar_subquery()
    )
    page_query = select(of_page.c.id, of_page.c.created_at, round_ids.label("round_ids")).order_by(
        *ordered
    )
    return total, (await conn.execute(page_query, values)).all()


_WORK = (
    select(
        rounds.c.chat_id,
        rounds.c.round_no,
        rounds.c.prompt,
        rounds.c.status,
        rounds.c.steps_done,
        rounds.c.meal,
        rounds.c.results,
        chats.c.tenant_id,
        tenants.c.locale.label("tenant_locale"),
        profiles.c.name,
        profiles.c.gender,
        profiles.c.age,
        profiles.c.locale,
        profiles.c.persona,
        profiles.c.extra,
    )
    .join(chats, chats.c.id == rounds.c.chat_id)
    .join(tenants, tenants.c.id == chats.c.tenant_id)
    .join(
        profiles,
        and_(profiles.c.tenant_id == chats.c.tenant_id, profiles.c.id == chats.c.profile_id),
    )
    .where(rounds.c.id == bindparam("round"))
)


async def read_work(database: Database, round_id: uuid.UUID) -> AnyRow | None:
    """All that a step needs to know of its round."""
    rows = await database.fetch(_WORK, {"round": round_id})
    return rows[0] if rows else None


_HISTORY = (
    select(rounds.c.prompt, rounds.c.meal)
    .where(
        rounds.c.chat_id == bindparam("chat"),
        rounds.c.round_no < bindparam("before"),
        rounds.c.meal.is_not(None),
    )
    .order_by(rounds.c.round_no)
)


async def read_history(conn: AsyncConnection, chat_id: uuid.UUID, before: int) -> Sequence[AnyRow]:
    """prompt and meal of the chat's earlier rounds that have a meal, first to last."""
    return (await conn.execute(_HISTORY, {"chat": chat_id, "before": before})).all()


_FENCE = and_(
    rounds.c.id == bindparam("b_round"),
    rounds.c.steps_done == bindparam("b_step") - 1,
    rounds.c.status == IN_PROGRESS,
)
_SAVE_STEP = (
    update(rounds)
    .where(_FENCE)
    .values(
        steps_done=bindparam("b_step"),
        status=bindparam("b_status"),
        meal=func.coalesce(bindparam("b_meal", type_=rounds.c.meal.type), rounds.c.meal),
        results=rounds.c.results.op("||")(bindparam("b_part")),
        analyst_comments=rounds.c.analyst_comments.op("||")(
            bindparam("b_comments", type_=rounds.c.analyst_comments.type)
        ),
        updated_at=func.now(),
    )
    .returning(rounds.c.id)
)


async def save_step(
    conn: AsyncConnection,
    round_id: uuid.UUID,
    step: int,
    *,
    part: bytes,
    meal: dict[str, Any] | None,
    analyst_comments: dict[str, str],
) -> bool:
    """Persist a step's result, unless it is persisted already or the round is over."""
    saved = await fetch(
        conn,
        _SAVE_STEP,
        {
            "b_round": round_id,
            "b_step": step,
            "b_status": COMPLETED if step == LAST_STEP else IN_PROGRESS,
            "b_meal": None if meal is None else Jsonb(meal, digits.dumps),
            "b_part": part,
            "b_comments": Jsonb(analyst_comments, digits.dumps),
        },
    )
    return bool(saved)


_FAIL = (
    update(rounds)
    .where(_FENCE)
    .values(status=ERROR, last_error=bindparam("b_error"), updated_at=func.now())
)


async def fail_round(conn: AsyncConnection, round_id: uuid.UUID, step: int, error: str) -> bool:
    """End a round in error at a step, unless that step is persisted or the round is over."""
    values = {"b_round": round_id, "b_step": step, "b_error": error}
    return (await conn.execute(_FAIL, values)).rowcount == 1
