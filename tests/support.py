"""What tests share: a core in this process, callers, and a meal engine that does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from onegenie.media.v1 import media_pb2
from onegenie.profile.v1 import profile_pb2 as profile
from onegenie.profile.v1 import profile_pb2_grpc as profile_grpc
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.recommend.v1 import recommend_pb2_grpc as pb_grpc
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from core.app.wire import serve
from core.platform.clock import Clock, utc_now
from core.platform.database import Connection, Database, sqlalchemy_url
from core.platform.runtime import Runtime
from core.platform.settings import Settings
from core.platform.signing import Signer
from core.room.accounts.tables import auth_sessions, users
from core.room.accounts.tokens import User, make_access_token
from core.room.vision.port import RoomVision
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.meal.models import Constraints, Meal, MealIngredient, MealRequest, Text
from core.shop.meal.port import MealEngine
from core.shop.recommend import coupon_spots
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.issue_key import IssueKey, issue_key
from core.shop.tenants.sql import KeyKind, create_tenant
from core.shop.trigger import known_signage
from edge import digits
from edge.serve import server as platform_server


def plain_meal(request: MealRequest) -> Meal:
    """A meal of tofu and napa cabbage that repeats what was asked."""
    block, head = Text(ko="모", en="block", ja="丁"), Text(ko="포기", en="head", ja="玉")
    return Meal(
        dish=None,
        recipe_title=f"{request.language}: {request.prompt}"[:100],
        intro_message=f"round {len(request.history) + 1}",
        recipe_description="A stew.",
        recommendation_message=request.shopper.persona or "",
        servings=2,
        minutes=20,
        ingredients=(
            MealIngredient(
                key="tofu",
                name=Text(ko="두부", en="tofu", ja="豆腐"),
                category="Pantry",
                quantity=1,
                unit=block,
            ),
            MealIngredient(
                key=None,
                name=Text(ko="용의 비늘", en="dragon scale", ja="竜の鱗"),
                category="Pantry",
                quantity=0.25,
                unit=head,
            ),
        ),
        constraints=Constraints(),
    )


class ScriptedEngine:
    """A meal engine that waits, fails or answers as a test says. Keeps what it was asked."""

    def __init__(self, answer: Callable[[MealRequest], Meal] = plain_meal) -> None:
        self.answer = answer
        self.asked: list[MealRequest] = []
        self.open = asyncio.Event()
        self.open.set()

    async def suggest(self, request: MealRequest) -> Meal:
        self.asked.append(request)
        await self.open.wait()
        return self.answer(request)

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Shopper:
    """A caller with a key and a profile."""

    channel: grpc.aio.Channel
    secret: str
    profile_id: str
    tenant_id: uuid.UUID

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.secret}"),)

    @property
    def rounds(self) -> pb_grpc.RecommendServiceAsyncStub:
        return pb_grpc.RecommendServiceStub(self.channel)  # type: ignore[return-value]

    async def start(
        self, prompt: str = "카레", chat_id: str | None = None, key: str | None = None
    ) -> pb.StartRoundResponse:
        metadata = self.metadata + ((("idempotency-key", key),) if key else ())
        return await self.rounds.StartRound(
            pb.StartRoundRequest(profile_id=self.profile_id, prompt=prompt, chat_id=chat_id),
            metadata=metadata,
            timeout=20,
        )

    def watch(
        self, started: pb.StartRoundResponse, after_version: int | None = None
    ) -> grpc.aio.UnaryStreamCall:
        return self.rounds.WatchRound(
            pb.WatchRoundRequest(
                profile_id=self.profile_id,
                chat_id=started.chat_id,
                round_id=started.round_id,
                after_version=after_version,
            ),
            metadata=self.metadata,
            timeout=60,
        )

    async def finish(self, started: pb.StartRoundResponse) -> pb.Round:
        """The round once it is over."""
        last = pb.Round()
        async for state in self.watch(started):
            last = state.round
        return last

    async def get_round(self, started: pb.StartRoundResponse) -> pb.Round:
        response = await self.rounds.GetRound(
            pb.GetRoundRequest(
                profile_id=self.profile_id, chat_id=started.chat_id, round_id=started.round_id
            ),
            metadata=self.metadata,
            timeout=20,
        )
        return response.round

    async def get_chat(self, chat_id: str) -> pb.Chat:
        response = await self.rounds.GetChat(
            pb.GetChatRequest(profile_id=self.profile_id, chat_id=chat_id),
            metadata=self.metadata,
            timeout=20,
        )
        return response.chat


# There is no proxy in front of these cores that would need time to turn away.
platform_server.DRAIN_SECONDS = 0.0
# What is left out when the store takes longer is not left out because the machine is busy.
coupon_spots.COUPON_SPOT_SECONDS = known_signage.SIGNAGE_SECONDS = 10.0

STORE = Path(__file__).parent / "data" / "store"


async def create_key(
    conn: Connection,
    tenant_id: uuid.UUID,
    kind: KeyKind,
    name: str,
    signage_id: str | None = None,
    *,
    created_by: uuid.UUID | None = None,
) -> tuple[uuid.UUID, str]:
    """A new key's id and secret."""
    wanted = IssueKey(tenant_id, kind, name, signage_id=signage_id, created_by=created_by)
    issued = await issue_key(conn, wanted)
    return issued.id, issued.secret


async def make_shopper(
    database: Database,
    channel: grpc.aio.Channel,
    *,
    credits: int = 100,
    locale: str = "ko",
    **fields: object,
) -> Shopper:
    """A tenant with a small store, an SDK key, credit and a profile."""
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, f"tenant {uuid.uuid4()}", locale)
        _, secret = await create_key(conn, tenant_id, "sdk", "test")
        if credits:
            await grant_credit(conn, GrantCredit(tenant_id, credits))
        await import_catalogue(conn, ImportCatalogue(tenant_id, STORE))
    return await add_profile(Shopper(channel, secret, "", tenant_id), **fields)


async def add_profile(shopper: Shopper, **fields: object) -> Shopper:
    """The same caller with a new profile."""
    profile_id = str(uuid.uuid4())
    await profile_grpc.ProfileServiceStub(shopper.channel).PutProfile(
        profile.PutProfileRequest(profile_id=profile_id, **fields),  # type: ignore[arg-type]
        metadata=shopper.metadata,
        timeout=20,
    )
    return Shopper(shopper.channel, shopper.secret, profile_id, shopper.tenant_id)


# Signs access tokens of the cores in this process, and those that tests make themselves.
_keys = tempfile.TemporaryDirectory(prefix="og-keys-")
TOKEN_KEYS = Path(_keys.name) / "token-keys.json"


@dataclass
class Person:
    """A signed-in user of the app."""

    channel: grpc.aio.Channel
    id: uuid.UUID
    name: str
    access_token: str

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.access_token}"),)


async def make_person(
    database: Database,
    channel: grpc.aio.Channel,
    name: str = "테스트유저",
    keys: Path = TOKEN_KEYS,
    **columns: object,
) -> Person:
    """A user with a session on one device. `columns` are those of the row in `users`, `keys` signs
    the token."""
    user_id, session_id, now = uuid.uuid4(), uuid.uuid4(), utc_now()
    row: dict[str, object] = {
        "id": user_id,
        "phone": f"+8210{user_id.int % 10**8:08}",
        "name": name,
        "created_at": now,
    }
    async with tables(database) as conn:
        await conn.execute(insert(users).values(row | columns))
        await conn.execute(
            insert(auth_sessions).values(
                id=session_id,
                user_id=user_id,
                device_id="device",
                provider="ios",
                created_at=now,
                refreshed_at=now,
            )
        )
    token = make_access_token(
        Signer(keys, utc_now), User(user_id, session_id), now + timedelta(days=3650)
    )
    return Person(channel, user_id, name, token)


@contextlib.asynccontextmanager
async def running_core(
    database_url: str,
    engine: MealEngine | None = None,
    clock: Clock = utc_now,
    vision: RoomVision | None = None,
    **changes: object,
) -> AsyncIterator[grpc.aio.Channel]:
    """A core in this process on a Unix socket, and a channel to it. `changes` are settings.

    The channel takes and gives messages as large as the core does.
    """
    with tempfile.TemporaryDirectory(prefix="og-") as directory:
        address = f"unix:{directory}/core.sock"
        given = {"workers": 1, "data_dir": Path(directory), "token_keys": TOKEN_KEYS} | changes
        Signer(TOKEN_KEYS, utc_now)  # makes the file
        settings = Settings(**given)  # type: ignore[arg-type]
        options = [("grpc.max_receive_message_length", platform_server.MAX_MESSAGE_BYTES)]
        async with (
            serve(settings, database_url, address, engine, clock, vision),
            grpc.aio.insecure_channel(address, options=options) as channel,
        ):
            yield channel


def asked_for(link: str) -> media_pb2.GetMediaRequest:
    """The request that a link to a picture stands for."""
    file_id, _, token = link.rpartition("/media/")[2].partition("?token=")
    return media_pb2.GetMediaRequest(file_id=file_id, token=token)


def make_runtime(**given: Any) -> Runtime:
    """A Runtime that has what is given, and default settings, and nothing else."""
    nothing: dict[str, Any] = {each.name: None for each in fields(Runtime)}
    nothing |= {"settings": Settings(), "clock": utc_now, "stopping": asyncio.Event()}
    return Runtime(**nothing | given)


@contextlib.asynccontextmanager
async def tables(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction on the same database for what only tests ask or write: SQLAlchemy's own."""
    engine = create_async_engine(
        sqlalchemy_url(database.url),
        poolclass=NullPool,
        json_serializer=lambda value: digits.dumps(value).decode(),
        json_deserializer=digits.loads,
    )
    async with engine.begin() as conn:
        yield conn


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    """Return the error of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def refused_reason(call: Awaitable[object]) -> str:
    """Return the reason with which a call is refused."""
    return reason_of(await refusal(call))


async def refused(call: Awaitable[object]) -> tuple[str, list[str]]:
    """Return the reason with which a call is refused, and the fields that it names."""
    error = await refusal(call)
    return reason_of(error), fields_of(error)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """google.rpc.ErrorInfo.reason of a failed call."""
    return _info(error).reason


def code_of(error: grpc.aio.AioRpcError) -> str:
    """The documented code of a failed call, which REST clients get."""
    info = _info(error)
    return info.metadata.get("code", info.reason)


def _info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    return error_details_pb2.ErrorInfo()


def fields_of(error: grpc.aio.AioRpcError) -> list[str]:
    """The fields that a failed call's google.rpc.BadRequest names."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            return [violation.field for violation in bad.field_violations]
    return []


async def until_somebody_waits(database: Database) -> None:
    """Wait until a transaction waits for another one's lock."""
    async with asyncio.timeout(60), tables(database) as conn:
        while not await conn.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
            await asyncio.sleep(0.01)
