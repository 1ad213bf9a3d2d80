"""The app document's own examples, in its order, against the running service.

tests/data/seeds/004_app.txt is the document. Each request is sent into a socket byte for byte as it
stands there, with real ids, codes, tokens and pictures put in, and must get the documented status,
Content-Type and body: errors and messages to the letter, everything else key by key.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from core.room.accounts.tables import auth_codes
from core.room.mission.tables import missions
from tests.e2e import wire
from tests.e2e.people import picture
from tests.e2e.room import (
    Account,
    befriend,
    code_sent_to,
    example_pair,
    new_phone,
    sign_up,
    user_id,
)
from tests.e2e.room_seed import exchanges
from tests.e2e.seed import FOLDER, compare
from tests.e2e.service import Service
from tests.e2e.up_process import Up
from tests.support import tables

EXCHANGES = exchanges()
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture(scope="module")
def outbox(up: Up) -> Path:
    return up.directory / "outbox" / "sms.jsonl"


@pytest.fixture(scope="module")
async def person(service: Service, outbox: Path) -> Account:
    return await sign_up(service.http, outbox, "테스트유저")


@pytest.fixture(scope="module")
async def friend(service: Service, outbox: Path, person: Account) -> Account:
    account = await sign_up(service.http, outbox)
    await befriend(service.http, person, account)
    return account


async def ask(service: Service, name: str, *pictures: bytes, **replaced: str) -> httpx.Response:
    """Send the request of an example."""
    request = EXCHANGES[name].request
    assert request is not None
    return await wire.send(service.url, request.bytes(*pictures, **replaced))


def same(name: str, reply: httpx.Response) -> None:
    """The reply is the example's response to the letter."""
    example = EXCHANGES[name]
    assert (reply.status_code, reply.json()) == (example.status, example.body)
    assert reply.headers["content-type"] == example.content_type


def alike(name: str, reply: httpx.Response) -> Any:
    """The reply has the status, the keys and the types of the example's response; its data."""
    example, body = EXCHANGES[name], reply.json()
    assert reply.status_code == example.status, reply.text
    assert reply.headers["content-type"] == example.content_type
    found = compare(example.body, body)
    assert not found.missing
    assert not found.other_types
    assert not found.extra
    assert not found.nulls
    if "status" in body:
        assert body["status"] == example.status
    return body.get("data", body)


def test_every_example_is_here() -> None:
    assert len(EXCHANGES) == 28
    assert sum(exchange.request is not None for exchange in EXCHANGES.values()) == 22
    # Its one success that is no object.
    words = [each.body for each in EXCHANGES.values() if isinstance(each.body, str)]
    assert words == ["미션 완료! 방이 깨끗하게 정리되었습니다."]


def test_a_request_is_the_documents_bytes() -> None:
    """Line for line, with CRLF as the documented lengths count it."""
    document = (FOLDER / "004_app.txt").read_bytes()
    lengths = 0
    for exchange in EXCHANGES.values():
        if exchange.request is not None:
            sent = exchange.request.bytes()
            assert sent.replace(b"\r\n", b"\n").strip() in document
            head, _, content = sent.partition(b"\r\n\r\n")
            if length := re.search(rb"Content-Length: (\d+)", head):
                assert len(content) == int(length[1])
                lengths += 1
    assert lengths == 10
    sent = EXCHANGES["AI 2"].request.bytes(b"1", b"\r\n", testToken="T")  # type: ignore[union-attr]
    assert b"\r\nContent-Disposition: form-data; name=afterImage; filename=after.png\r\n" in sent
    assert b"\r\n\r\n1\r\n--" in sent
    assert b"\r\n\r\n\r\n\r\n--" in sent


async def test_auth(service: Service, outbox: Path) -> None:
    # Sending swaps the phone fields, verifying does not: one number.
    same("Auth 1", await ask(service, "Auth 1"))
    code = await code_sent_to(outbox, "01012345678")
    same("Auth 2-2", await ask(service, "Auth 2"))  # "123" is no code
    tokens = alike("Auth 2", await ask(service, "Auth 2", **{'"123"': f'"{code}"'}))
    token = {"access-token": tokens["accessToken"]}
    same("Auth 3", await ask(service, "Auth 3", **token))

    same("Auth 1-1", await ask(service, "Auth 1"))
    same("Auth 2-1", await ask(service, "Auth 2"))
    same("Auth 4-2", await ask(service, "Auth 4"))
    email = {"test@naver.com": "yhkim052556@naver.com"}
    same("Auth 4-1", await ask(service, "Auth 4", testPassword="testpassword", **email))
    alike("Auth 4", await ask(service, "Auth 4", **email))


async def test_auth_expired(service: Service, outbox: Path) -> None:
    phone = new_phone()
    same("Auth 1", await ask(service, "Auth 1", **{"01012345678": phone}))
    code = await code_sent_to(outbox, phone)
    async with tables(service.database) as conn:
        await conn.execute(
            update(auth_codes)
            .where(auth_codes.c.phone == "+82" + phone[1:])
            .values(expires_at=datetime(2001, 1, 1, tzinfo=UTC))
        )
    changed = {"01012345678": phone, '"123"': f'"{code}"'}
    same("Auth 2-3", await ask(service, "Auth 2", **changed))


async def test_mission(service: Service, outbox: Path) -> None:
    token = {"testToken": (await sign_up(service.http, outbox)).access_token}
    mission = alike("Mission 1", await ask(service, "Mission 1", **token))
    same("Mission 3", await ask(service, "Mission 3", mission123=mission["missionId"], **token))
    same("Mission 2", await ask(service, "Mission 2", **token))
    listed = alike("Mission 4", await ask(service, "Mission 4", **token))
    assert [one["content"] for one in listed] == [mission["content"], "나만의 미션: 빨래 개기"]
    assert all(LOCAL_TIME.fullmatch(one["targetDate"]) for one in listed)
    assert {one["status"] for one in listed} == {"ONGOING"}
    one = await ask(service, "Mission 5", m1=mission["missionId"], **token)
    assert alike("Mission 5", one) == listed[0]
    same("Mission 2", await ask(service, "Mission 2", **token))
    same("Mission 2-1", await ask(service, "Mission 2-1", **token))


async def test_mission_none_registered(service: Service, outbox: Path) -> None:
    token = {"testToken": (await sign_up(service.http, outbox)).access_token}
    registered = missions.c.retired_at.is_(None)
    async with tables(service.database) as conn:
        retired = (
            await conn.scalars(
                update(missions)
                .where(registered)
                .values(retired_at=missions.c.created_at)
                .returning(missions.c.id)
            )
        ).all()
    try:
        same("Mission 1-1", await ask(service, "Mission 1-1", **token))
    finally:
        async with tables(service.database) as conn:
            await conn.execute(
                update(missions).where(missions.c.id.in_(retired)).values(retired_at=None)
            )


async def test_friend(service: Service, outbox: Path) -> None:
    one, other = [await sign_up(service.http, outbox) for _ in range(2)]
    token = {"testToken": one.access_token}
    target = {"targetUserId": await user_id(service.http, one, other.name)}
    same("Friend 1", await ask(service, "Friend 1", **token, **target))
    same("Friend 1-1", await ask(service, "Friend 1-1", **token, **target))
    # Until the other has added them as well, e-mail and birthday are not theirs to see.
    reply = await ask(service, "Friend 3", **token)
    assert reply.json()["data"]["friends"] == [
        {
            "friendId": target["targetUserId"],
            "name": other.name,
            "email": "",
            "status": "normal",
            "birthday": "",
        }
    ]
    back = {"targetUserId": await user_id(service.http, other, one.name)}
    same("Friend 1", await ask(service, "Friend 1", testToken=other.access_token, **back))
    (friend,) = alike("Friend 3", await ask(service, "Friend 3", **token))["friends"]
    assert (friend["status"], friend["email"]) == ("friend", other.email)
    assert friend["birthday"] == "2001-05-25"
    same("Friend 2", await ask(service, "Friend 2", **token, **target))


async def test_post(service: Service, person: Account, friend: Account) -> None:
    before, after = example_pair()
    token = {"testToken": friend.access_token}
    made = alike("Post 1", await ask(service, "Post 1", before, **token))
    friend_id = await user_id(service.http, person, friend.name)
    # Title and text, which the document's request has no parts for, are empty without them.
    titled = await service.http.post(
        "/api/post",
        files=[("files", ("test.png", after, "image/png"))],
        data={"title": "청소 기록", "content": "거실 청소!"},
        headers=friend.bearer,
    )
    post = titled.json()["data"]["postId"]
    for number in (post, made["postId"]):
        said = await service.http.post(
            f"/api/post/{number}/comment", json={"content": "잘했어요!"}, headers=person.bearer
        )
        assert said.status_code == 201, said.text
    reply = await ask(service, "Post 2", friend1=friend_id, testToken=person.access_token)
    found = compare(EXCHANGES["Post 2"].body, reply.json())
    assert reply.status_code == 200
    assert not found.missing
    assert found.extra == {"data.data.nextPageToken"}
    assert reply.json()["data"]["nextPageToken"] is None
    # The example shows a post without pictures, which nobody can make.
    assert [text.split(":")[0] for text in found.other_types] == [
        f"data.data.posts[{index}].postDetails" for index in range(2)
    ]
    assert not found.nulls
    newest, oldest = reply.json()["data"]["posts"]
    assert (newest["postId"], newest["title"], newest["content"]) == (
        post,
        "청소 기록",
        "거실 청소!",
    )
    assert (oldest["postId"], oldest["title"], oldest["content"]) == (made["postId"], "", "")
    assert LOCAL_TIME.fullmatch(newest["uploadTime"])
    assert LOCAL_TIME.fullmatch(newest["comments"][0]["uploadTime"])
    (detail,) = newest["postDetails"]
    assert detail.keys() == {"fileId", "url", "thumbnailUrl", "contentType", "width", "height"}


async def test_user(service: Service, person: Account) -> None:
    token = {"testToken": person.access_token}
    data = alike("User 1", await ask(service, "User 1", **token))
    assert data["userName"] == "테스트유저"
    same("User 1-1", await ask(service, "User 1-1", **token))


async def test_ai(service: Service, outbox: Path) -> None:
    messy, tidy = example_pair()
    token = {"testToken": (await sign_up(service.http, outbox)).access_token}
    seen = alike("AI 1", await ask(service, "AI 1", tidy, **token))
    assert seen["choices"][0]["message"]["content"].startswith("방이 깨끗합니다.")

    await ask(service, "Mission 2", **token)
    (mission,) = (await ask(service, "Mission 4", **token)).json()["data"]
    here = {"mission123": mission["missionId"], **token}
    not_yet = await ask(service, "AI 2", messy, messy, **here)
    assert not_yet.status_code == 200
    assert not not_yet.json().startswith("미션 완료!")
    same("AI 2", await ask(service, "AI 2", messy, tidy, **here))
    (mission,) = alike("Mission 4", await ask(service, "Mission 4", **token))
    assert mission["status"] == "COMPLETED"

    made = alike("AI 3", await ask(service, "AI 3", messy, **token))
    (choice,) = made["choices"]
    assert (choice["index"], choice["message"]["role"]) == (0, "assistant")
    parts = re.fullmatch(r"(\S+)\n\nGPT Analysis:\n(.+)", choice["message"]["content"], re.DOTALL)
    assert parts is not None
    picture = await service.http.get(parts[1])
    assert picture.status_code == 200
    assert picture.headers["content-type"] in ("image/jpeg", "image/png")


def in_pieces(sent: bytes) -> list[bytes]:
    """Seven bytes a packet."""
    return [sent[at : at + 7] for at in range(0, len(sent), 7)]


def chunked(sent: bytes) -> list[bytes]:
    """Without a length."""
    head, _, content = sent.partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    half = len(content) // 2
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (content[:half], content[half:])]
    return [head + b"\r\n\r\n", *chunks, b"0\r\n\r\n"]


def small_letters(sent: bytes) -> list[bytes]:
    """The names of headers."""
    head, _, content = sent.partition(b"\r\n\r\n")
    names = re.compile(rb"^[\w-]+:", re.MULTILINE)
    return [names.sub(lambda name: name[0].lower(), head) + b"\r\n\r\n" + content]


@pytest.mark.parametrize("other", [in_pieces, chunked, small_letters])
async def test_the_same_from_another_client(
    service: Service, person: Account, other: Callable[[bytes], list[bytes]]
) -> None:
    """What may stand otherwise in a request, of a form with unquoted names and of JSON."""
    post, log_in = EXCHANGES["Post 1"].request, EXCHANGES["Auth 4"].request
    assert post is not None
    assert log_in is not None
    sent = post.bytes(picture(), testToken=person.access_token)
    alike("Post 1", await wire.send(service.url, *other(sent)))
    nobody = {"test@naver.com": f"{uuid.uuid4().hex}@naver.com"}
    same("Auth 4-2", await wire.send(service.url, *other(log_in.bytes(**nobody))))
