"""Keeping pictures: what is used stays, everything else is deleted, whatever breaks in between."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from obstore.store import MemoryStore
from sqlalchemy import select, text

from core.platform.database import Database, open_database
from core.platform.jobs import Jobs
from core.platform.settings import Settings
from core.platform.signing import Signer
from core.room.media.files import AUDIENCE, Media
from core.room.media.get_media import LinkedPicture, get_media
from core.room.media.objects import Objects, ObjectsUnavailable
from core.room.media.pictures import Prepared
from core.room.media.tables import media_files
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest
from tests.clock import FakeClock
from tests.support import make_person, make_runtime, tables, until_somebody_waits

PICTURE = Prepared(b"a picture", b"a small one", "image/jpeg", 640, 480)


class FlakyObjects(Objects):
    """Objects in memory that fail when told to. `keys` is what is there."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.keys: set[str] = set()
        self.puts_left = 1_000
        self.deletes_left = 1_000
        self.crash: type[BaseException] = ObjectsUnavailable

    async def put(self, key: str, content: bytes) -> None:
        self.puts_left -= 1
        if self.puts_left < 0:
            raise self.crash
        await super().put(key, content)
        self.keys.add(key)

    async def delete(self, keys: object) -> None:
        for key in list(keys):  # type: ignore[call-overload]
            self.deletes_left -= 1
            if self.deletes_left < 0:
                raise self.crash
            await super().delete([key])
            self.keys.discard(key)


@dataclass
class Kept:
    """Media on a database and objects that a test can look into."""

    media: Media
    objects: FlakyObjects
    database: Database
    jobs: Jobs
    clock: FakeClock
    signer: Signer
    owner: uuid.UUID

    async def show(self, file_id: str, token: str) -> LinkedPicture | None:
        """What a link gives; None if it gives nothing."""
        runtime = make_runtime(database=self.database, signer=self.signer, clock=self.clock)
        try:
            return await get_media(runtime, self.objects, file_id, token)
        except ApiError as error:
            if error.reason != rest.CONDITION_NOT_FOUND:
                raise
            return None

    async def rows(self) -> set[uuid.UUID]:
        async with tables(self.database) as conn:
            return set(await conn.scalars(select(media_files.c.id)))

    async def an_hour_later(self) -> None:
        """Have the queue's worker do what is due in an hour."""
        async with tables(self.database) as conn:
            due = (
                "SELECT scheduled_at - now() BETWEEN '50 min' AND '61 min' FROM procrastinate_jobs"
            )
            assert set(await conn.scalars(text(due))) == {True}
            await conn.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now()"))
        await self.work()

    async def work(self) -> None:
        """Run the worker until the queue is empty."""
        stop = asyncio.Event()
        worker = asyncio.create_task(self.jobs.run(stop))
        try:
            async with asyncio.timeout(60):
                while await self._jobs_left():
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            await worker

    async def _jobs_left(self) -> int:
        async with tables(self.database) as conn:
            return int(await conn.scalar(text("SELECT count(*) FROM procrastinate_jobs")) or 0)


def media_on(
    database: Database,
    jobs: Jobs,
    objects: Objects,
    signer: Signer,
    clock: FakeClock,
) -> Media:
    settings = Settings(public_url="https://x.test")
    runtime = make_runtime(
        settings=settings, database=database, jobs=jobs, signer=signer, clock=clock
    )
    return Media(runtime, objects)


@pytest.fixture
async def kept(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Kept]:
    clock = FakeClock()
    signer = Signer(tmp_path / "keys.json", clock)
    channel = grpc.aio.insecure_channel(f"unix:{tmp_path}/nobody")
    owner = await make_person(database, channel)
    objects = FlakyObjects()
    async with Jobs(database_url, 1) as jobs:
        media = media_on(database, jobs, objects, signer, clock)
        yield Kept(media, objects, database, jobs, clock, signer, owner.id)
    await channel.close()


def parts_of(link: str) -> tuple[str, str]:
    """The picture's id and the token."""
    base, _, rest = link.rpartition("/")
    assert base == "https://x.test/media"
    file_id, token = rest.split("?token=")
    return file_id, token


async def test_what_is_used_stays_and_the_rest_goes(kept: Kept) -> None:
    used, unused = await kept.media.save(kept.owner, [PICTURE, PICTURE])
    async with kept.database.begin() as conn:
        await kept.media.use(conn, [used])
    assert await kept.rows() == {used, unused}
    assert len(kept.objects.keys) == 4

    await kept.an_hour_later()

    assert await kept.rows() == {used}
    assert kept.objects.keys == {f"{used}/picture", f"{used}/thumbnail"}
    assert await kept.show(*parts_of(kept.media.link(used))) is not None
    assert await kept.show(*parts_of(kept.media.link(unused))) is None


@pytest.mark.parametrize("done", range(4))
async def test_a_store_that_fails_leaves_nothing(kept: Kept, done: int) -> None:
    kept.objects.puts_left = done

    with pytest.raises(ApiError) as error:
        await kept.media.save(kept.owner, [PICTURE, PICTURE])

    assert error.value.reason == rest.CONDITION_UNAVAILABLE
    assert await kept.rows() == set()
    assert kept.objects.keys == set()


async def test_a_store_that_fails_for_good_leaves_it_to_the_sweep(kept: Kept) -> None:
    kept.objects.puts_left, kept.objects.deletes_left = 3, 1

    with pytest.raises(ApiError):
        await kept.media.save(kept.owner, [PICTURE, PICTURE])
    assert len(kept.objects.keys) == 2

    # Also then it fails at first; the job is tried again.
    kept.objects.deletes_left = 1
    repair = asyncio.create_task(_repair(kept.objects))
    await kept.an_hour_later()
    await repair

    assert await kept.rows() == set()
    assert kept.objects.keys == set()


async def test_a_store_that_hangs_holds_no_connection(kept: Kept, database_url: str) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    class Hanging(FlakyObjects):
        async def delete(self, keys: object) -> None:
            asked.set()
            await answer.wait()

    async with open_database(database_url, 1) as database, Jobs(database_url, 1) as jobs:
        media = media_on(database, jobs, Hanging(), kept.signer, kept.clock)
        ids = await media.save(kept.owner, [PICTURE])
        discard = asyncio.create_task(media.discard(ids))
        await asked.wait()
        async with tables(database) as conn:
            assert await conn.scalar(select(media_files.c.id)) is None
        answer.set()
        await discard


async def _repair(objects: FlakyObjects) -> None:
    while objects.deletes_left >= 0:
        await asyncio.sleep(0.02)
    objects.deletes_left = 1_000


@pytest.mark.parametrize("done", range(5))
async def test_a_crash_at_any_point_leaves_only_what_the_sweep_removes(
    kept: Kept, done: int
) -> None:
    class Crash(BaseException):
        pass

    kept.objects.puts_left, kept.objects.crash = done, Crash
    with contextlib.suppress(Crash):
        await kept.media.save(kept.owner, [PICTURE, PICTURE])
    known = {f"{id}/{size}" for id in await kept.rows() for size in ("picture", "thumbnail")}
    assert len(kept.objects.keys) == done
    assert kept.objects.keys <= known

    await kept.an_hour_later()

    assert await kept.rows() == set()
    assert kept.objects.keys == set()


async def test_a_use_that_is_rolled_back_is_none(kept: Kept) -> None:
    ids = await kept.media.save(kept.owner, [PICTURE])
    with contextlib.suppress(RuntimeError):
        async with kept.database.begin() as conn:
            await kept.media.use(conn, ids)
            raise RuntimeError

    await kept.an_hour_later()

    assert await kept.rows() == set()


async def test_what_was_swept_cannot_be_used(kept: Kept) -> None:
    ids = await kept.media.save(kept.owner, [PICTURE, PICTURE])
    await kept.media.discard(ids[:1])

    with pytest.raises(ApiError) as error:
        async with kept.database.begin() as conn:
            await kept.media.use(conn, ids)

    assert error.value.reason == rest.CONDITION_UNAVAILABLE


async def test_the_sweep_waits_for_who_is_about_to_use(kept: Kept) -> None:
    ids = await kept.media.save(kept.owner, [PICTURE])
    async with kept.database.begin() as conn:
        await kept.media.use(conn, ids)
        sweep = asyncio.create_task(kept.media.discard(ids))
        await until_somebody_waits(kept.database)
    await sweep

    assert await kept.rows() == set(ids)
    assert len(kept.objects.keys) == 2


# ---- links ----


async def test_a_link_gives_the_picture_and_its_thumbnail(kept: Kept) -> None:
    (id,) = await kept.media.save(kept.owner, [PICTURE])

    picture = await kept.show(*parts_of(kept.media.link(id)))
    thumbnail = await kept.show(*parts_of(kept.media.link(id, thumbnail=True)))

    assert picture is not None
    assert thumbnail is not None
    assert (picture.content, picture.content_type) == (b"a picture", "image/jpeg")
    assert thumbnail.content == b"a small one"
    assert picture.etag != thumbnail.etag


async def test_a_link_is_the_same_for_an_hour_and_works_for_six_at_least(kept: Kept) -> None:
    (id,) = await kept.media.save(kept.owner, [PICTURE])
    first = kept.media.link(id)
    kept.clock.advance(minutes=59, seconds=59)
    assert kept.media.link(id) == first
    kept.clock.advance(seconds=1)
    assert kept.media.link(id) != first
    # Of another process, too: it doesn't hang on what this one remembers.
    kept.clock.advance(hours=-1)
    other = media_on(
        kept.database, Jobs(kept.database.url, 1), kept.objects, kept.signer, kept.clock
    )
    assert other.link(id) == first

    kept.clock.advance(hours=1)
    shown = await kept.show(*parts_of(first))
    assert shown is not None
    assert shown.seconds == 6 * 3600
    kept.clock.advance(hours=6, seconds=-1)
    shown = await kept.show(*parts_of(first))
    assert shown is not None
    assert shown.seconds == 1
    kept.clock.advance(seconds=1)
    assert await kept.show(*parts_of(first)) is None


async def test_only_links_are_links(kept: Kept) -> None:
    (id,) = await kept.media.save(kept.owner, [PICTURE])
    expires = kept.clock.now.replace(year=2030)
    good = {"file": str(id), "size": "picture"}
    assert await kept.show(str(id), kept.signer.sign(AUDIENCE, good, expires)) is not None

    _, token = parts_of(kept.media.link(id))
    header, payload, signature = token.split(".")
    for bad in (
        kept.signer.sign("access", good, expires),
        kept.signer.sign(AUDIENCE, good | {"size": "original"}, expires),
        kept.signer.sign(AUDIENCE, good | {"file": "../../etc/passwd"}, expires),
        kept.signer.sign(AUDIENCE, good | {"file": str(uuid.uuid4())}, expires),
        kept.signer.sign(AUDIENCE, {}, expires),
        kept.signer.sign(AUDIENCE, {"file": str(id)}, expires),
        kept.signer.sign(AUDIENCE, {"size": "picture"}, expires),
        kept.signer.sign(AUDIENCE, good | {"size": ["picture"]}, expires),
        kept.signer.sign(AUDIENCE, good | {"size": 1}, expires),
        kept.signer.sign(AUDIENCE, good | {"file": [str(id)]}, expires),
        kept.signer.sign(AUDIENCE, good | {"nbf": int(expires.timestamp()) - 1}, expires),
        f"{header}.{payload}.{signature[::-1]}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        str(id),
        "x",
        "..",
        "",
    ):
        assert await kept.show(str(id), bad) is None, bad
    for other in (str(uuid.uuid4()), str(id).upper(), "..", ""):
        assert await kept.show(other, token) is None, other
    for other in ("..", "x", ""):
        named = kept.signer.sign(AUDIENCE, good | {"file": other}, expires)
        assert await kept.show(other, named) is None, other


async def test_a_picture_whose_object_is_lost_is_no_more(kept: Kept) -> None:
    (id,) = await kept.media.save(kept.owner, [PICTURE])
    await kept.objects.delete([f"{id}/picture"])

    assert await kept.show(*parts_of(kept.media.link(id))) is None
