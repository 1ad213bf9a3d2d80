"""demo.env: made once, its address kept up to date, its secrets replaced when it is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values

from core.platform.database import Database
from core.run.demo import ensure_demo
from core.shop.tenants.key_secret import digest_key
from core.shop.tenants.sql import Caller, caller_by_digest, create_tenant


def read(path: Path) -> dict[str, str]:
    assert path.stat().st_mode & 0o777 == 0o600
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


async def caller(database: Database, secret: str) -> Caller | None:
    return await caller_by_digest(database, digest_key(secret))


async def test_the_demo_tenant(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "demo.env"
    said: list[str] = []
    assert await ensure_demo(database, "http://127.0.0.1:1", file, said.append)
    first = read(file)
    assert await ensure_demo(database, "http://127.0.0.1:2", file, said.append)
    assert read(file) == first | {"BASE_URL": "http://127.0.0.1:2"}
    known = await caller(database, first["SDK_KEY"])
    assert known

    file.unlink()
    assert await ensure_demo(database, "http://127.0.0.1:2", file, said.append)
    second = read(file)
    for name in ("SDK_KEY", "ADMIN_TOKEN", "SIGNAGE_KEY"):
        assert await caller(database, first[name]) is None
    assert second["PROFILE_ID"] == first["PROFILE_ID"]
    # The same key with another secret: its chats are still there.
    assert await caller(database, second["SDK_KEY"]) == known
    assert said == []


def cut(content: bytes) -> bytes:
    return content[: content.index(b"ADMIN_TOKEN") + 30]


def without_the_end(content: bytes) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:3])


def of_nulls(content: bytes) -> bytes:
    """What some file systems leave after a power failure."""
    return bytes(len(content))


def of_no_text(_: bytes) -> bytes:
    return b"\xff\xfe\x00"


@pytest.mark.parametrize("breaks", [cut, without_the_end, of_nulls, of_no_text, lambda _: b""])
async def test_a_half_written_file_is_made_anew(
    database: Database, tmp_path: Path, breaks: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "demo.env"
    said: list[str] = []
    await ensure_demo(database, "http://127.0.0.1:1", file, said.append)
    before = read(file)
    file.write_bytes(breaks(file.read_bytes()))
    assert await ensure_demo(database, "http://127.0.0.1:1", file, said.append)
    assert said == ["demo.env was incomplete: the demo's keys get new secrets"]
    after = read(file)
    assert list(after) == list(before)
    assert await caller(database, after["ADMIN_TOKEN"])
    assert await caller(database, before["SDK_KEY"]) is None


@pytest.mark.parametrize(
    "edited",
    [
        lambda text: "# mine\n" + text + "MORE=1\n",
        lambda text: text.replace("SDK_KEY=", 'SDK_KEY="').replace("\nPROFILE", '"\nPROFILE'),
        lambda text: text.split("\n", 1)[1].rstrip("\n"),  # no address, no last line end
    ],
)
async def test_an_edited_file_keeps_its_secrets(
    database: Database, tmp_path: Path, edited: Callable[[str], str]
) -> None:
    file = tmp_path / "demo.env"
    said: list[str] = []
    await ensure_demo(database, "http://127.0.0.1:1", file, said.append)
    file.write_text(edited(file.read_text()))
    await ensure_demo(database, "http://127.0.0.1:2", file, said.append)
    assert said == []
    found = dotenv_values(file)
    assert found["BASE_URL"] == "http://127.0.0.1:2"
    assert await caller(database, str(found["SDK_KEY"]))


async def test_none_is_made_beside_a_tenant(database: Database, tmp_path: Path) -> None:
    async with database.begin() as conn:
        await create_tenant(conn, "mart")
    said: list[str] = []
    assert not await ensure_demo(database, "http://127.0.0.1:1", tmp_path / "demo.env", said.append)
    assert not (tmp_path / "demo.env").exists()
