"""Pictures on their way in and out: by curl, by a browser's form, and all that can go wrong."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import shutil
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import func, select

from core.room.media.tables import media_files
from tests.e2e.room import Account, sign_up
from tests.e2e.service import Service
from tests.e2e.up_process import Up
from tests.photos import encode, photo
from tests.support import tables

MIB = 1 << 20
PNG = photo("PNG")


@pytest.fixture(scope="module")
async def person(service: Service, up: Up) -> Account:
    return await sign_up(service.http, up.directory / "outbox" / "sms.jsonl")


async def newest(service: Service, person: Account) -> dict[str, Any]:
    reply = await service.http.get("/api/post", headers=person.bearer)
    post: dict[str, Any] = reply.json()["data"]["posts"][0]
    return post


async def run(*command: str, lines: bytes = b"") -> bytes:
    """What a command prints that is given these lines."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate(lines)
    assert process.returncode == 0, printed
    return printed


async def test_curl(service: Service, person: Account, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    for name, kind in (("a.png", "PNG"), ("b.jpg", "JPEG")):
        (tmp_path / name).write_bytes(photo(kind))
    sent = ["-F", f"files=@{tmp_path}/a.png", "-F", f"files=@{tmp_path}/b.jpg"]
    sent += ["-F", "title=청소 기록", "-F", "content=거실 청소!"]
    bearer = ["-H", f"Authorization: Bearer {person.access_token}"]
    made = json.loads(await run("curl", "-sS", *bearer, *sent, f"{service.url}/api/post"))
    assert made["status"] == 201
    post = await newest(service, person)
    assert (post["postId"], post["title"]) == (made["data"]["postId"], "청소 기록")
    assert [detail["width"] for detail in post["postDetails"]] == [64, 64]


async def test_a_browsers_form(service: Service, person: Account) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    part = {"filename": "방.png", "type": "image/png", "base64": base64.b64encode(PNG).decode()}
    parts = [part | {"name": "files"}, part | {"name": "files"}, {"name": "title", "text": "방"}]
    lines = "\n".join(json.dumps(one) for one in parts).encode()
    script = str(Path(__file__).with_name("form_data.mjs"))
    url, bearer = f"{service.url}/api/post", person.bearer["Authorization"]
    answer = json.loads(await run("node", script, url, bearer, lines=lines))
    assert answer["status"] == 201, answer
    post = await newest(service, person)
    assert post["postId"] == json.loads(answer["body"])["data"]["postId"]
    assert (post["title"], len(post["postDetails"])) == ("방", 2)


async def test_a_large_picture_comes_back(service: Service, person: Account) -> None:
    # Noise: what is kept of it is larger than Envoy's buffers are by default.
    noise = Image.effect_noise((2048, 2048), 90).convert("RGB")
    files = [("files", ("noise.jpg", encode(noise, "JPEG", quality=90), "image/jpeg"))]
    made = await service.http.post("/api/post", files=files, headers=person.bearer)
    assert made.status_code == 201, made.text
    (detail,) = (await newest(service, person))["postDetails"]
    reply = await service.http.get(detail["url"])
    assert reply.status_code == 200
    assert len(reply.content) > MIB
    with Image.open(io.BytesIO(reply.content)) as kept:
        kept.load()
        assert kept.size == (detail["width"], detail["height"]) == (2048, 2048)
    headers = reply.headers
    assert headers["content-type"] == detail["contentType"] == "image/jpeg"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].startswith("private, max-age=")
    small = await service.http.get(detail["thumbnailUrl"])
    assert (small.status_code, len(small.content) < MIB) == (200, True)
    again = await service.http.get(detail["url"], headers={"If-None-Match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    cut = await service.http.get(detail["url"][:-1])
    assert (cut.status_code, cut.json()["error"]["errorCode"]) == (404, "COMMON_4")


def _bomb() -> bytes:
    """A PNG of a few KiB that says it is 30,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return len(data).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    size = (30_000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + b"\x01\x00\x00\x00\x00")
    body = chunk(b"IDAT", zlib.compress(bytes(30_000 * 100)))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


NO_PICTURES = {
    "empty": b"",
    "broken off": photo("JPEG", 600, 400)[:-400],
    "text named as a picture": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "gif": photo("GIF"),
    "bomb": _bomb(),
}


@pytest.fixture
async def nothing_left(service: Service, up: Up) -> AsyncIterator[None]:
    """Neither a file nor a row is there afterwards that was not there before."""

    async def kept() -> tuple[set[Path], int]:
        async with tables(service.database) as conn:
            rows = await conn.scalar(select(func.count()).select_from(media_files))
        return set((up.directory / "pictures").rglob("*")), rows or 0

    before = await kept()
    yield
    assert await kept() == before


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("kind", NO_PICTURES)
async def test_no_picture(service: Service, person: Account, kind: str) -> None:
    good, bad = ("files", ("a.png", PNG, "image/png")), NO_PICTURES[kind]
    files = [good, ("files", ("b.png", bad, "image/png"))]
    reply = await service.http.post("/api/post", files=files, headers=person.bearer)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert (error["errorCode"], error["message"]) == ("COMMON_2", "요청 변수가 잘못되었습니다.")
    assert [one["field"].split(".")[0] for one in error["fields"]] == ["files[1]"]


@pytest.mark.usefixtures("nothing_left")
async def test_a_body_that_breaks_off(service: Service, person: Account) -> None:
    whole = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + PNG
    headers = person.bearer | {"Content-Type": "multipart/form-data; boundary=b"}
    reply = await service.http.post("/api/post", content=whole, headers=headers)
    assert (reply.status_code, reply.json()["error"]["errorCode"]) == (400, "COMMON_2")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "files",
    [
        pytest.param([PNG] * 11, id="eleven"),
        pytest.param([PNG + bytes(10 * MIB)], id="one too large"),
        pytest.param([PNG + bytes(9 * MIB)] * 4, id="all together too large"),
    ],
)
async def test_too_large(service: Service, person: Account, files: list[bytes]) -> None:
    parts = [("files", ("a.png", one, "image/png")) for one in files]
    reply = await service.http.post("/api/post", files=parts, headers=person.bearer)
    assert reply.status_code == 413
    error = reply.json()["error"]
    assert (error["errorCode"], error["message"]) == ("COMMON_5", "요청이 너무 큽니다.")


HOSTILE = [
    "../../../../etc/passwd",
    "/etc/cron.d/x",
    "a\\..\\b.png",
    "x" * 3000,
    "a\0b",
    ".",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_not_used(
    service: Service, person: Account, up: Up, name: str
) -> None:
    quoted = name.replace('"', "%22").encode()
    body = b'--b\r\nContent-Disposition: form-data; name="files"; filename="' + quoted
    body += b'"\r\nContent-Type: image/png\r\n\r\n' + PNG + b"\r\n--b--\r\n"
    headers = person.bearer | {"Content-Type": "multipart/form-data; boundary=b"}
    reply: httpx.Response = await service.http.post("/api/post", content=body, headers=headers)
    assert reply.status_code in (201, 400), reply.text
    folder = up.directory / "pictures"
    for file in folder.rglob("*"):
        assert set(str(file.relative_to(folder))) <= set("0123456789abcdef-/picturethumbnal")
