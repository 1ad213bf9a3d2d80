"""The plain alternative: what one would write by hand for the same job, to be measured beside ours.

One FastAPI service with SQLAlchemy and psycopg, as many uvicorn processes as there are core
processes, tables with JSON columns, a jobs table polled by a worker in each process, clients that
poll. It does what a client sees of StartRound and GetChat: key, ownership, credit, profile summary,
coupon spots read at every poll. The domain's own work (meal, matching, lift) is done by the same
functions on the same data as ours; what it stores is ready-made JSON of the same size. It is given
orjson, a cache of keys and no proxy in front; it leaves out validation beyond types, idempotency,
streams, gRPC, and the care for killed processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from joserfc import jwt
from joserfc.jwk import OctKey
from onegenie.recommend.v1 import recommend_pb2 as pb
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine

from core.platform.database import Database, open_database
from core.room.media.pictures import prepare
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.lift.sql import TenantLiftPairs
from core.shop.meal.embedded import EmbeddedMealEngine
from core.shop.meal.models import MealRequest, Shopper
from core.shop.recommend.steps.items import suggest_items
from core.shop.recommend.steps.offers import make_offers
from core.shop.recommend.steps.todos import make_todos

JOBS_AT_A_TIME = 8
ZONE = ZoneInfo("Asia/Seoul")
LOOK_FOR_JOBS_SECONDS = 0.1
STEPS = ("step1", "step2", "step3", "step4")

metadata = sa.MetaData()
now = sa.func.now()
tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, unique=True),
    sa.Column("credits", sa.BigInteger),
)
profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("tenant_id", sa.ForeignKey("tenants.id")),
    sa.Column("summary", JSONB),
)
coupon_spots = sa.Table(
    "coupon_spots",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("tenant_id", sa.ForeignKey("tenants.id"), index=True),
    sa.Column("spot", JSONB),
)
chats = sa.Table(
    "chats",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("profile_id", sa.ForeignKey("profiles.id"), index=True),
    sa.Column("created_at", sa.DateTime(True), server_default=now),
)
rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("chat_id", sa.ForeignKey("chats.id"), index=True),
    sa.Column("round_no", sa.Integer),
    sa.Column("prompt", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("steps_done", sa.Integer),
    sa.Column("todos", JSONB),
    sa.Column("recommended_items", JSONB),
    sa.Column("notifications", JSONB),
    sa.Column("created_at", sa.DateTime(True), server_default=now),
    sa.Column("updated_at", sa.DateTime(True), server_default=now),
)
missions = sa.Table(
    "missions",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, default=uuid.uuid4),
    sa.Column("user_id", sa.Uuid, index=True),
    sa.Column("content", sa.Text),
    sa.Column("created_at", sa.DateTime(True), server_default=now),
    sa.Column("completed_at", sa.DateTime(True)),
)
posts = sa.Table(
    "posts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, index=True),
    sa.Column("picture", JSONB),
    sa.Column("created_at", sa.DateTime(True), server_default=now),
)
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("round_id", sa.ForeignKey("rounds.id")),
    sa.Column("taken", sa.Boolean, index=True, server_default=sa.false()),
)

engine = create_async_engine(
    os.environ["PLAIN_DATABASE_URL"],
    pool_size=10,
    max_overflow=0,
    json_serializer=lambda value: orjson.dumps(value).decode(),
    json_deserializer=orjson.loads,
)
keys: dict[str, tuple[uuid.UUID, float]] = {}


async def tenant(authorization: str = Header()) -> uuid.UUID:
    """Whose key it is; known for two seconds."""
    known = keys.get(authorization)
    if known is None or known[1] < time.monotonic():
        query = sa.select(tenants.c.id).where(
            tenants.c.key == authorization.removeprefix("Bearer ")
        )
        async with engine.connect() as conn:
            found = await conn.scalar(query)
        if found is None:
            raise HTTPException(401)
        known = keys[authorization] = (found, time.monotonic() + 2)
    return known[0]


Tenant = Annotated[uuid.UUID, Depends(tenant)]
secret = OctKey.import_key(os.environ["PLAIN_SECRET"])


def make_token(user_id: uuid.UUID) -> str:
    """An access token, for a day."""
    claims = {"sub": str(user_id), "exp": int(time.time()) + 86_400}
    return jwt.encode({"alg": "HS256"}, claims, secret)


async def person(authorization: str = Header()) -> uuid.UUID:
    """Whose access token it is; by its signature alone."""
    token = jwt.decode(authorization.removeprefix("Bearer "), secret, algorithms=["HS256"])
    jwt.JWTClaimsRegistry().validate(token.claims)
    return uuid.UUID(token.claims["sub"])


Person = Annotated[uuid.UUID, Depends(person)]


class Kickoff(BaseModel):
    """The body of a kick-off."""

    prompt: str
    chat_id: uuid.UUID | None = None


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    worker = asyncio.create_task(work())
    yield
    worker.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/v1/chat/{profile_id}/recommend")
async def start(profile_id: uuid.UUID, body: Kickoff, tenant_id: Tenant) -> Response:
    """Start a round."""
    round_id, round_no, chat_id = uuid.uuid4(), 1, body.chat_id
    async with engine.begin() as conn:
        owned = (profiles.c.id == profile_id, profiles.c.tenant_id == tenant_id)
        if await conn.scalar(sa.select(profiles.c.id).where(*owned)) is None:
            raise HTTPException(404)
        if chat_id is None:
            chat_id = uuid.uuid4()
            await conn.execute(sa.insert(chats).values(id=chat_id, profile_id=profile_id))
        else:
            await conn.scalar(sa.select(chats.c.id).where(chats.c.id == chat_id).with_for_update())
            counted = sa.select(sa.func.count()).where(rounds.c.chat_id == chat_id)
            round_no += await conn.scalar(counted) or 0
        await conn.execute(
            sa.insert(rounds).values(
                id=round_id,
                chat_id=chat_id,
                round_no=round_no,
                prompt=body.prompt,
                status="in_progress",
                steps_done=0,
            )
        )
        await conn.execute(sa.insert(jobs).values(round_id=round_id))
        paid = await conn.execute(
            sa.update(tenants)
            .where(tenants.c.id == tenant_id, tenants.c.credits > 0)
            .values(credits=tenants.c.credits - 1)
        )
        if not paid.rowcount:
            raise HTTPException(402)
    return _json({"success": True, "data": {"chat_id": chat_id, "round_id": round_id}}, 202)


@app.get("/v1/chat/{profile_id}/recommend/{chat_id}")
async def chat(profile_id: uuid.UUID, chat_id: uuid.UUID, tenant_id: Tenant) -> Response:
    """The chat with all its rounds, put together from its rows."""
    async with engine.connect() as conn:
        found = (
            await conn.execute(
                sa.select(chats.c.created_at, profiles.c.summary)
                .join(profiles, profiles.c.id == chats.c.profile_id)
                .where(chats.c.id == chat_id)
                .where(profiles.c.id == profile_id, profiles.c.tenant_id == tenant_id)
            )
        ).first()
        if found is None:
            raise HTTPException(404)
        rows = await conn.execute(
            sa.select(rounds).where(rounds.c.chat_id == chat_id).order_by(rounds.c.round_no)
        )
        spots = await conn.execute(
            sa.select(coupon_spots.c.spot).where(coupon_spots.c.tenant_id == tenant_id)
        )
        spot_items = list(spots.scalars())
    return _json(
        {
            "success": True,
            "data": {
                "chat_id": chat_id,
                "profile_id": profile_id,
                "profile_summary": found.summary,
                "created_at": _seconds(found.created_at),
                "rounds": [_round(row, spot_items) for row in rows],
            },
        }
    )


def _round(row: Any, spots: list[Any]) -> dict[str, Any]:
    running = row.steps_done if row.status == "in_progress" else -1
    return {
        "round_no": row.round_no,
        "round_id": row.id,
        "prompt": row.prompt,
        "created_at": _seconds(row.created_at),
        "updated_at": _seconds(row.updated_at),
        "status": row.status,
        "back_list_status": "completed" if row.steps_done == 4 else "in_progress",
        "pipeline_progress": {
            step: "done" if n < row.steps_done else "running" if n == running else "pending"
            for n, step in enumerate(STEPS)
        },
        "todos": row.todos,
        "recommended_items": row.recommended_items or [],
        "notifications": {**(row.notifications or {}), "coupon_spot": spots},
    }


@app.get("/api/today-mission")
async def today(user_id: Person) -> Response:
    """Today's missions."""
    midnight = dt.datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    query = sa.select(missions).where(missions.c.user_id == user_id)
    async with engine.connect() as conn:
        rows = await conn.execute(query.where(missions.c.created_at >= midnight))
    return _json(
        {
            "status": 200,
            "data": [
                {
                    "missionId": row.id,
                    "content": row.content,
                    "targetDate": f"{row.created_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
                    "status": "COMPLETED" if row.completed_at else "ONGOING",
                }
                for row in rows
            ],
        }
    )


@app.post("/api/post")
async def make_post(request: Request, user_id: Person) -> Response:
    """A post of one picture, which is the whole body: no form is taken apart."""
    made = await asyncio.to_thread(prepare, await request.body())
    post_id, folder = uuid.uuid4(), Path(os.environ["PLAIN_PICTURES"])
    for name, content in (("picture", made.content), ("thumbnail", made.thumbnail)):
        await asyncio.to_thread((folder / f"{post_id}-{name}").write_bytes, content)
    size = {"width": made.width, "height": made.height}
    async with engine.begin() as conn:
        await conn.execute(sa.insert(posts).values(id=post_id, user_id=user_id, picture=size))
    return _json({"status": 201, "data": {"postId": post_id}}, 201)


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _seconds(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# The worker


async def work() -> None:
    """Take jobs and run them, some at a time; look again soon when there is none."""
    async with open_database(os.environ["PLAIN_STORE_URL"], 5) as database:
        await _work(_Steps(database))


async def _work(steps: _Steps) -> None:
    running: set[asyncio.Task[None]] = set()
    while True:
        taken = await _take(JOBS_AT_A_TIME - len(running))
        running |= {asyncio.create_task(_run(steps, *job)) for job in taken}
        if len(running) == JOBS_AT_A_TIME:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        elif not taken:
            await asyncio.sleep(LOOK_FOR_JOBS_SECONDS)
        running = {task for task in running if not task.done()}


async def _take(count: int) -> list[Any]:
    free = sa.select(jobs.c.id).where(~jobs.c.taken).order_by(jobs.c.id).limit(count)
    query = (
        sa.update(jobs)
        .where(jobs.c.id.in_(free.with_for_update(skip_locked=True)))
        .values(taken=True)
        .returning(jobs.c.id, jobs.c.round_id)
    )
    async with engine.begin() as conn:
        return list((await conn.execute(query)).all())


class _Steps:
    """The domain's work, and the JSON that stands for its result."""

    def __init__(self, database: Database) -> None:
        self.tenant_id = uuid.UUID(os.environ["PLAIN_TENANT"])
        self.store = EmbeddedStores(database).of_tenant(self.tenant_id)
        self.lift = TenantLiftPairs(database, self.tenant_id)
        self.engine = EmbeddedMealEngine()
        self.ready = orjson.loads(Path(os.environ["PLAIN_ROUND"]).read_bytes())

    async def run(self, prompt: str) -> AsyncIterator[dict[str, Any]]:
        """The columns each step fills in."""
        shopper = Shopper(name=None, gender=None, age=None, locale="ko", persona=None, extra={})
        request = MealRequest(prompt=prompt, language="ko", history=(), shopper=shopper)
        meal = await self.engine.suggest(request)
        yield {}
        todos: pb.Todos = await make_todos(meal, self.store)
        yield {"todos": self.ready["todos"]}
        items = (await suggest_items(todos=todos, lift=self.lift, store=self.store)).items
        yield {"recommended_items": self.ready["recommended_items"]}
        await make_offers(todos=todos, recommended=items, lift=self.lift, store=self.store)
        yield {"notifications": self.ready["notifications"]}


async def _run(steps: _Steps, job_id: int, round_id: uuid.UUID) -> None:
    this = rounds.c.id == round_id
    async with engine.connect() as conn:
        prompt = await conn.scalar(sa.select(rounds.c.prompt).where(this))
    done = 0
    async for columns in steps.run(prompt or ""):
        done += 1
        status = "completed" if done == len(STEPS) else "in_progress"
        async with engine.begin() as conn:
            await conn.execute(
                sa.update(rounds)
                .where(this)
                .values(steps_done=done, status=status, updated_at=now, **columns)
            )
    async with engine.begin() as conn:
        await conn.execute(sa.delete(jobs).where(jobs.c.id == job_id))
