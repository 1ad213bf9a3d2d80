"""A person's way through the app, from the first SMS to a friend's comment, over each transport."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Protocol

import grpc
import httpx
import pytest
from google.protobuf import json_format
from onegenie.auth.v1 import auth_pb2, auth_pb2_grpc
from onegenie.friend.v1 import friend_pb2, friend_pb2_grpc
from onegenie.media.v1 import media_pb2_grpc, picture_pb2
from onegenie.mission.v1 import mission_pb2, mission_pb2_grpc
from onegenie.post.v1 import post_pb2, post_pb2_grpc
from onegenie.user.v1 import user_pb2, user_pb2_grpc
from onegenie.vision.v1 import vision_pb2, vision_pb2_grpc

from tests.e2e.room import PASSWORD, code_sent_to, example_pair, new_phone
from tests.e2e.service import Service
from tests.e2e.up_process import Up
from tests.support import asked_for, code_of

Json = dict[str, Any]
REST_CALLS = {
    "SendSignUpCode": ("POST", "/api/auth/create/send"),
    "VerifySignUpCode": ("POST", "/api/auth/create/verify"),
    "CreatePassword": ("POST", "/api/auth/create/password"),
    "LogIn": ("POST", "/api/auth/login"),
    "RefreshTokens": ("POST", "/api/auth/refresh"),
    "LogOut": ("POST", "/api/auth/logout"),
    "RecommendMission": ("GET", "/api/today-mission/recommend"),
    "AcceptMission": ("POST", "/api/today-mission/accept"),
    "ListMissions": ("GET", "/api/today-mission/"),
    "VerifyMission": ("POST", "/ai/image/mission-verify/{todayMissionId}"),
    "GenerateTidyRoom": ("POST", "/ai/image/generate"),
    "SearchUser": ("GET", "/api/users/search"),
    "AddFriend": ("POST", "/api/friend"),
    "ListFriends": ("GET", "/api/friend/list"),
    "CreatePost": ("POST", "/api/post"),
    "ListPosts": ("GET", "/api/post"),
    "AddComment": ("POST", "/api/post/{postId}/comment"),
}
# What REST clients get in the place of a whole reply.
BODIES = {"ListMissions": "missions", "VerifyMission": "text", "AddComment": "comment"}
DEVICE = {"deviceId": "phone", "provider": "ios", "appToken": "push"}


class App(Protocol):
    """The app on a phone: every call as JSON in the document's spelling; `token` once signed in."""

    token: str

    async def call(self, name: str, /, **fields: Any) -> Any: ...


class RestApp:
    """The app of a legacy client. A call is its verb, its path and its fields."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.token = ""

    async def call(self, name: str, /, **fields: Any) -> Any:
        verb, path = REST_CALLS[name]
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for key in [key for key in fields if f"{{{key}}}" in path]:
            path = path.replace(f"{{{key}}}", fields.pop(key))
        files = [
            (key, ("photo.jpg", picture, "image/jpeg"))
            for key, value in fields.items()
            for picture in (value if isinstance(value, list) else [value])
            if isinstance(picture, bytes)
        ]
        if files:
            given = {key: value for key, value in fields.items() if isinstance(value, str)}
            sent: Json = {"files": files, "data": given}
        else:
            sent = {"params": fields} if verb == "GET" else {"json": fields}
        reply = await self.http.request(verb, path, headers=headers, **sent)
        body = reply.json()
        if reply.status_code >= 400:
            raise Refused((body.get("data") or body["error"])["errorCode"])
        return body["data"] if isinstance(body, dict) and "status" in body else body

    async def picture(self, link: str) -> tuple[str, bytes]:
        reply = await self.http.get(link)
        assert reply.status_code == 200
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in reply.headers["cache-control"]
        return reply.headers["content-type"], reply.content


class GrpcApp:
    """The app of an iOS client."""

    SERVICES = (
        (auth_pb2, auth_pb2_grpc.AuthServiceStub),
        (mission_pb2, mission_pb2_grpc.MissionServiceStub),
        (friend_pb2, friend_pb2_grpc.FriendServiceStub),
        (user_pb2, user_pb2_grpc.UserServiceStub),
        (post_pb2, post_pb2_grpc.PostServiceStub),
        (vision_pb2, vision_pb2_grpc.VisionServiceStub),
    )

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.token = ""

    async def call(self, name: str, /, **fields: Any) -> Any:
        module, stub = next(
            (module, stub) for module, stub in self.SERVICES if hasattr(module, f"{name}Request")
        )
        request = getattr(module, f"{name}Request")()
        for key, value in list(fields.items()):
            pictures = value if isinstance(value, list) else [value]
            if isinstance(pictures[0], bytes):
                parts = [picture_pb2.Picture(content=one, filename="a.jpg") for one in pictures]
                field = "".join(f"_{c.lower()}" if c.isupper() else c for c in key)
                if isinstance(value, list):
                    getattr(request, field).extend(parts)
                else:
                    getattr(request, field).CopyFrom(parts[0])
                del fields[key]
        json_format.ParseDict(fields, request)
        metadata = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        try:
            reply = await getattr(stub(self.channel), name)(request, metadata=metadata, timeout=60)
        except grpc.aio.AioRpcError as error:
            raise Refused(code_of(error)) from error
        data = json_format.MessageToDict(reply, always_print_fields_with_no_presence=True)
        return data[BODIES[name]] if name in BODIES else data

    async def picture(self, link: str) -> tuple[str, bytes]:
        stub = media_pb2_grpc.MediaServiceStub(self.channel)
        reply = await stub.GetMedia(asked_for(link), timeout=20)
        return reply.content_type, reply.data


class Refused(Exception):
    """The service refused a call with this code."""


@pytest.fixture(params=[RestApp, GrpcApp], ids=["rest", "grpc"])
async def apps(request: pytest.FixtureRequest, service: Service) -> list[Any]:
    """Two phones."""
    line = service.http if request.param is RestApp else service.channel
    return [request.param(line) for _ in range(2)]


async def sign_up(app: App, outbox: Path, name: str) -> Json:
    """From the first SMS to a log-in with the password; e-mail and tokens."""
    phone = new_phone()
    number = {"phoneNumber": phone, "countryCode": "82"}
    assert await app.call("SendSignUpCode", **number) == {"message": "성공"}
    code = await code_sent_to(outbox, phone)
    who = {"userName": name, **number, **DEVICE}
    with pytest.raises(Refused, match="AUTH_1"):
        await app.call("VerifySignUpCode", verificationCode=str(int(code) ^ 1).zfill(6), **who)
    tokens = await app.call("VerifySignUpCode", verificationCode=code, **who)
    app.token = tokens["accessToken"]
    email = f"{phone}@naver.com"
    made = await app.call("CreatePassword", email=email, birth="2001-05-25", password=PASSWORD)
    assert made == {"message": "생성 완료"}
    app.token = ""
    with pytest.raises(Refused, match="USER_3"):
        await app.call("SendSignUpCode", **number)
    with pytest.raises(Refused, match="AUTH_9"):
        await app.call("LogIn", email=email, password="wrong", **DEVICE)
    tokens = await app.call("LogIn", email=email, password=PASSWORD, **DEVICE)
    app.token = tokens["accessToken"]
    return {"email": email, **tokens}


async def test_story(apps: list[Any], up: Up) -> None:
    app, other = apps
    outbox = up.directory / "outbox" / "sms.jsonl"
    names = [f"{type(app).__name__} {number}" for number in (1, 2)]
    account = await sign_up(app, outbox, names[0])
    await sign_up(other, outbox, names[1])

    # A mission, proved with photos.
    mission = await app.call("RecommendMission")
    assert await app.call("AcceptMission", missionId=mission["missionId"]) == {"message": "성공"}
    before, after = example_pair()
    proof = {"todayMissionId": mission["missionId"], "beforeImage": before}
    said = await app.call("VerifyMission", afterImage=before, **proof)
    assert not said.startswith("미션 완료!")
    (listed,) = await app.call("ListMissions")
    assert (listed["content"], "ONGOING" in listed["status"]) == (mission["content"], True)
    said = await app.call("VerifyMission", afterImage=after, **proof)
    assert said.startswith("미션 완료! 방이 깨끗하게 정리되었습니다.")
    (listed,) = await app.call("ListMissions")
    assert "COMPLETED" in listed["status"]

    # A post, which only friends see.
    post = await app.call("CreatePost", files=[before, after], title="청소 기록", content="끝!")
    found = await other.call("SearchUser", name=names[0])
    assert found["userName"] == names[0]
    assert (await other.call("ListPosts", friendIds=[found["userId"]]))["posts"] == []
    with pytest.raises(Refused, match="POST_1"):
        await other.call("AddComment", postId=post["postId"], content="잘했어요!")
    await other.call("AddFriend", targetId=found["userId"])
    me = await app.call("SearchUser", name=names[1])
    await app.call("AddFriend", targetId=me["userId"])
    (friend,) = (await other.call("ListFriends"))["friends"]
    assert (friend["name"], friend["email"]) == (names[0], account["email"])

    # A friend's comment.
    await other.call("AddComment", postId=post["postId"], content="잘했어요!")
    (seen,) = (await app.call("ListPosts"))["posts"]
    assert (seen["postId"], seen["title"]) == (post["postId"], "청소 기록")
    assert [comment["content"] for comment in seen["comments"]] == ["잘했어요!"]
    assert len(seen["postDetails"]) == 2
    kind, picture = await other.picture(seen["postDetails"][0]["url"])
    assert kind == seen["postDetails"][0]["contentType"]
    assert picture != before  # made anew, without what the camera wrote beside it

    # New tokens, and the way out.
    app.token = ""
    renewed = await app.call("RefreshTokens", refreshToken=account["refreshToken"])
    app.token = renewed["accessToken"]
    assert await app.call("LogOut") == {"message": "성공"}
    with pytest.raises(Refused, match="COMMON_3"):
        await app.call("RefreshTokens", refreshToken=renewed["refreshToken"])


async def test_a_room_is_tidied_with_its_progress_over_rest(service: Service, up: Up) -> None:
    app = RestApp(service.http)
    await sign_up(app, up.directory / "outbox" / "sms.jsonl", "REST 3")
    untidy, _ = example_pair()
    reply = await service.http.post(
        "/ai/image/generate/events",
        files={"image": ("room.jpg", untidy, "image/jpeg")},
        headers={"Authorization": f"Bearer {app.token}"},
    )
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream")
    events = re.findall(r"^event: (\w+)\ndata: (.*)$", reply.text, re.MULTILINE)
    *progress, (last, answer) = events
    assert {event for event, _ in progress} == {"progress"}
    shares = [json.loads(data)["share"] for _, data in events]
    assert shares == sorted(shares)
    assert (last, shares[-1]) == ("done", 1)
    (choice,) = json.loads(answer)["choices"]
    link, text = choice["message"]["content"].split("\n\nGPT Analysis:\n")
    assert text
    assert (await app.picture(link))[0] == "image/jpeg"
