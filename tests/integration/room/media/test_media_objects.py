"""The object store: the same behaviour in a folder, in memory and in the cloud."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from core.room.media.objects import Objects, ObjectsUnavailable, open_objects
from tests.integration.room.media.s3_stand_in import StandIn, s3_stand_in


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    async with s3_stand_in() as running:
        for name, value in {
            "AWS_ENDPOINT": running.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "ap-northeast-2",
        }.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture(params=["folder", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, s3: StandIn) -> Objects:
    if request.param == "folder":
        return open_objects(None, tmp_path / "pictures")
    if request.param == "memory":
        return Objects(MemoryStore())
    return open_objects("s3://bucket/app/pictures", tmp_path)


async def test_what_is_put_is_got(objects: Objects) -> None:
    await objects.put("one/picture", b"\0\xff first")
    await objects.put("one/thumbnail", b"second")
    await objects.put("two/picture", b"")

    assert await objects.get("one/picture") == b"\0\xff first"
    assert await objects.get("one/thumbnail") == b"second"
    assert await objects.get("two/picture") == b""
    assert await objects.get("two/thumbnail") is None


async def test_an_object_is_replaced(objects: Objects) -> None:
    await objects.put("one/picture", b"a long first text")
    await objects.put("one/picture", b"second")

    assert await objects.get("one/picture") == b"second"


async def test_a_large_one_comes_back_whole(objects: Objects) -> None:
    content = bytes(range(256)) * 40_000

    await objects.put("one/picture", content)

    assert await objects.get("one/picture") == content


async def test_what_is_deleted_is_gone_and_the_rest_stays(objects: Objects) -> None:
    for key in ("one/picture", "one/thumbnail", "two/picture"):
        await objects.put(key, b"x")

    await objects.delete(["one/picture", "one/thumbnail"])
    await objects.delete(["one/picture", "never/there"])

    assert await objects.get("one/picture") is None
    assert await objects.get("two/picture") == b"x"


async def test_a_folder_is_for_its_user_only_and_is_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "pictures"
    folder.mkdir(parents=True, mode=0o755)

    objects = open_objects(None, folder)
    await objects.put("one/picture", b"x")
    written = [path for path in folder.rglob("*") if path.is_file()]
    await objects.delete(["one/picture"])

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert written == [folder / "one" / "picture"]
    assert list(folder.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_away(tmp_path: Path) -> None:
    objects = open_objects(None, tmp_path / "pictures")
    (tmp_path / "pictures" / "one").write_text("in the way")

    with pytest.raises(ObjectsUnavailable, match="put"):
        await objects.put("one/picture", b"x")


async def test_keys_in_the_cloud_have_the_prefix(s3: StandIn, tmp_path: Path) -> None:
    await open_objects("s3://bucket/app/pictures", tmp_path).put("one/picture", b"x")

    assert s3.objects == {"bucket/app/pictures/one/picture": b"x"}


async def test_a_cloud_that_fails_is_away(s3: StandIn, tmp_path: Path) -> None:
    objects = open_objects("s3://bucket", tmp_path)
    s3.broken = True

    for call in (objects.put("a/b", b"x"), objects.get("a/b"), objects.delete(["a/b"])):
        with pytest.raises(ObjectsUnavailable):
            await call
