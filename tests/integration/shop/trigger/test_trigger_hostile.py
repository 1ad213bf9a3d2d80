"""Requests made to be costly: refused before they cost much, and nobody else's calls fail."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import orjson
import pytest
from google.api import httpbody_pb2
from onegenie.profile.v1 import profile_pb2
from onegenie.profile.v1 import profile_pb2_grpc as profile_grpc
from onegenie.store.v1 import store_pb2_grpc
from onegenie.trigger.v1 import trigger_pb2 as pb
from sqlalchemy import text

from core.platform.database import Database
from edge.contract.load import load_contract
from edge.envoy.descriptor import BODY_NAME, request_class
from tests.integration.shop.trigger.trigger_help import Phone, jobs_left, make_phone, stored, told
from tests.support import create_key, make_shopper, tables

SERVICE = "onegenie.trigger.v1.TriggerService"
METHODS = load_contract([SERVICE]).methods
# In one language, three bytes a character; what an app sends of its shopping list.
FORGOTTEN = {"quantity": 1, "product": {"id": 512, "name": "매콤한 볶음 고추장 소스 " * 3}}


@pytest.fixture
async def phone(database: Database, channel: grpc.aio.Channel) -> Phone:
    return await make_phone(database, await make_shopper(database, channel))


def items(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"rec_id": f"r{number}", **more} for number in range(count)]


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


async def rest(phone: Phone, name: str, **fields: Any) -> tuple[int, Any]:
    """A call as Envoy passes on a REST client's: status and body."""
    path = f"/{SERVICE}/{name}"
    body = {"chat_id": phone.chat_id, "round_id": phone.round_id} | fields
    raw = request_class(METHODS[path])(profile_id=[phone.shopper.profile_id])
    http_body = httpbody_pb2.HttpBody(content_type="application/json", data=orjson.dumps(body))
    getattr(raw, BODY_NAME).MergeFromString(http_body.SerializeToString())
    call = phone.shopper.channel.unary_unary(path)(
        raw.SerializeToString(),
        metadata=(("x-envoy-original-path", "/"), *phone.shopper.metadata),
        timeout=60,
    )
    reply = httpbody_pb2.HttpBody.FromString(await call)
    status = int(dict(await call.initial_metadata())["x-http-status"])
    return status, orjson.loads(reply.data)


async def grpc_signage(phone: Phone, raw: bytes) -> tuple[int, str]:
    """TriggerSignage with these bytes after the ids; REST's status and the field to blame."""
    call = phone.shopper.channel.unary_unary(f"/{SERVICE}/TriggerSignage")(
        pb.TriggerSignageRequest(**phone.ids).SerializeToString() + raw,  # type: ignore[arg-type]
        metadata=phone.shopper.metadata,
        timeout=60,
    )
    code = await call.code()
    if code == grpc.StatusCode.OK:
        return 202, ""
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    return 400, (await call.details()).split(":")[0]


def forgotten_bytes(value: bytes, count: int) -> bytes:
    """`forgotten` of one list that holds a serialised Value so many times."""
    values = (b"\x0a" + varint(len(value)) + value) * count
    one = b"\x32" + varint(len(values)) + values
    return b"\x32" + varint(len(one)) + one


def varint(number: int) -> bytes:
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])


# What is sent, and the field that is to blame.
SIGNAGE: dict[str, tuple[dict[str, Any], str]] = {
    "many lists of numbers": (
        {"items": items(40), "forgotten": [[0] * 2_200] * 200},
        "forgotten",
    ),
    "a text": ({"items": items(100), "forgotten": ["x" * 880_000]}, "forgotten"),
    "a key": ({"items": items(100), "forgotten": [{"k" * 880_000: 1}]}, "forgotten"),
    "keys": ({"forgotten": [{f"{n}": None for n in range(60_000)}]}, "forgotten"),
    "texts": ({"forgotten": [["x" * 80] * 9_990]}, "forgotten"),
    "empty lists": ({"forgotten": [[[]] * 1_500] * 199}, "forgotten"),
    "nesting": ({"forgotten": [nested(25)] * 200}, "forgotten"),
    "reasons": ({"items": items(100, reason_detail=[0] * 4_000)}, "items[2].reason_detail"),
    "reasons of text": (
        {"items": items(100, reason_detail="x" * 9_000)},
        "items[0].reason_detail",
    ),
    "both reasons": (
        {"items": items(60, reason_detail=[0] * 90, reason_detail_marketing={"ko": [0] * 80})},
        "items[58].reason_detail",
    ),
    "reasons and forgotten": (
        {"items": items(50, reason_detail=[0] * 150), "forgotten": [[0] * 2_600]},
        "forgotten",
    ),
}
WIRE: dict[str, tuple[bytes, str]] = {
    "numbers": (forgotten_bytes(b"\x11" + bytes(8), 90_000), "forgotten"),
    "nulls": (forgotten_bytes(b"\x08\x00", 250_000), "forgotten"),
    "nothings": (forgotten_bytes(b"", 500_000), "forgotten"),
    "a text": (forgotten_bytes(b"\x1a" + varint(900_000) + b"x" * 900_000, 1), "forgotten"),
}


@pytest.mark.parametrize("name", SIGNAGE)
async def test_a_costly_request_is_refused(phone: Phone, database: Database, name: str) -> None:
    """By the field it is in, and whether there is such a round or not."""
    fields, to_blame = SIGNAGE[name]
    nowhere = Phone(phone.shopper, phone.chat_id, str(uuid.uuid4()))
    for one in (phone, nowhere):
        status, body = await rest(one, "TriggerSignage", **fields)
        assert (status, body["error"]["code"]) == (400, "INVALID_REQUEST")
        assert body["error"]["fields"][0]["field"] == to_blame
    assert await stored(database) == []
    assert await jobs_left(database) == 0


@pytest.mark.parametrize("name", WIRE)
async def test_a_costly_message_is_refused(phone: Phone, database: Database, name: str) -> None:
    raw, to_blame = WIRE[name]
    assert await grpc_signage(phone, raw) == (400, to_blame)
    assert await stored(database) == []


async def test_what_nobody_knows_is_not_passed_on(phone: Phone, database: Database) -> None:
    """Fields of no contract, inside a free-form value: neither stored nor told to the store."""
    unknown = b"\xfa\x01" + varint(900_000) + b"x" * 900_000
    one = b"\x1a\x01a" + unknown
    status, _ = await grpc_signage(phone, b"\x32" + varint(len(one)) + one)
    assert status == 202
    async with asyncio.timeout(20):
        while await jobs_left(database):
            await asyncio.sleep(0.05)
    async with tables(database) as conn:
        size = await conn.scalar(text("SELECT max(length(trigger)) FROM store_triggers"))
    assert size < 10_000


async def test_a_coupons_reasons_and_a_profiles_extra_have_their_most(phone: Phone) -> None:
    for reason in (["x" * 8_200], {"ko": "가" * 2_800}, "x" * 8_200):
        status, body = await rest(phone, "TriggerCoupon", rec_id="r", reason_detail=reason)
        assert status == 400
        assert body["error"]["fields"] == [
            {"field": "reason_detail", "description": "must be at most 8192 bytes as JSON"}
        ]
    profiles = profile_grpc.ProfileServiceStub(phone.shopper.channel)
    request = profile_pb2.PutProfileRequest(
        profile_id=phone.shopper.profile_id,
        extra={"note": "x" * 66_000},  # type: ignore[arg-type]
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await profiles.PutProfile(request, metadata=phone.shopper.metadata)
    assert refused.value.details() == "extra: must be at most 65536 bytes as JSON"


async def test_the_largest_trigger_is_stored_once(phone: Phone, database: Database) -> None:
    """A hundred items: what was forgotten is there for each, and is kept in one of them."""
    count = 200
    while len(orjson.dumps([FORGOTTEN] * count)) > 16_384:
        count -= 1
    forgotten = [FORGOTTEN] * count
    status, body = await rest(phone, "TriggerSignage", items=items(100), forgotten=forgotten)
    assert (status, len(body["data"]["event_ids"])) == (202, 100)
    rows = await stored(database)
    assert [row.forgotten for row in rows if row.forgotten is not None] == [forgotten]
    status, body = await rest(
        phone, "TriggerSignage", items=items(100), forgotten=[FORGOTTEN] * (count + 1)
    )
    assert body["error"]["fields"] == [
        {"field": "forgotten", "description": "must be at most 16384 bytes as JSON"}
    ]


async def test_a_store_takes_what_a_trigger_may_hold(phone: Phone, database: Database) -> None:
    """Its typed fields are free-form in the report, which must not be too much for that."""
    whole = {
        "item_id": 1,
        "item_name": "가" * 500,
        "item_name_en": "a" * 500,
        "brand": "가" * 200,
        "zone_id": 1,
        "zone_name": "가" * 200,
        "price_yen": 1,
        "discount_pct": 1,
        "applied_score": 1,
        "priority_score": 1,
        "method": "a" * 200,
        "reason_type": "a" * 200,
        "reason_detail": [0] * 20,
        "reason_detail_marketing": {"ko": "가" * 900},
    }
    status, _ = await rest(
        phone, "TriggerSignage", items=items(100, **whole), forgotten=[[0] * 7_000]
    )
    assert status == 202
    async with asyncio.timeout(20):
        while await jobs_left(database):
            await asyncio.sleep(0.05)
    (report,) = await told(database)
    assert len(report.items) == 100
    async with database.begin() as conn:
        _, admin = await create_key(conn, phone.shopper.tenant_id, "admin", "test")
    stub = store_pb2_grpc.StoreServiceStub(phone.shopper.channel)
    metadata = (("authorization", f"Bearer {admin}"),)
    await stub.ReportTrigger(report, metadata=metadata, timeout=20)
    report.forgotten.extend([report.forgotten[0]] * 2)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ReportTrigger(report, metadata=metadata, timeout=20)
    assert refused.value.details() == "forgotten: must have at most 20000 values"


async def test_others_calls_go_on(phone: Phone, database: Database) -> None:
    """Every hostile request above, some at a time, while others of another tenant call."""
    other = await make_phone(database, await make_shopper(database, phone.shopper.channel))
    over = asyncio.Event()
    calls = 0

    async def call(again: Callable[[], Any]) -> None:
        nonlocal calls
        while not over.is_set():
            # An error fails the test: the calls end after 20 s.
            await again()
            calls += 1

    async def attack() -> None:
        for fields, _ in SIGNAGE.values():
            await asyncio.gather(*(rest(phone, "TriggerSignage", **fields) for _ in range(2)))
        for raw, _ in WIRE.values():
            await asyncio.gather(*(grpc_signage(phone, raw) for _ in range(2)))
        over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(call(lambda: other.coupon(rec_id="coupon-1")))
        group.create_task(call(lambda: other.signage()))
        group.create_task(call(lambda: other.recommend(rec_id="rec-1")))
        await attack()
    assert calls > 3
    kinds = [row.kind for row in await stored(database)]
    assert calls == kinds.count("signage") // 3 + kinds.count("issued") + kinds.count("recommend")
