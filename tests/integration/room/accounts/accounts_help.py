"""A phone in somebody's hand: what the app does on it, and the messages it gets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from onegenie.auth.v1 import auth_pb2 as pb
from onegenie.auth.v1 import auth_pb2_grpc as pb_grpc

from tests.clock import FakeClock
from tests.support import fields_of, reason_of, refusal

_numbers = count(1)


@dataclass
class Phone:
    """Calls AuthService over `channel` from `address`; its messages are read from `outbox`."""

    channel: grpc.aio.Channel
    outbox: Path
    clock: FakeClock
    address: str = "203.0.113.7"
    device_id: str = "device-1"
    number: str = field(default_factory=lambda: f"010{5_000_0000 + next(_numbers):08}")

    @property
    def e164(self) -> str:
        return "+82" + self.number[1:]

    async def call(self, method: str, token: str | None = None, **fields: object) -> object:
        """Any method, with an access token or without."""
        metadata = [("x-forwarded-for", self.address)]
        if token is not None:
            metadata.append(("authorization", f"Bearer {token}"))
        request = getattr(pb, f"{method}Request")(**fields)
        stub = pb_grpc.AuthServiceStub(self.channel)
        return await getattr(stub, method)(request, metadata=metadata, timeout=30)

    async def ask(self) -> None:
        """Ask for a code, and be refused or not; it is on its way then."""
        await self.call("SendSignUpCode", phone_number=self.number, country_code="82")

    async def messages(self, number: int) -> list[str]:
        """The texts that have come, once there are so many."""
        async with asyncio.timeout(30):
            while len(texts := self.received()) < number:
                await asyncio.sleep(0.02)
        return texts

    def received(self) -> list[str]:
        """The texts that have come."""
        if not self.outbox.exists():
            return []
        lines = [json.loads(line) for line in self.outbox.read_text().splitlines()]
        return [line["text"] for line in lines if line["to"] == self.e164]

    async def code(self) -> str:
        """Ask for a code and wait for it."""
        before = len(self.received())
        await self.ask()
        return code_in((await self.messages(before + 1))[-1])

    async def verify(
        self, code: str, name: str = "테스트유저", device_id: str | None = None
    ) -> pb.VerifySignUpCodeResponse:
        return await self.call(  # type: ignore[return-value]
            "VerifySignUpCode",
            user_name=name,
            phone_number=self.number,
            country_code="82",
            verification_code=code,
            device_id=device_id or self.device_id,
            provider="ios",
            app_token="push",
        )

    async def create_password(
        self, token: str, email: str, password: str = "testPassword", birth: str = "2001-05-25"
    ) -> None:
        await self.call("CreatePassword", token, email=email, birth=birth, password=password)

    async def sign_up(self, email: str, password: str = "testPassword") -> pb.LogInResponse:
        """A complete account; the tokens of its first session."""
        tokens = await self.verify(await self.code())
        await self.create_password(tokens.access_token, email, password)
        return pb.LogInResponse(
            access_token=tokens.access_token, refresh_token=tokens.refresh_token
        )

    async def log_in(
        self, email: str, password: str = "testPassword", device_id: str | None = None
    ) -> pb.LogInResponse:
        return await self.call(  # type: ignore[return-value]
            "LogIn",
            email=email,
            password=password,
            device_id=device_id or self.device_id,
            provider="android",
        )

    async def refresh(self, token: str) -> pb.RefreshTokensResponse:
        return await self.call("RefreshTokens", refresh_token=token)  # type: ignore[return-value]


def code_in(text: str) -> str:
    """The code that a message holds."""
    found = re.search(r"\b\d{6}\b", text)
    assert found, text
    return found[0]


def another(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06}"


async def outcome(call: object) -> str:
    """ "OK", or the reason a call failed with."""
    try:
        await call  # type: ignore[misc]
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    return "OK"


async def wait(call: Awaitable[object]) -> float:
    """Seconds to wait, of a call that must be refused for its frequency."""
    error = await refusal(call)
    assert reason_of(error) == "RATE_LIMITED"
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToTimedelta().total_seconds()
    raise AssertionError("no RetryInfo")


async def refused_fields(call: Awaitable[object]) -> list[str]:
    """The fields that an invalid call's answer names."""
    error = await refusal(call)
    assert reason_of(error) == "INVALID_REQUEST"
    return fields_of(error)
