"""What signing in needs of Envoy and of several processes."""

from __future__ import annotations

import asyncio
import ipaddress

from onegenie.auth.v1 import auth_pb2 as pb
from onegenie.auth.v1 import auth_pb2_grpc as pb_grpc
from sqlalchemy import select

from core.room.accounts.tables import auth_code_requests
from tests.e2e.room import new_phone, sign_up
from tests.e2e.service import Service
from tests.support import tables


async def test_the_callers_address_is_the_one_envoy_saw(service: Service) -> None:
    over_rest, over_grpc = new_phone(), new_phone()
    forged = {"X-Forwarded-For": "198.51.100.1, 198.51.100.2"}
    answer = await service.http.post(
        "/api/auth/create/send",
        json={"phoneNumber": over_rest, "countryCode": "82"},
        headers=forged,
    )
    assert answer.status_code == 200
    await pb_grpc.AuthServiceStub(service.channel).SendSignUpCode(
        pb.SendSignUpCodeRequest(phone_number=over_grpc, country_code="82"),
        metadata=(("x-forwarded-for", "198.51.100.1"),),
        timeout=20,
    )
    phones = ["+82" + phone[1:] for phone in (over_rest, over_grpc)]
    query = select(auth_code_requests.c.address).where(auth_code_requests.c.phone.in_(phones))
    async with tables(service.database) as conn:
        addresses = set((await conn.scalars(query)).all())
    # Of one on this machine Envoy says an address of the machine's, loopback or not.
    assert len(addresses) == 1
    assert ipaddress.ip_address(addresses.pop()) not in ipaddress.ip_network("198.51.100.0/24")


async def test_a_cool_down_says_when_to_come_back(service: Service) -> None:
    body = {"phoneNumber": "82", "countryCode": new_phone()}
    for _ in range(3):
        assert (await service.http.post("/api/auth/create/send", json=body)).status_code == 200
    answer = await service.http.post("/api/auth/create/send", json=body)
    assert answer.status_code == 429
    assert answer.json()["error"]["errorCode"] == "COMMON_6"
    assert 1 <= int(answer.headers["retry-after"]) <= 30


async def test_who_logged_out_is_soon_refused_by_every_process(service: Service) -> None:
    person = await sign_up(service.http, service.directory / "outbox" / "sms.jsonl")
    answer = await service.http.post("/api/auth/logout", json={}, headers=person.bearer)
    assert answer.json() == {"status": 200, "data": {"message": "성공"}}
    async with asyncio.timeout(30):
        refused = 0
        while refused < 20:  # in a row, of two processes
            answer = await service.http.get("/api/friend/list", headers=person.bearer)
            refused = refused + 1 if answer.status_code == 401 else 0
