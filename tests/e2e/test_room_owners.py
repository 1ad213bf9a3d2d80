"""A stranger tries every id of somebody else in every call that takes one.

Whatever is tried, the answer is the one that an id gets which nobody has, and nothing changes.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from onegenie.friend.v1 import friend_pb2, friend_pb2_grpc
from onegenie.media.v1 import media_pb2, media_pb2_grpc
from onegenie.media.v1.picture_pb2 import Picture
from onegenie.mission.v1 import mission_pb2, mission_pb2_grpc
from onegenie.post.v1 import post_pb2, post_pb2_grpc
from onegenie.vision.v1 import vision_pb2, vision_pb2_grpc

from tests.e2e.room import Account, example_pair, sign_up, user_id
from tests.e2e.service import Service
from tests.e2e.up_process import Up

BEFORE, AFTER = example_pair()
KINDS = ("user", "mission", "suggestion", "post", "file")

# Verb, path and JSON body, where {id} is what is tried; `files` is sent as a form.
REST: dict[str, tuple[str, str, Any]] = {
    "accept": ("POST", "/api/today-mission/accept", {"missionId": "{id}"}),
    "get": ("GET", "/api/today-mission/{id}/", None),
    "verify": ("POST", "/ai/image/mission-verify/{id}", "files"),
    "comment": ("POST", "/api/post/{id}/comment", {"content": "여기!"}),
    "comments": ("GET", "/api/post/{id}/comment", None),
    "posts": ("GET", "/api/post?friendIds={id}", None),
    "unfriend": ("DELETE", "/api/friend", {"targetId": "{id}"}),
    "media": ("GET", "/media/{id}", None),
}


def grpc_call(channel: grpc.aio.Channel, name: str, one: str) -> tuple[Any, Any]:
    """The method of the same name, and its request."""
    missions = mission_pb2_grpc.MissionServiceStub(channel)
    posts = post_pb2_grpc.PostServiceStub(channel)
    calls = {
        "accept": (missions.AcceptMission, mission_pb2.AcceptMissionRequest(mission_id=one)),
        "get": (missions.GetMission, mission_pb2.GetMissionRequest(today_mission_id=one)),
        "verify": (
            vision_pb2_grpc.VisionServiceStub(channel).VerifyMission,
            vision_pb2.VerifyMissionRequest(
                today_mission_id=one,
                before_image=Picture(content=BEFORE),
                after_image=Picture(content=AFTER),
            ),
        ),
        "comment": (posts.AddComment, post_pb2.AddCommentRequest(post_id=one, content="여기!")),
        "comments": (posts.ListComments, post_pb2.ListCommentsRequest(post_id=one)),
        "posts": (posts.ListPosts, post_pb2.ListPostsRequest(friend_ids=[one])),
        "unfriend": (
            friend_pb2_grpc.FriendServiceStub(channel).RemoveFriend,
            friend_pb2.RemoveFriendRequest(target_id=one),
        ),
        "media": (
            media_pb2_grpc.MediaServiceStub(channel).GetMedia,
            media_pb2.GetMediaRequest(file_id=one),
        ),
    }
    return calls[name]


@dataclass
class Scene:
    """A stranger, and somebody with one of everything."""

    service: Service
    stranger: Account
    owner: Account
    ids: dict[str, str]

    async def rest(self, name: str, one: str) -> tuple[Any, ...]:
        """Status and body of the stranger's try, without the id."""
        verb, path, body = REST[name]
        sent: dict[str, Any] = {}
        if body == "files":
            photos = (("beforeImage", BEFORE), ("afterImage", AFTER))
            sent["files"] = {part: ("a.jpg", photo, "image/jpeg") for part, photo in photos}
        elif body is not None:
            sent["json"] = {key: value.replace("{id}", one) for key, value in body.items()}
        url = path.replace("{id}", one)
        http = self.service.http
        reply = await http.request(verb, url, headers=self.stranger.bearer, **sent)
        return reply.status_code, reply.text.replace(one, "")

    async def grpc(self, name: str, one: str) -> tuple[Any, ...]:
        """Code and details, or the reply."""
        method, request = grpc_call(self.service.channel, name, one)
        metadata = (("authorization", self.stranger.bearer["Authorization"]),)
        try:
            return "OK", str(await method(request, metadata=metadata, timeout=60))
        except grpc.aio.AioRpcError as error:
            trailers = dict(error.trailing_metadata() or ())
            return error.code(), error.details(), trailers.get("grpc-status-details-bin")

    async def owned(self) -> list[Any]:
        """What the owner sees of their own."""
        paths = ("/api/today-mission", "/api/today-mission/recommend", "/api/friend/list")
        answers = [
            (await self.service.http.get(path, headers=self.owner.bearer)).json() for path in paths
        ]
        posts = await self.service.http.get("/api/post", headers=self.owner.bearer)
        return [*answers, [post["comments"] for post in posts.json()["data"]["posts"]]]


@pytest.fixture(scope="module")
async def scene(service: Service, up: Up) -> Scene:
    outbox, http = up.directory / "outbox" / "sms.jsonl", service.http
    stranger, owner = [await sign_up(http, outbox) for _ in range(2)]
    await http.post("/api/today-mission", json={"mission": "빨래 개기"}, headers=owner.bearer)
    listed = (await http.get("/api/today-mission", headers=owner.bearer)).json()["data"]
    suggested = (await http.get("/api/today-mission/recommend", headers=owner.bearer)).json()
    files = [("files", ("room.jpg", BEFORE, "image/jpeg"))]
    await http.post("/api/post", files=files, headers=owner.bearer)
    (post,) = (await http.get("/api/post", headers=owner.bearer)).json()["data"]["posts"]
    ids = {
        "user": await user_id(http, stranger, owner.name),
        "mission": listed[0]["missionId"],
        "suggestion": suggested["data"]["missionId"],
        "post": post["postId"],
        "file": post["postDetails"][0]["fileId"],
    }
    assert ids.keys() == set(KINDS)
    return Scene(service, stranger, owner, ids)


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize("kind", KINDS)
async def test_as_if_nobody_had_it(scene: Scene, kind: str, transport: str) -> None:
    before = await scene.owned()
    for name in REST:
        if (kind, name) == ("user", "unfriend"):
            continue  # whoever searches by name learns that a user exists: see below
        attempt = getattr(scene, transport)
        theirs = await attempt(name, scene.ids[kind])
        assert theirs == await attempt(name, str(uuid.uuid4())), name
    assert await scene.owned() == before


async def test_adding_somebody_shows_nothing_of_them(scene: Scene) -> None:
    http, target = scene.service.http, {"targetId": scene.ids["user"]}
    assert (await scene.rest("unfriend", scene.ids["user"]))[0] == 404
    await http.post("/api/friend", json=target, headers=scene.stranger.bearer)
    try:
        listed = await http.get("/api/friend/list", headers=scene.stranger.bearer)
        (one,) = listed.json()["data"]["friends"]
        assert (one["status"], one["email"], one["birthday"]) == ("normal", "", "")
        posts = await http.get("/api/post", headers=scene.stranger.bearer)
        assert posts.json()["data"]["posts"] == []
        for name in ("comment", "comments", "posts"):
            unknown = await scene.rest(name, str(uuid.uuid4()))
            assert await scene.rest(name, scene.ids["post"]) == unknown
        assert (await scene.rest("posts", scene.ids["user"]))[1].endswith(
            '{"posts":[],"nextPageToken":null}}'
        )
    finally:
        await http.request("DELETE", "/api/friend", json=target, headers=scene.stranger.bearer)


async def test_nothing_without_a_token(scene: Scene) -> None:
    for name, (verb, path, _) in REST.items():
        if name == "media":
            continue  # the link is the credential
        reply = await scene.service.http.request(verb, path.replace("{id}", scene.ids["post"]))
        assert reply.status_code == 401, name
        assert reply.json()["error"]["errorCode"] == "COMMON_3"
