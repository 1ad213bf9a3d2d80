"""Lists that are whole, however long, as Envoy passes them on."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from onegenie.friend.v1 import friend_pb2 as friend_pb
from onegenie.friend.v1 import friend_pb2_grpc as friend_grpc
from sqlalchemy import insert

from core.platform.clock import utc_now
from core.room.accounts.tables import users
from core.room.friend.tables import friends
from core.room.post.tables import post_comments, posts
from tests.e2e.people import People
from tests.e2e.service import Service
from tests.support import Person, tables


@pytest.fixture
async def person(service: Service) -> Person:
    return await People(service).add()


async def test_every_friend(service: Service, person: Person) -> None:
    now, ids = utc_now(), [uuid.uuid4() for _ in range(2000)]
    async with tables(service.database) as conn:
        rows = [{"id": id, "phone": f"+{id.int}", "name": "친구", "created_at": now} for id in ids]
        await conn.execute(insert(users), rows)
        added = [{"user_id": person.id, "friend_id": id, "created_at": now} for id in ids]
        await conn.execute(insert(friends), added)
    reply = await service.http.get("/api/friend/list", headers=bearer(person))
    data = reply.json()["data"]
    assert data.keys() == {"friends"}
    assert {each["friendId"] for each in data["friends"]} == set(map(str, ids))
    listed = await friend_grpc.FriendServiceStub(service.channel).ListFriends(
        friend_pb.ListFriendsRequest(), metadata=person.metadata, timeout=30
    )
    assert [each.friend_id for each in listed.friends] == [
        each["friendId"] for each in data["friends"]
    ]


async def test_every_post_with_every_comment(service: Service, person: Person) -> None:
    """205 posts, the newest but one with 9,000 comments: more than 9 MiB in one answer."""
    base = {"user_id": person.id, "created_at": utc_now()}
    made = [uuid.uuid4() for _ in range(205)]
    async with tables(service.database) as conn:
        await conn.execute(insert(posts), [base | {"id": id, "title": str(id)} for id in made])
        content = "가" * 350
        comments = [base | {"post_id": made[203], "content": f"{n} {content}"} for n in range(9000)]
        await conn.execute(insert(post_comments), comments)
    seen: list[Any] = []
    query: dict[str, Any] = {}
    for expected in (100, 100, 5):
        reply = await service.http.get("/api/post", params=query, headers=bearer(person))
        data = reply.json()["data"]
        assert data.keys() == {"posts", "nextPageToken"}
        assert len(data["posts"]) == expected
        seen += data["posts"]
        query = {"pageToken": data["nextPageToken"]}
    assert query == {"pageToken": None}
    assert [each["postId"] for each in seen] == [str(id) for id in reversed(made)]
    numbers = [int(each["content"].split()[0]) for each in seen[1]["comments"]]
    assert numbers == list(range(9000))


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.access_token}"}
