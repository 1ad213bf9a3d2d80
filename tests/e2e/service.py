"""The whole service as its clients see it, and the state that the cases need in it."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
from dotenv import dotenv_values
from sqlalchemy import update

from core.platform.database import Database, open_database
from core.run.embedded_postgres import EmbeddedPostgres
from core.shop.profile.sql import put_profile
from core.shop.recommend import sql
from core.shop.recommend.start_round import Started, StartRound, start_round
from core.shop.recommend.state import COMPLETED
from core.shop.recommend.tables import rounds
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.key_secret import digest_key
from core.shop.tenants.revoke_key import revoke_key
from core.shop.tenants.sql import Caller, caller_by_digest, create_tenant, refund_credit
from core.shop.trigger.sql import TriggerEvent, add_events
from edge.serve.server import MAX_MESSAGE_BYTES
from tests.e2e.floor import make_floor
from tests.e2e.up_process import SERVICE_TOKEN, Up
from tests.support import create_key, tables


class NoQueue:
    """A pipeline whose jobs no worker ever takes: its rounds stay where they are."""

    async def defer(self, conn: Any, round_id: uuid.UUID, step: int, in_flight: int) -> None:
        """Nothing is put on the queue."""


@dataclass
class Service:
    """A running `onegenie up` with its demo store.

    `demo` is what demo.env holds. `http` and `channel` reach the one port, `database` goes
    around it; `directory` is its data directory.
    """

    url: str
    directory: Path
    demo: dict[str, str]
    database: Database
    http: httpx.AsyncClient
    channel: grpc.aio.Channel

    def bearer(self) -> dict[str, str]:
        """The demo key as a header."""
        return {"Authorization": f"Bearer {self.demo['SDK_KEY']}"}

    async def caller(self, secret: str) -> Caller:
        """Whom a key stands for."""
        found = await caller_by_digest(self.database, digest_key(secret))
        assert found is not None
        return found

    async def add_profile(self, caller: Caller, **fields: Any) -> str:
        """A new profile of the caller's tenant."""
        values = dict.fromkeys(("name", "gender", "age", "locale", "persona", "extra"))
        profile_id = str(uuid.uuid4())
        async with self.database.begin() as conn:
            await put_profile(conn, caller.tenant_id, profile_id, values | fields)
        return profile_id

    async def full_profile(self) -> str:
        """A new profile of the demo's tenant with everything in it."""
        return await self.add_profile(
            await self.caller(self.demo["SDK_KEY"]),
            name="김하나",
            gender="F",
            age=34,
            locale="ko",
            persona="매운 것을 좋아함",
            extra={"points": 882, "tags": ["단골"]},
        )

    async def hold_round(
        self, caller: Caller, profile_id: str, chat_id: object = None, prompt: str = "카레"
    ) -> Started:
        """Start a round, as StartRound does, that stays in its first step."""
        command = StartRound(profile_id, chat_id and str(chat_id), prompt, None)  # type: ignore[arg-type]
        return await start_round(self.database, NoQueue(), caller, command)  # type: ignore[arg-type]

    async def set_state(self, started: Started, status: str, steps_done: int) -> None:
        """Put a held round into another state."""
        async with tables(self.database) as conn:
            await conn.execute(
                update(rounds)
                .where(rounds.c.id == started.round_id)
                .values(status=status, steps_done=steps_done)
            )

    async def fail_round(self, caller: Caller, started: Started, error: str) -> None:
        """End a held round in error, as the pipeline does."""
        async with self.database.begin() as conn:
            assert await sql.fail_round(conn, started.round_id, 1, error)
            await refund_credit(conn, caller.tenant_id, started.round_id)

    async def start(self, profile_id: str, chat_id: str | None = None, **headers: str) -> Started:
        """Start a round over REST with the demo key."""
        body = {"prompt": "오늘 저녁 카레 땡기는데", "chat_id": chat_id}
        url = f"/v1/chat/{profile_id}/recommend"
        reply = await self.http.post(url, json=body, headers=self.bearer() | headers)
        assert reply.status_code == 202, reply.text
        data = reply.json()["data"]
        return Started(uuid.UUID(data["chat_id"]), uuid.UUID(data["round_id"]))

    async def finish(self, profile_id: str, started: Started) -> str:
        """Follow a round over SSE to its end; its last event's data."""
        url = f"/v1/chat/{profile_id}/recommend/{started.chat_id}/{started.round_id}/events"
        reply = await self.http.get(url, headers=self.bearer(), timeout=60)
        assert reply.status_code == 200, reply.text
        return reply.text.rsplit("data: ", 1)[1]

    async def issue_coupon(self, profile_id: str, round_: Started, rec_id: str, key: str) -> str:
        """Report a coupon of a round as issued, under an idempotency key; the event's id."""
        ids = {"chat_id": str(round_.chat_id), "round_id": str(round_.round_id)}
        url = f"/v1/chat/{profile_id}/trigger/coupon"
        headers = self.bearer() | {"Idempotency-Key": key}
        reply = await self.http.post(url, json=ids | {"rec_id": rec_id}, headers=headers)
        assert reply.status_code == 202, reply.text
        return str(reply.json()["data"]["event_id"])


@contextlib.asynccontextmanager
async def open_service(up: Up) -> AsyncIterator[Service]:
    """Clients of a running `onegenie up` with the demo in its data directory."""
    demo = {key: value or "" for key, value in dotenv_values(up.directory / "demo.env").items()}
    assert demo["BASE_URL"] == up.url
    database_url = EmbeddedPostgres(up.directory / "postgres").url
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    async with (
        open_database(database_url, pool_size=2) as database,
        httpx.AsyncClient(base_url=up.url, timeout=20) as http,
        grpc.aio.insecure_channel(up.url.removeprefix("http://"), options) as channel,
    ):
        yield Service(up.url, up.directory, demo, database, http, channel)


async def case_variables(service: Service) -> dict[str, str]:
    """Make what the cases name: `${CHAT_ID}` and the like (docs/testing.md lists them)."""
    found = {
        "PROFILE_ID": service.demo["PROFILE_ID"],
        "SDK_KEY": service.demo["SDK_KEY"],
        "ADMIN_KEY": service.demo["ADMIN_TOKEN"],
        "SIGNAGE_KEY": service.demo["SIGNAGE_KEY"],
        "WRONG_KEY": "osk_" + "A" * 43,
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "UNKNOWN_ID": str(uuid.uuid4()),
    }
    demo = await service.caller(service.demo["SDK_KEY"])
    async with service.database.begin() as conn:
        _, found["SECOND_KEY"] = await create_key(conn, demo.tenant_id, "sdk", "second")
        revoked_id, found["REVOKED_KEY"] = await create_key(conn, demo.tenant_id, "sdk", "revoked")
        await revoke_key(conn, demo.tenant_id, revoked_id)

    # A profile with three chats, oldest first; all rounds finished, the first chat has two.
    mine = found["LIST_PROFILE_ID"] = await service.add_profile(
        demo, name="佐藤花子", gender="F", age=32, locale="ja"
    )
    first = await service.start(mine, **{"Idempotency-Key": "first"})
    last = json.loads(await service.finish(mine, first))
    second = await service.start(mine, str(first.chat_id))
    await service.finish(mine, second)
    found |= {"CHAT_ID": str(first.chat_id), "ROUND_ID": str(first.round_id)}
    found |= {"ROUND_2_ID": str(second.round_id)}
    recommended, coupon = last["recommended_items"][0], last["notifications"]["coupon"][0]
    found |= {"REC_ID": recommended["rec_id"], "REC_PRODUCT_ID": str(recommended["product"]["id"])}
    found["COUPON_REC_ID"] = coupon["rec_id"]
    found["EVENT_ID"] = await service.issue_coupon(mine, first, coupon["rec_id"], "issued-first")
    for number in (2, 3):
        started = await service.start(mine)
        await service.finish(mine, started)
        found[f"CHAT_{number}_ID"] = str(started.chat_id)
        found[f"CHAT_{number}_ROUND_ID"] = str(started.round_id)

    # Chats that take no follow-up, or only just do: in step 1, step 2 done, full, ended in error.
    busy = found["BUSY_PROFILE_ID"] = await service.add_profile(demo)
    held = await service.hold_round(demo, busy)
    found |= {"BUSY_CHAT_ID": str(held.chat_id), "BUSY_ROUND_ID": str(held.round_id)}
    free = await service.hold_round(demo, busy)
    await service.set_state(free, "in_progress", 2)
    found |= {"FREE_CHAT_ID": str(free.chat_id), "FREE_ROUND_ID": str(free.round_id)}
    found["FULL_CHAT_ID"] = await _full_chat(service, demo, busy)
    failed = await service.hold_round(demo, busy)
    await service.fail_round(demo, failed, "meal_suggest failed: upstream timeout")
    found |= {"ERROR_CHAT_ID": str(failed.chat_id), "ERROR_ROUND_ID": str(failed.round_id)}

    # Another tenant, and one that spends its last credit here.
    found |= await _tenant(service, "OTHER", credits=100)
    found |= await _tenant(service, "POOR", credits=10)
    found |= await _other_staff(service, found["OTHER_ADMIN_KEY"])
    found |= await make_floor(service.database)
    poor = await service.caller(found["POOR_KEY"])
    found["POOR_FULL_CHAT_ID"] = await _full_chat(service, poor, found["POOR_PROFILE_ID"])
    return found


async def _tenant(service: Service, name: str, credits: int) -> dict[str, str]:
    """A tenant with a key, a profile and a chat whose round is in step 1."""
    async with service.database.begin() as conn:
        tenant_id = await create_tenant(conn, f"{name} {uuid.uuid4()}")
        await grant_credit(conn, GrantCredit(tenant_id, credits, idempotency_key="first"))
        _, secret = await create_key(conn, tenant_id, "sdk", "test")
        _, admin = await create_key(conn, tenant_id, "admin", "test")
    caller = await service.caller(secret)
    profile_id = await service.add_profile(caller)
    held = await service.hold_round(caller, profile_id)
    return {
        f"{name}_TENANT_ID": str(tenant_id),
        f"{name}_KEY": secret,
        f"{name}_ADMIN_KEY": admin,
        f"{name}_PROFILE_ID": profile_id,
        f"{name}_CHAT_ID": str(held.chat_id),
        f"{name}_ROUND_ID": str(held.round_id),
    }


async def _other_staff(service: Service, secret: str) -> dict[str, str]:
    """Three events of another tenant, and a key that its staff can revoke."""
    caller = await service.caller(secret)
    ids = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    item = {"rec_id": "rec_a1b2c3", "item_id": 196, "item_name": "스파게티니", "price": 4900.0}
    forgotten = [{"item_id": 882, "name": "양파", "quantity": 1}, {"any": "shape", "is": "fine"}]
    events = [
        TriggerEvent("evt_1", "signage", *ids, item, (), "lift 2.1", forgotten),
        TriggerEvent("evt_2", "issued", *ids, item | {"ratio": 0.5}),
        TriggerEvent("evt_3", "recommend", *ids, item),
    ]
    async with service.database.begin() as conn:
        key_id, _ = await create_key(conn, caller.tenant_id, "sdk", "spare")
        await add_events(conn, caller.tenant_id, events)
    return {"OTHER_SPARE_KEY_ID": str(key_id), "OTHER_ADMIN_KEY_ID": str(caller.key_id)}


async def _full_chat(service: Service, caller: Caller, profile_id: str) -> str:
    """A chat with its opening round, eight follow-ups and one more that ended in error."""
    first = await service.hold_round(caller, profile_id)
    await service.set_state(first, COMPLETED, 4)
    failed = await service.hold_round(caller, profile_id, first.chat_id)
    await service.fail_round(caller, failed, "meal_suggest failed: upstream timeout")
    for _ in range(8):
        follow_up = await service.hold_round(caller, profile_id, first.chat_id)
        await service.set_state(follow_up, COMPLETED, 4)
    return str(first.chat_id)
