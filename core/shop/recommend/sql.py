"""SQL of chats and rounds."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    asc,
    bindparam,
    desc,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.platform.database import Connection, Query, Reader, Statement
from core.shop.profile.tables import profiles
from core.shop.recommend.state import COMPLETED, ERROR, IN_PROGRESS, LAST_STEP
from core.shop.recommend.tables import chats, rounds
from core.shop.tenants.sql import Caller
from core.shop.tenants.tables import tenants


@dataclass(frozen=True, slots=True)
class RoundIds:
    """Where a round is: its profile, its chat, and the round itself, each a UUID."""

    profile_id: str
    chat_id: str
    round_id: str


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


@dataclass(frozen=True, slots=True)
class ChatRoundRow(RoundRow):
    """A round with what there is to say of its chat and its shopper."""

    chat_created_at: dt.datetime
    name: str | None
    gender: str | None
    locale: str | None


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
    profiles.c.age,
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


_PROFILE = Query(
    select(profiles.c.id).where(
        profiles.c.tenant_id == bindparam("tenant"), profiles.c.id == bindparam("profile")
    ),
    uuid.UUID,
)


async def profile_exists(reader: Reader, caller: Caller, profile_id: str) -> bool:
    """Tell whether the caller's tenant has the profile."""
    profile = uuid.UUID(profile_id)
    return await reader.first(_PROFILE, tenant=caller.tenant_id, profile=profile) is not None


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
_OPEN_CHAT = Query(
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
    .returning(select(_IN_FLIGHT.c.number).scalar_subquery()),
    int,
)


async def open_chat(
    conn: Connection,
    caller: Caller,
    profile_id: str,
    *,
    prompt: str,
    idempotency_key: str | None,
    most_in_flight: int,
) -> NewRound | None:
    """Insert a chat and its first round, whose first step is running.

    Return None when there is no such profile, or when `most_in_flight` rounds of the tenant are
    under way. Raises psycopg.errors.UniqueViolation when the idempotency key was used before.
    """
    chat_id, round_id = uuid.uuid4(), uuid.uuid4()
    in_flight = await conn.first(
        _OPEN_CHAT,
        chat=chat_id,
        tenant=caller.tenant_id,
        key=caller.key_id,
        profile=uuid.UUID(profile_id),
        round=round_id,
        idem=idempotency_key,
        prompt=prompt,
        most=most_in_flight,
    )
    return None if in_flight is None else NewRound(chat_id, round_id, in_flight)


_LOCK_CHAT = Query(select(chats.c.id).where(_OWNED).with_for_update(), uuid.UUID)


async def lock_chat(conn: Connection, caller: Caller, profile_id: str, chat_id: str) -> bool:
    """Lock the caller's chat until the transaction ends; False when there is no such chat."""
    return await conn.first(_LOCK_CHAT, **_owner(caller, profile_id, chat_id)) is not None


@dataclass(frozen=True, slots=True)
class RoundState:
    """How far a round of a chat is."""

    round_no: int
    status: str
    steps_done: int


_ROUND_STATES = Query(
    select(rounds.c.round_no, rounds.c.status, rounds.c.steps_done)
    .where(rounds.c.chat_id == bindparam("chat"))
    .order_by(rounds.c.round_no),
    RoundState,
)


async def round_states(conn: Connection, chat_id: uuid.UUID) -> list[RoundState]:
    """Read the state of each round of a chat, first to last."""
    return await conn.all(_ROUND_STATES, chat=chat_id)


_INSERT_ROUND = Query(
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
    .returning(select(_IN_FLIGHT.c.number).scalar_subquery()),
    int,
)


async def insert_round(
    conn: Connection,
    caller: Caller,
    chat_id: uuid.UUID,
    round_no: int,
    *,
    prompt: str,
    idempotency_key: str | None,
    most_in_flight: int,
) -> NewRound | None:
    """Insert a round whose first step is running.

    Return None when `most_in_flight` rounds of the tenant are under way. Raises as open_chat.
    """
    round_id = uuid.uuid4()
    in_flight = await conn.first(
        _INSERT_ROUND,
        id=round_id,
        tenant=caller.tenant_id,
        chat=chat_id,
        number=round_no,
        key=caller.key_id,
        idem=idempotency_key,
        prompt=prompt,
        most=most_in_flight,
    )
    return None if in_flight is None else NewRound(chat_id, round_id, in_flight)


@dataclass(frozen=True, slots=True)
class StartedRound:
    """A round that an idempotency key has started, and what for."""

    id: uuid.UUID
    chat_id: uuid.UUID
    prompt: str
    round_no: int
    profile_id: uuid.UUID


_BY_IDEMPOTENCY_KEY = Query(
    select(
        rounds.c.id,
        rounds.c.chat_id,
        rounds.c.prompt,
        rounds.c.round_no,
        chats.c.profile_id,
    )
    .join(chats, chats.c.id == rounds.c.chat_id)
    .where(rounds.c.api_key_id == bindparam("key"), rounds.c.idempotency_key == bindparam("idem")),
    StartedRound,
)


async def round_by_idempotency_key(reader: Reader, caller: Caller, key: str) -> StartedRound | None:
    """Read the round that the caller's key started under an idempotency key."""
    return await reader.first(_BY_IDEMPOTENCY_KEY, key=caller.key_id, idem=key)


_CHAT = Query(
    select(
        *_ROUND,
        chats.c.created_at.label("chat_created_at"),
        profiles.c.name,
        profiles.c.gender,
        profiles.c.locale,
    )
    .join(
        profiles,
        and_(profiles.c.tenant_id == chats.c.tenant_id, profiles.c.id == chats.c.profile_id),
    )
    .join(rounds, rounds.c.chat_id == chats.c.id)
    .where(_OWNED)
    .order_by(rounds.c.round_no),
    ChatRoundRow,
)


async def read_chat(
    reader: Reader, caller: Caller, profile_id: str, chat_id: str
) -> list[ChatRoundRow]:
    """Read the chat's rounds, first to last; none when there is no such chat."""
    return await reader.all(_CHAT, **_owner(caller, profile_id, chat_id))


_OWNED_ROUND = Query(
    select(*_ROUND)
    .join(chats, chats.c.id == rounds.c.chat_id)
    .join(
        profiles,
        and_(profiles.c.tenant_id == chats.c.tenant_id, profiles.c.id == chats.c.profile_id),
    )
    .where(_OWNED, rounds.c.id == bindparam("round")),
    RoundRow,
)


async def read_round(reader: Reader, caller: Caller, ids: RoundIds) -> RoundRow | None:
    """Read one round of the caller's chat."""
    owner = _owner(caller, ids.profile_id, ids.chat_id)
    return await reader.first(_OWNED_ROUND, round=uuid.UUID(ids.round_id), **owner)


@dataclass(frozen=True, slots=True)
class Results:
    """What a round has so far: serialised Round parts, and by rec_id why each item is there."""

    results: bytes
    analyst_comments: dict[str, str]


_OWNED_RESULTS = Query(
    select(rounds.c.results, rounds.c.analyst_comments)
    .join(chats, chats.c.id == rounds.c.chat_id)
    .where(_OWNED, rounds.c.id == bindparam("round")),
    Results,
)


async def read_results(
    reader: Reader, caller: Caller, profile_id: str, chat_id: str, round_id: str
) -> Results | None:
    """Read the results of one round of the caller's chat, as they are now."""
    owner = _owner(caller, profile_id, chat_id)
    return await reader.first(_OWNED_RESULTS, round=uuid.UUID(round_id), **owner)


_LISTED = and_(
    chats.c.tenant_id == bindparam("tenant"),
    chats.c.api_key_id == bindparam("key"),
    chats.c.profile_id == bindparam("profile"),
)
_COUNT_CHATS = Query(select(func.count()).select_from(chats).where(_LISTED), int)


@dataclass(frozen=True, slots=True)
class ListedChat:
    """A chat as lists have it, with its rounds in order."""

    id: uuid.UUID
    created_at: dt.datetime
    round_ids: list[uuid.UUID]


def _page(order: Callable[[ColumnElement[Any]], ColumnElement[Any]]) -> Select[Any]:
    of_page = (
        select(chats.c.id, chats.c.created_at)
        .where(_LISTED)
        .order_by(order(chats.c.created_at), order(chats.c.id))
        .limit(bindparam("limit", type_=BigInteger))
        .offset(bindparam("offset", type_=BigInteger))
        .cte("of_page")
    )
    round_ids = (
        select(func.array_agg(aggregate_order_by(rounds.c.id, rounds.c.round_no)))
        .select_from(rounds)
        .where(rounds.c.chat_id == of_page.c.id)
        .scalar_subquery()
    )
    return select(of_page.c.id, of_page.c.created_at, round_ids.label("round_ids")).order_by(
        order(of_page.c.created_at), order(of_page.c.id)
    )


_PAGES = {"asc": Query(_page(asc), ListedChat), "desc": Query(_page(desc), ListedChat)}


async def list_chats(
    reader: Reader, caller: Caller, profile_id: str, *, page: int, limit: int, order: str
) -> tuple[int, list[ListedChat]]:
    """Read how many chats there are, and a page of them. order: by age, "asc" or "desc"."""
    values = {
        "tenant": caller.tenant_id,
        "key": caller.key_id,
        "profile": uuid.UUID(profile_id),
    }
    total = await reader.one(_COUNT_CHATS, **values)
    return total, await reader.all(_PAGES[order], limit=limit, offset=page * limit, **values)


@dataclass(frozen=True, slots=True)
class Work:
    """All that a step needs to know of its round."""

    chat_id: uuid.UUID
    round_no: int
    prompt: str
    status: str
    steps_done: int
    meal: dict[str, Any] | None
    results: bytes
    tenant_id: uuid.UUID
    tenant_locale: str
    name: str | None
    gender: str | None
    age: int | None
    locale: str | None
    persona: str | None
    extra: dict[str, Any] | None


_WORK = Query(
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
    .where(rounds.c.id == bindparam("round")),
    Work,
)


async def read_work(reader: Reader, round_id: uuid.UUID) -> Work | None:
    """Read all that a step needs to know of its round."""
    return await reader.first(_WORK, round=round_id)


@dataclass(frozen=True, slots=True)
class EarlierTurn:
    """What was asked for in an earlier round of a chat, and the meal it was given."""

    prompt: str
    meal: dict[str, Any]


_HISTORY = Query(
    select(rounds.c.prompt, rounds.c.meal)
    .where(
        rounds.c.chat_id == bindparam("chat"),
        rounds.c.round_no < bindparam("before"),
        rounds.c.meal.is_not(None),
    )
    .order_by(rounds.c.round_no),
    EarlierTurn,
)


async def read_history(reader: Reader, chat_id: uuid.UUID, before: int) -> list[EarlierTurn]:
    """Read the chat's earlier rounds that have a meal, first to last."""
    return await reader.all(_HISTORY, chat=chat_id, before=before)


_FENCE = and_(
    rounds.c.id == bindparam("b_round"),
    rounds.c.steps_done == bindparam("b_step") - 1,
    rounds.c.status == IN_PROGRESS,
)
_SAVE_STEP = Statement(
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
)


async def save_step(
    conn: Connection,
    round_id: uuid.UUID,
    step: int,
    *,
    part: bytes,
    meal: dict[str, Any] | None,
    analyst_comments: dict[str, str],
) -> bool:
    """Save a step's result; False when it is saved already or the round is over."""
    saved = await conn.run(
        _SAVE_STEP,
        b_round=round_id,
        b_step=step,
        b_status=COMPLETED if step == LAST_STEP else IN_PROGRESS,
        b_meal=meal,
        b_part=part,
        b_comments=analyst_comments,
    )
    return saved == 1


_FAIL = Statement(
    update(rounds)
    .where(_FENCE)
    .values(status=ERROR, last_error=bindparam("b_error"), updated_at=func.now())
)


async def fail_round(conn: Connection, round_id: uuid.UUID, step: int, error: str) -> bool:
    """End a round in error at a step; False when that step is saved or the round is over."""
    return await conn.run(_FAIL, b_round=round_id, b_step=step, b_error=error) == 1
