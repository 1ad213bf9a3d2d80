"""PostService and MediaService on a core process: what friends show each other, and nobody else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from onegenie.media.v1 import media_pb2_grpc, picture_pb2
from onegenie.post.v1 import post_pb2 as pb
from onegenie.post.v1 import post_pb2_grpc as pb_grpc
from sqlalchemy import func, insert, select

from core.platform.database import Connection, Database, Query
from core.platform.paging import make_token
from core.room.friend import sql as friend_sql
from core.room.friend.tables import friends
from core.room.media.pictures import MAX_BYTES
from core.room.media.tables import media_files
from core.room.post import sql as post_sql
from core.room.post.tables import post_comments, posts
from tests.clock import FakeClock
from tests.photos import FORMATS, encode, gradient, photo
from tests.support import Person, asked_for, make_person, refused, running_core, tables

SMALL = photo("PNG", 8, 6)


@dataclass
class Author:
    """A person who calls PostService."""

    person: Person
    stub: Any = field(init=False)
    options: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.stub = pb_grpc.PostServiceStub(self.person.channel)
        self.options = {"metadata": self.person.metadata, "timeout": 60}

    @property
    def id(self) -> str:
        return str(self.person.id)

    async def post(self, *files: bytes, name: str = "test.png", **texts: str) -> str:
        pictures = [
            picture_pb2.Picture(content=content, filename=name, content_type="image/png")
            for content in files or (SMALL,)
        ]
        request = pb.CreatePostRequest(files=pictures, **texts)
        return (await self.stub.CreatePost(request, **self.options)).post_id

    async def list(self, *friend_ids: str, **page: Any) -> pb.ListPostsResponse:
        request = pb.ListPostsRequest(friend_ids=friend_ids, **page)
        return await self.stub.ListPosts(request, **self.options)

    async def ids(self, *friend_ids: str, **page: Any) -> Sequence[str]:
        return [post.post_id for post in (await self.list(*friend_ids, **page)).posts]

    async def comment(self, post_id: str, content: str = "잘했어요!") -> pb.Comment:
        request = pb.AddCommentRequest(post_id=post_id, content=content)
        return (await self.stub.AddComment(request, **self.options)).comment

    async def comments(self, post_id: str, **page: Any) -> pb.ListCommentsResponse:
        request = pb.ListCommentsRequest(post_id=post_id, **page)
        return await self.stub.ListComments(request, **self.options)


@dataclass
class Room:
    """A core, its pictures' folder, and three people: `me` and `friend` are friends."""

    channel: grpc.aio.Channel
    database: Database
    clock: FakeClock
    folder: Path
    me: Author
    friend: Author
    stranger: Author

    async def add(self, one: Author, other: Author) -> None:
        """`one` adds `other`."""
        async with tables(self.database) as conn:
            await conn.execute(
                insert(friends).values(
                    user_id=one.person.id, friend_id=other.person.id, created_at=self.clock()
                )
            )

    async def remove(self, one: Author, other: Author) -> None:
        async with tables(self.database) as conn:
            await conn.execute(
                friends.delete().filter_by(user_id=one.person.id, friend_id=other.person.id)
            )

    async def count(self, table: Any) -> int:
        async with tables(self.database) as conn:
            return int(await conn.scalar(select(func.count()).select_from(table)) or 0)

    async def add_comments(self, post_id: str, number: int) -> None:
        """So many comments of mine on a post, "0" and so on."""
        row = {
            "post_id": uuid.UUID(post_id),
            "user_id": self.me.person.id,
            "created_at": self.clock(),
        }
        async with tables(self.database) as conn:
            if number:
                rows = [row | {"content": str(n)} for n in range(number)]
                await conn.execute(insert(post_comments), rows)

    def objects(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    async def nothing_is_kept(self) -> bool:
        return await self.count(posts) == await self.count(media_files) == len(self.objects()) == 0

    async def get(self, url: str) -> Any:
        """What a link gives, with the metadata it came with."""
        stub = media_pb2_grpc.MediaServiceStub(self.channel)
        call = stub.GetMedia(asked_for(url), timeout=20)
        body = await call
        return body, dict(await call.initial_metadata())


@pytest.fixture
async def room(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    clock = FakeClock()
    async with running_core(database_url, clock=clock, data_dir=tmp_path) as channel:
        people = [Author(await make_person(database, channel, name)) for name in "ABC"]
        made = Room(channel, database, clock, tmp_path / "pictures", *people)
        await made.add(made.me, made.friend)
        await made.add(made.friend, made.me)
        yield made


# ---- making a post ----


async def test_a_post_shows_its_pictures_in_order(room: Room) -> None:
    sizes = [(64, 48), (48, 64), (400, 20), (30, 30)]
    files = [photo(kind, *size) for kind, size in zip(FORMATS, sizes, strict=True)]

    post_id = await room.me.post(*files, title=" 청소 기록 ", content="\n거실 청소!\n")

    (post,) = (await room.me.list()).posts
    assert (post.post_id, post.title, post.content) == (post_id, "청소 기록", "거실 청소!")
    assert post.upload_time.ToDatetime() == room.clock().replace(tzinfo=None)
    assert [(detail.width, detail.height) for detail in post.post_details] == sizes
    assert len({detail.file_id for detail in post.post_details}) == 4
    for detail in post.post_details:
        picture, headers = await room.get(detail.url)
        thumbnail, _ = await room.get(detail.thumbnail_url)
        assert picture.content_type == thumbnail.content_type == detail.content_type == "image/jpeg"
        assert picture.data.startswith(b"\xff\xd8\xff")
        assert thumbnail.data.startswith(b"\xff\xd8\xff")
        seconds = 7 * 3600  # on the hour, the longest a link works
        assert headers["cache-control"] == f"private, max-age={seconds}, immutable"
        assert headers["vary"] == "Origin"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["content-disposition"] == "inline"
        assert detail.file_id in headers["etag"]


async def test_texts_are_empty_when_there_is_nothing_to_see(room: Room) -> None:
    await room.me.post(title="  ", content="")
    await room.me.post(title="\u200b\u202e", content="\u3164\n\ufeff")
    await room.me.post()

    for post in (await room.me.list()).posts:
        assert (post.title, post.content) == ("", "")


async def test_texts_turn_nothing_round(room: Room) -> None:
    await room.me.post(title="\u202e청소\u202c 기록", content="첫 줄\r\n👩\u200d💻 \x1b[2J")

    (post,) = (await room.me.list()).posts
    assert (post.title, post.content) == ("청소 기록", "첫 줄\n👩\u200d💻 [2J")
    said = await room.friend.comment(post.post_id, "\u2067잘했어요!\u2069\n نمی\u200cخواهم")
    assert said.content == "잘했어요!\n نمی\u200cخواهم"


async def test_texts_have_their_bounds(room: Room) -> None:
    await room.me.post(title="제" * 100, content="내" * 2000)

    assert await refused(room.me.post(title="제" * 101)) == ("INVALID_REQUEST", ["title"])
    assert await refused(room.me.post(content="내" * 2001)) == ("INVALID_REQUEST", ["content"])


async def test_one_to_ten_pictures(room: Room) -> None:
    empty = room.me.stub.CreatePost(pb.CreatePostRequest(), **room.me.options)
    assert await refused(empty) == ("INVALID_REQUEST", ["files"])
    assert await refused(room.me.post(*[SMALL] * 11)) == ("PAYLOAD_TOO_LARGE", ["files"])
    assert await room.nothing_is_kept()

    await room.me.post(*[SMALL] * 10)

    (post,) = (await room.me.list()).posts
    assert len(post.post_details) == 10


@pytest.mark.parametrize(
    "bad",
    [
        SMALL[: len(SMALL) // 2],
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        encode(gradient(), "GIF"),
        b"\x89PNG\r\n\x1a\n" + b"\0" * 60,
    ],
    ids=["truncated", "svg", "gif", "mislabelled"],
)
async def test_one_bad_picture_and_nothing_is_kept(room: Room, bad: bytes) -> None:
    assert await refused(room.me.post(SMALL, SMALL, bad, SMALL)) == (
        "INVALID_REQUEST",
        ["files[2]"],
    )
    assert await room.nothing_is_kept()


async def test_a_missing_content_is_named(room: Room) -> None:
    assert await refused(room.me.post(SMALL, b"")) == ("INVALID_REQUEST", ["files[1].content"])
    assert await room.nothing_is_kept()


async def test_one_of_more_than_10_mib_is_too_large(room: Room) -> None:
    large = SMALL + b"\0" * (MAX_BYTES + 1 - len(SMALL))

    assert await refused(room.me.post(SMALL, large)) == ("PAYLOAD_TOO_LARGE", ["files[1]"])
    assert await room.nothing_is_kept()


async def test_the_whole_may_have_32_mib(room: Room) -> None:
    ten = SMALL + b"\0" * (MAX_BYTES - len(SMALL))

    await room.me.post(ten, ten, ten)
    assert (await refused(room.me.post(ten, ten, ten, ten[: 3 << 20])))[0] == "PAYLOAD_TOO_LARGE"
    # Past what the server reads at all, gRPC itself says so; the next call is served.
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await room.me.post(*[ten] * 4)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(await room.me.ids()) == 1


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/tmp/x.png", "..\\x", "a\nb", "CON", "x" * 5000, ""]
)
async def test_a_files_name_means_nothing(room: Room, name: str) -> None:
    await room.me.post(SMALL, name=name)

    (detail,) = (await room.me.list()).posts[0].post_details
    assert [path.relative_to(room.folder).as_posix() for path in room.objects()] == [
        f"{detail.file_id}/picture",
        f"{detail.file_id}/thumbnail",
    ]


async def test_a_store_that_is_away_is_said_to_be(room: Room) -> None:
    room.folder.rmdir()
    room.folder.write_text("in the way")

    assert (await refused(room.me.post()))[0] == "UNAVAILABLE"

    assert await room.count(posts) == 0
    room.folder.unlink()
    room.folder.mkdir()
    post_id = await room.me.post()
    assert await room.me.ids() == [post_id]


async def test_twenty_at_once(room: Room) -> None:
    made = await asyncio.gather(*[room.me.post(SMALL, SMALL, title=str(n)) for n in range(20)])

    listed = (await room.me.list()).posts
    assert {post.post_id for post in listed} == set(made)
    assert len({detail.file_id for post in listed for detail in post.post_details}) == 40
    assert len(room.objects()) == 80


async def test_a_post_outlives_the_process(room: Room, database_url: str, tmp_path: Path) -> None:
    post_id = await room.me.post(title="청소")
    url = (await room.me.list()).posts[0].post_details[0].url

    async with running_core(database_url, clock=room.clock, data_dir=tmp_path) as channel:
        again = Author(Person(channel, room.me.person.id, "A", room.me.person.access_token))
        (post,) = (await again.list()).posts
        assert (post.post_id, post.title) == (post_id, "청소")
        assert post.post_details[0].url == url
        stub = media_pb2_grpc.MediaServiceStub(channel)
        request = asked_for(url)
        assert (await stub.GetMedia(request, timeout=20)).data


# ---- links ----


async def test_links_end_and_new_ones_come(room: Room) -> None:
    await room.me.post()
    first = (await room.me.list()).posts[0].post_details[0].url
    room.clock.advance(hours=7)

    assert await refused(room.get(first)) == ("NOT_FOUND", [])
    later = (await room.me.list()).posts[0].post_details[0].url
    assert later != first
    assert (await room.get(later))[0].data


async def test_one_kind_of_token_is_not_another(room: Room) -> None:
    await room.me.post()
    url = (await room.me.list()).posts[0].post_details[0].url

    base, token = url.split("?token=")
    for bad in (room.me.person.access_token, "x", "a.b.c", token[:-4] + "AAAA"):
        assert await refused(room.get(f"{base}?token={bad}")) == ("NOT_FOUND", [])
    thief = Author(Person(room.channel, room.me.person.id, "A", token))
    assert await refused(thief.list()) == ("UNAUTHORIZED", [])


# ---- who sees what ----


async def test_friends_see_each_others_posts_and_strangers_do_not(room: Room) -> None:
    mine, theirs = await room.me.post(), await room.friend.post()
    other = await room.stranger.post()

    assert await room.me.ids() == [theirs, mine]
    assert await room.friend.ids() == [theirs, mine]
    assert await room.stranger.ids() == [other]


async def test_adding_is_not_enough_until_both_have(room: Room) -> None:
    mine, other = await room.me.post(), await room.stranger.post()
    await room.add(room.me, room.stranger)
    assert await room.me.ids() == [mine]
    assert await room.stranger.ids() == [other]

    await room.add(room.stranger, room.me)

    assert await room.me.ids() == [other, mine]


async def test_a_former_friend_sees_nothing_more(room: Room) -> None:
    post_id = await room.me.post()
    await room.friend.comment(post_id)
    await room.remove(room.me, room.friend)

    assert await room.friend.ids() == []
    assert await room.friend.ids(room.me.id) == []
    assert (await refused(room.friend.comment(post_id)))[0] == "POST_NOT_FOUND"
    assert (await refused(room.friend.comments(post_id)))[0] == "POST_NOT_FOUND"
    # What was said stays with the post.
    assert [one.user_id for one in (await room.me.comments(post_id)).comments] == [room.friend.id]


async def test_whose_posts_can_be_chosen(room: Room) -> None:
    mine, theirs = await room.me.post(), await room.friend.post()
    await room.stranger.post()
    me, friend, stranger = room.me.id, room.friend.id, room.stranger.id

    for asked, expected in (
        ([friend], [theirs]),
        ([me], [mine]),
        ([me, friend], [theirs, mine]),
        ([f"{me},{friend}"], [theirs, mine]),
        ([f" {friend} , {friend.upper()},"], [theirs]),
        ([friend, friend], [theirs]),
        ([stranger], []),
        ([stranger, friend], [theirs]),
        ([str(uuid.uuid4())], []),
        (["friend1"], []),
        (["friend1", friend], [theirs]),
        (["' OR 1=1 --"], []),
        ([""], [theirs, mine]),
        ([], [theirs, mine]),
    ):
        assert await room.me.ids(*asked) == expected, asked


async def test_nothing_of_a_stranger_is_reached_by_any_id(room: Room) -> None:
    post_id = await room.friend.post(title="비밀")
    await room.me.comment(post_id, "비밀")
    (post,) = (await room.friend.list()).posts
    (detail,) = post.post_details

    async def answers(id: str) -> list[object]:
        return [
            list(await room.stranger.ids(id)),
            await refused(room.stranger.comment(id)),
            await refused(room.stranger.comments(id)),
            await refused(room.get(id)),
        ]

    unknown = await answers(str(uuid.uuid4()))
    assert unknown == [[], ("POST_NOT_FOUND", []), ("POST_NOT_FOUND", []), ("NOT_FOUND", [])]
    for id in (post_id, detail.file_id, room.friend.id, room.me.id, "1", "post1", "%", "a/b"):
        assert await answers(id) == unknown, id
    assert await room.count(post_comments) == 1


# ---- comments ----


async def test_a_comment_is_given_back_and_listed(room: Room) -> None:
    post_id = await room.me.post()
    room.clock.advance(minutes=5)

    comment = await room.friend.comment(post_id, "  잘했어요!\n")

    assert (comment.user_id, comment.post_id) == (room.friend.id, post_id)
    assert comment.content == "잘했어요!"
    assert comment.upload_time.ToDatetime() == room.clock().replace(tzinfo=None)
    assert list((await room.me.list()).posts[0].comments) == [comment]
    assert list((await room.me.comments(post_id)).comments) == [comment]


async def test_a_post_comes_with_all_its_comments_oldest_first(room: Room) -> None:
    post_id, other = await room.me.post(), await room.me.post()
    await room.add_comments(post_id, 130)
    await room.me.comment(other, "다른 글")

    listed = {post.post_id: post for post in (await room.me.list()).posts}

    assert [one.content for one in listed[post_id].comments] == [str(n) for n in range(130)]
    assert [one.content for one in listed[other].comments] == ["다른 글"]
    newest = await room.me.comments(post_id)
    assert [one.content for one in newest.comments] == [str(n) for n in range(129, 79, -1)]
    next = await room.me.comments(post_id, page_size=100, page_token=newest.next_page_token)
    assert [one.content for one in next.comments] == [str(n) for n in range(79, -1, -1)]
    assert not next.HasField("next_page_token")


async def test_a_page_ends_early_rather_than_without_comments(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.room.post.list_posts.MOST_COMMENTS", 20)
    made = [await (room.me, room.friend)[n % 2].post() for n in range(6)]
    counts = [3, 18, 0, 25, 20, 1]
    for post_id, count in zip(made, counts, strict=True):
        await room.add_comments(post_id, count)

    pages, token = [], ""
    while True:
        page = await room.me.list(page_token=token)
        pages.append([(made.index(post.post_id), len(post.comments)) for post in page.posts])
        if not page.HasField("next_page_token"):
            break
        token = page.next_page_token

    # The fourth has more than a page may have, and has a page to itself.
    assert pages == [[(5, 1)], [(4, 20)], [(3, 25)], [(2, 0), (1, 18)], [(0, 3)]]


async def test_a_comment_must_say_something(room: Room) -> None:
    post_id = await room.me.post()

    assert await refused(room.me.comment(post_id, "")) == ("INVALID_REQUEST", ["content"])
    assert await refused(room.me.comment(post_id, " \n\t")) == ("INVALID_REQUEST", ["content"])
    assert await refused(room.me.comment(post_id, "가" * 1001)) == (
        "INVALID_REQUEST",
        ["content"],
    )
    assert (await room.me.comment(post_id, "가" * 1000)).content == "가" * 1000


# ---- pages ----


async def test_pages_go_on_where_the_last_one_ended(room: Room) -> None:
    made = [await (room.me, room.friend)[n % 2].post() for n in range(5)]

    first = await room.me.list(page_size=2)
    newer = await room.friend.post()
    second = await room.me.list(page_size=2, page_token=first.next_page_token)
    third = await room.me.list(page_size=2, page_token=second.next_page_token)

    pages = [[post.post_id for post in page.posts] for page in (first, second, third)]
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert not third.HasField("next_page_token")
    assert await room.me.ids() == [newer, *reversed(made)]
    assert not (await room.me.list(page_size=6)).HasField("next_page_token")


async def test_without_a_size_it_is_the_newest_100_and_where_to_go_on(room: Room) -> None:
    async with tables(room.database) as conn:
        for n in range(230):
            await conn.execute(
                insert(posts).values(
                    id=uuid.uuid4(),
                    user_id=(room.me, room.friend)[n % 2].person.id,
                    title=str(n),
                    created_at=room.clock(),
                )
            )

    first = await room.me.list()
    await room.friend.post(title="newer")
    second = await room.me.list(next_page_token=first.next_page_token)
    third = await room.me.list(page_token=second.next_page_token)

    assert [len(page.posts) for page in (first, second, third)] == [100, 100, 30]
    titles = [post.title for page in (first, second, third) for post in page.posts]
    # All at the same moment, and still none twice and none left out.
    assert titles == [str(n) for n in range(229, -1, -1)]
    assert not third.HasField("next_page_token")
    # A token says where, not what: with it a stranger sees his own, and a friend of one's only that
    # one's.
    assert await room.stranger.ids(page_token=first.next_page_token) == []
    theirs = await room.me.list(room.friend.id, page_token=second.next_page_token)
    assert [post.title for post in theirs.posts] == [str(n) for n in range(29, -1, -2)]
    assert not theirs.HasField("next_page_token")


async def test_a_long_list_takes_no_more_queries(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ours = [*vars(post_sql).values(), *vars(friend_sql).values()]
    run = Connection.all

    async def counted(conn: Connection, query: Query[Any], /, **values: Any) -> Any:
        if query in ours:
            asked.append(query)
        return await run(conn, query, **values)

    monkeypatch.setattr(Connection, "all", counted)
    await room.me.post()
    asked.clear()
    await room.me.list()
    for_one = list(asked)
    for n in range(4):
        post_id = await (room.me, room.friend)[n % 2].post(SMALL, SMALL)
        await room.me.comment(post_id)

    asked.clear()
    assert len((await room.me.list()).posts) == 5

    assert asked == for_one
    assert len(for_one) == 4


async def test_comments_have_pages(room: Room) -> None:
    post_id = await room.me.post()
    for n in range(3):
        await room.me.comment(post_id, str(n))

    first = await room.me.comments(post_id, page_size=2)
    second = await room.me.comments(post_id, page_size=2, page_token=first.next_page_token)

    assert [[one.content for one in page.comments] for page in (first, second)] == [
        ["2", "1"],
        ["0"],
    ]
    assert not second.HasField("next_page_token")


async def test_a_page_must_make_sense(room: Room) -> None:
    post_id = await room.me.post()

    for call in (room.me.list, lambda **page: room.me.comments(post_id, **page)):
        assert await refused(call(page_size=0)) == ("INVALID_REQUEST", ["pageSize"])
        assert await refused(call(page_size=101)) == ("INVALID_REQUEST", ["pageSize"])
        for token in ("nonsense", "1", "-1", "%%%", make_token(2**63), "Mi4z", "4pGg"):
            assert await refused(call(page_token=token)) == ("INVALID_REQUEST", ["pageToken"])
    assert await refused(room.me.list(next_page_token="x")) == (
        "INVALID_REQUEST",
        ["nextPageToken"],
    )
