"""FriendService on a core process."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from onegenie.friend.v1 import friend_pb2 as pb
from onegenie.friend.v1 import friend_pb2_grpc as pb_grpc
from sqlalchemy import insert

from core.platform.database import Database
from core.platform.paging import make_token
from core.room.accounts.tables import users
from core.room.friend.sql import mutual_friends
from core.room.friend.tables import friends
from tests.support import Person, fields_of, make_person, reason_of, refusal, running_core, tables

START = dt.datetime(2026, 4, 1, 3, tzinfo=dt.UTC)


class FriendCaller:
    """A person who calls FriendService."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.id = str(person.id)
        self._stub = pb_grpc.FriendServiceStub(person.channel)
        self._options: dict[str, Any] = {"metadata": person.metadata, "timeout": 20}

    async def add(self, target_id: str) -> pb.AddFriendResponse:
        return await self._stub.AddFriend(pb.AddFriendRequest(target_id=target_id), **self._options)

    async def remove(self, target_id: str) -> pb.RemoveFriendResponse:
        return await self._stub.RemoveFriend(
            pb.RemoveFriendRequest(target_id=target_id), **self._options
        )

    async def page(self, **request: Any) -> pb.ListFriendsResponse:
        return await self._stub.ListFriends(pb.ListFriendsRequest(**request), **self._options)

    async def friends(self) -> list[pb.Friend]:
        return list((await self.page()).friends)


Make = Callable[..., Awaitable[FriendCaller]]


@pytest.fixture(scope="module")
async def make(shared_database: Database, shared_database_url: str) -> AsyncIterator[Make]:
    """Makes people. Each look at the core's clock is a second later than the one before."""
    now = START

    def clock() -> dt.datetime:
        nonlocal now
        now += dt.timedelta(seconds=1)
        return now

    async with running_core(shared_database_url, clock=clock) as channel:

        async def make(name: str = "테스트유저", **columns: Any) -> FriendCaller:
            return FriendCaller(await make_person(shared_database, channel, name, **columns))

        yield make


async def test_friends_once_both_have_added_each_other(make: Make) -> None:
    me = await make("나", email="me@example.com", birth=dt.date(1999, 12, 31))
    you = await make("친구1", email="friend@test.com", birth=dt.date(2000, 1, 1))

    assert (await me.add(you.id)).message == "성공"
    normal = pb.Friend(friend_id=you.id, name="친구1", status=pb.FRIEND_STATUS_NORMAL)
    assert await me.friends() == [normal]
    assert await you.friends() == []

    await you.add(me.id)
    (friend,) = await me.friends()
    assert friend == pb.Friend(
        friend_id=you.id,
        name="친구1",
        email="friend@test.com",
        birthday="2000-01-01",
        status=pb.FRIEND_STATUS_FRIEND,
    )
    (back,) = await you.friends()
    assert (back.email, back.birthday) == ("me@example.com", "1999-12-31")

    # One-way again: what was theirs to show is hidden again.
    assert (await you.remove(me.id)).message == "성공"
    assert await me.friends() == [normal]
    assert await you.friends() == []


async def test_a_friend_who_gave_neither(make: Make) -> None:
    me, you = await make("나"), await make("친구1")
    await me.add(you.id)
    await you.add(me.id)

    (friend,) = await me.friends()

    assert friend.status == pb.FRIEND_STATUS_FRIEND
    assert (friend.email, friend.birthday) == ("", "")


async def test_who_cannot_be_added(make: Make) -> None:
    me, you = await make(), await make()
    await me.add(you.id)

    assert reason_of(await refusal(me.add(you.id))) == "ALREADY_FRIENDS"
    assert reason_of(await refusal(me.add(you.id.upper()))) == "ALREADY_FRIENDS"
    for nobody in (str(uuid.uuid4()), "targetUserId", you.person.id.hex, f"{{{you.id}}}"):
        assert reason_of(await refusal(me.add(nobody))) == "USER_NOT_FOUND"
    for oneself in (me.id, me.id.upper()):
        error = await refusal(me.add(oneself))
        assert reason_of(error) == "INVALID_REQUEST"
        assert fields_of(error) == ["targetId"]
    assert len(await me.friends()) == 1


async def test_who_cannot_be_removed(make: Make) -> None:
    me, you = await make(), await make()
    await you.add(me.id)

    # That you have added me doesn't make you mine.
    assert reason_of(await refusal(me.remove(you.id))) == "NOT_A_FRIEND"
    assert reason_of(await refusal(me.remove(me.id))) == "NOT_A_FRIEND"
    for nobody in (str(uuid.uuid4()), "targetUserId"):
        assert reason_of(await refusal(me.remove(nobody))) == "USER_NOT_FOUND"

    await me.add(you.id)
    await me.remove(you.id.upper())
    assert reason_of(await refusal(me.remove(you.id))) == "NOT_A_FRIEND"
    assert [friend.friend_id for friend in await you.friends()] == [me.id]


async def test_two_who_add_at_once(make: Make) -> None:
    me, you = await make(), await make()

    results = await asyncio.gather(*(me.add(you.id) for _ in range(10)), return_exceptions=True)

    refusals = [r for r in results if isinstance(r, grpc.aio.AioRpcError)]
    assert [reason_of(error) for error in refusals] == ["ALREADY_FRIENDS"] * 9
    assert len(await me.friends()) == 1


async def test_mutual_friends(make: Make, shared_database: Database) -> None:
    me, friend, added, fan = [await make() for _ in range(4)]
    await me.add(friend.id)
    await friend.add(me.id)
    await me.add(added.id)
    await fan.add(me.id)

    assert await mutual_friends(shared_database, me.person.id) == {friend.person.id}
    assert await mutual_friends(shared_database, fan.person.id) == set()


async def test_without_a_page_size_everybody(make: Make, shared_database: Database) -> None:
    me, last = await make(), await make()
    ids = [uuid.uuid4() for _ in range(1100)]
    async with tables(shared_database) as conn:
        rows = [
            {"id": id, "phone": f"+{id.int}", "name": "친구", "created_at": START} for id in ids
        ]
        await conn.execute(insert(users), rows)
        # Many at the same moment.
        added = [{"user_id": me.person.id, "friend_id": id, "created_at": START} for id in ids]
        await conn.execute(insert(friends), added)
    await me.add(last.id)

    page = await me.page()

    assert [friend.friend_id for friend in page.friends] == [
        last.id,
        *sorted(map(str, ids), reverse=True),
    ]
    assert not page.HasField("next_page_token")
    # Where a page ended, all the others follow.
    first = await me.page(page_size=100)
    rest = await me.page(page_token=first.next_page_token)
    assert list(page.friends) == [*first.friends, *rest.friends]


async def test_pages_hold_while_friends_come_and_go(make: Make) -> None:
    me = await make()
    ids = [(await make()).id for _ in range(5)]
    for id in ids:
        await me.add(id)

    first = await me.page(page_size=2)
    assert [friend.friend_id for friend in first.friends] == [ids[4], ids[3]]
    # One more at the top, and the one at which the page ended is gone.
    await me.add((await make()).id)
    await me.remove(ids[3])
    second = await me.page(page_size=2, page_token=first.next_page_token)
    assert [friend.friend_id for friend in second.friends] == [ids[2], ids[1]]
    third = await me.page(page_size=2, page_token=second.next_page_token)
    assert [friend.friend_id for friend in third.friends] == [ids[0]]
    assert not third.HasField("next_page_token")
    # A page that is just full is the last one, too.
    assert not (await me.page(page_size=5)).HasField("next_page_token")


async def test_the_same_moment_is_no_reason_to_lose_anyone(
    shared_database: Database, shared_database_url: str
) -> None:
    async with running_core(shared_database_url, clock=lambda: START) as channel:
        me = FriendCaller(await make_person(shared_database, channel))
        ids = {str((await make_person(shared_database, channel)).id) for _ in range(5)}
        for id in ids:
            await me.add(id)

        seen, token = [], ""
        for _ in ids:
            page = await me.page(page_size=1, page_token=token)
            seen += [friend.friend_id for friend in page.friends]
            token = page.next_page_token

        assert len(seen) == 5
        assert set(seen) == ids
        assert not token


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    ["x", "next", "%%%", make_token(5), _token("1.2.3"), _token("-1.2"), _token(f"1.{2**128}")],
)
async def test_a_token_that_is_none(make: Make, token: str) -> None:
    error = await refusal((await make()).page(page_size=2, page_token=token))
    assert reason_of(error) == "INVALID_REQUEST"
    assert fields_of(error) == ["pageToken"]


@pytest.mark.parametrize("size", [0, -1, 101])
async def test_a_page_size_out_of_bounds(make: Make, size: int) -> None:
    error = await refusal((await make()).page(page_size=size))
    assert fields_of(error) == ["pageSize"]
