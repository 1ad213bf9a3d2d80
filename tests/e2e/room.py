"""People of the app as a running service's clients are: signed up by SMS over REST."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import re
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from tests.rooms import Room, Shot

PASSWORD = "testPassword"
# Numbers that no other test of a run uses.
_numbers = itertools.count(20_000_000)


@cache
def example_pair() -> tuple[bytes, bytes]:
    """Photos of a room before and after it was tidied up; JPEG."""
    room = Room(7)
    shots = (room.picture(room.clutter(26)), room.picture((), Shot.jittered(7, 0.5)))
    files = [io.BytesIO() for _ in shots]
    for shot, file in zip(shots, files, strict=True):
        shot.save(file, "JPEG")
    before, after = (file.getvalue() for file in files)
    return before, after


@dataclass
class Account:
    """A signed-up person with a password."""

    phone: str  # national
    name: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


def new_phone() -> str:
    """A Korean mobile number, national."""
    return f"010{next(_numbers)}"


async def code_sent_to(outbox: Path, phone: str, after: int = 0) -> str:
    """The code of the newest SMS to a national number; `after` SMS to it there were before."""
    to = "+82" + phone.removeprefix("0")
    while len(sent := _sent_to(outbox, to)) <= after:
        await asyncio.sleep(0.05)
    found = re.search(r"\d{6}", sent[-1])
    assert found is not None
    return found[0]


def _sent_to(outbox: Path, to: str) -> list[str]:
    if not outbox.exists():
        return []
    messages = (json.loads(line) for line in outbox.read_text().splitlines(keepends=True) if line)
    return [message["text"] for message in messages if message["to"] == to]


async def sign_up(http: httpx.AsyncClient, outbox: Path, name: str | None = None) -> Account:
    """A new account, from the code to the password."""
    phone, name = new_phone(), name or f"사람 {uuid.uuid4().hex[:12]}"
    sent = await http.post(
        "/api/auth/create/send", json={"phoneNumber": phone, "countryCode": "82"}
    )
    assert sent.status_code == 200, sent.text
    async with asyncio.timeout(30):
        code = await code_sent_to(outbox, phone)
    verified = await http.post(
        "/api/auth/create/verify",
        json={
            "userName": name,
            "phoneNumber": phone,
            "countryCode": "82",
            "verificationCode": code,
            "deviceId": "testDeviceId",
            "provider": "ios",
            "appToken": "testToken",
        },
    )
    assert verified.status_code == 200, verified.text
    tokens = verified.json()["data"]
    account = Account(
        phone, name, f"{phone}@naver.com", tokens["accessToken"], tokens["refreshToken"]
    )
    made = await http.post(
        "/api/auth/create/password",
        json={"email": account.email, "birth": "2001-05-25", "password": PASSWORD},
        headers=account.bearer,
    )
    assert made.status_code == 201, made.text
    return account


async def user_id(http: httpx.AsyncClient, account: Account, name: str) -> str:
    """The id of the user of that name, as `account` finds it."""
    found = await http.get("/api/users/search", params={"name": name}, headers=account.bearer)
    assert found.status_code == 200, found.text
    return str(found.json()["data"]["userId"])


async def befriend(http: httpx.AsyncClient, one: Account, other: Account) -> None:
    """Both add each other."""
    for who, whom in ((one, other), (other, one)):
        target = await user_id(http, who, whom.name)
        reply = await http.post("/api/friend", json={"targetId": target}, headers=who.bearer)
        assert reply.status_code == 200, reply.text
