"""The edge behind a real Envoy with the production configuration: what clients of HTTP see."""

import asyncio
import json
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests import edge_app
from tests.e2e.envoy_front import front_of_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402
from edgetest.v1 import edgetest_pb2_grpc as pb_grpc  # noqa: E402

ROOM = str(uuid.uuid4())
UPLOAD = (
    b"--B\r\nContent-Disposition: form-data; name=files; filename=test.png\r\n"
    b"Content-Type: image/png\r\n\r\nabc\r\n--B--\r\n"
)


@pytest.fixture(scope="module")
async def front() -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an Envoy before one server of the test contract."""
    with tempfile.TemporaryDirectory(prefix="edge-") as name:
        core = Path(name) / "core.sock"
        async with (
            edge_app.serving(f"unix:{core}", heartbeat_seconds=0.1),
            front_of_app(core, edge_app.contract(), "echo", cors_origins=("*",)) as running,
            httpx.AsyncClient(base_url=running.url) as client,
        ):
            yield client


async def test_the_status_is_the_contracts(front: Any) -> None:
    answer = await front.post(f"/e/say/{ROOM}", json={"prompt": "hi"})
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["data"]["said"]["room_id"] == ROOM
    answer = await front.get("/e/fail/teapot")
    assert (answer.status_code, answer.headers["retry-after"]) == (418, "2")
    assert answer.json()["error"]["code"] == "TEAPOT"
    assert not [name for name in answer.headers if name.startswith(("grpc", "x-http-status"))]
    assert (await front.get("/e/fail/zero")).status_code == 500


async def test_a_trailing_slash_is_nothing(front: Any) -> None:
    assert (await front.get("/e/list/r/?limit=3")).json()["data"]["asked"]["limit"] == 3
    answer = await front.post(f"/e/say/{ROOM}/", json={"prompt": "hi"})
    assert answer.status_code == 202


async def test_the_path_wins_over_query_and_body(front: Any) -> None:
    query = "prompt=evil&room_id=evil&http_body_.content_type=evil"
    answer = await front.post(f"/e/say/{ROOM}?{query}", json={"prompt": "hi", "room_id": "evil"})
    said = answer.json()["data"]["said"]
    assert (said["room_id"], said["prompt"]) == (ROOM, "hi")
    answer = await front.get(f"/e/list/{ROOM}?room_id=evil&unknown=1")
    assert answer.json()["data"]["asked"]["room_id"] == ROOM


async def test_query_parameters(front: Any) -> None:
    answer = await front.get(
        "/e/list/a%20b?limit=5&friend_ids=a&friendIds=b&all=true&color=dark-blue&order=asc"
    )
    asked = answer.json()["data"]["asked"]
    assert asked["room_id"] == "a b"
    assert (asked["limit"], asked["all"], asked["color"]) == (5, True, "dark-blue")
    assert asked["friend_ids"] == ["a", "b"]
    for query, message in (
        ("limit=abc", "limit: must be a whole number"),
        ("limit=501", "limit: must be at most 500"),
        ("limit=", "limit: must be a whole number"),
        ("order=up", "order: must be one of desc, asc"),
    ):
        answer = await front.get(f"/e/list/r?{query}")
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


@pytest.mark.parametrize("url", ["/e/list/%ff", "/e/list/r?order=%ff"])
async def test_a_url_that_is_not_utf8(front: Any, url: str) -> None:
    answer = await front.get(url)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "url: must be UTF-8")


async def test_bodies_reach_the_core_as_they_are(front: Any) -> None:
    url = f"/e/say/{ROOM}"
    for body in (b"{oops", b"[" * 100_000):
        answer = await front.post(url, content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith("body: not valid JSON")
    answer = await front.post(url, content=b"")
    assert answer.json()["error"]["message"] == "prompt: is required"
    answer = await front.post(url, json={"prompt": 5, "unknown": {"a": [1]}})
    assert answer.json()["error"]["message"] == "prompt: must be a string"
    answer = await front.request("DELETE", "/s/friend", json={"friendId": 7})
    assert answer.status_code == 409
    assert answer.json() == {
        "status": 409,
        "data": {"errorCode": "FRIEND_2", "message": "이미 친구입니다."},
    }


async def test_no_such_path_has_the_shape_of_its_surface(front: Any) -> None:
    assert (await front.get("/e/nowhere")).json()["error"]["code"] == "NOT_FOUND"
    assert (await front.get("/s/nowhere")).json()["error"]["errorCode"] == "COMMON_4"
    assert (await front.get("/e/nowhere")).status_code == 404
    for path in ("/s", "/s/", "/s?a=/e/"):
        assert (await front.get(path)).json()["error"]["errorCode"] == "COMMON_4"
    assert (await front.get("/story")).json()["error"]["code"] == "NOT_FOUND"


async def test_too_large(front: Any) -> None:
    answer = await front.post(f"/e/say/{ROOM}", content=b"x" * (1 << 21))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "TOO_LARGE")
    answer = await front.post("/s/upload/7", files={"files": ("a.png", b"x" * 100_001)})
    assert (answer.status_code, answer.json()["error"]["errorCode"]) == (413, "COMMON_5")


async def test_uploads(front: Any) -> None:
    kind = {"content-type": "multipart/form-data; boundary=B"}
    answer = await front.post("/s/upload/77/", content=UPLOAD, headers=kind)
    assert answer.status_code == 201
    assert answer.json()["data"]["seen"] == ["files:test.png:image/png:3", "raw:0", "", "77"]
    answer = await front.post("/s/upload/77", content=UPLOAD[:-10], headers=kind)
    assert answer.status_code == 400
    files = [("files", ("사진.png", b"abcd", "image/png")), ("coverImage", ("c", b"x", "a/b"))]
    answer = await front.post("/s/upload/77", files=files, data={"title": "제목"})
    assert answer.json()["data"]["seen"][:2] == ["files:사진.png:image/png:4", "cover:c:a/b:1"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_a_browsers_form(front: Any) -> None:
    """Node's FormData and fetch are the platform's own, as a browser's are."""
    parts = [
        {"name": "files", "filename": '사진 "1".png', "type": "image/png", "base64": "AAEC"},
        {"name": "files", "filename": "b.jpg", "type": "image/jpeg", "base64": "Aw=="},
        {"name": "title", "text": "우리\n방"},
    ]
    node = await asyncio.create_subprocess_exec(
        "node", str(Path(__file__).with_name("form_data.mjs")), f"{front.base_url}/s/upload/77",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await node.communicate("\n".join(json.dumps(part) for part in parts).encode())
    answer = json.loads(out)
    assert answer["status"] == 201, answer
    assert json.loads(answer["body"])["data"]["seen"] == [
        'files:사진 "1".png:image/png:3', "files:b.jpg:image/jpeg:1", "raw:0", "우리\r\n방", "77",
    ]  # fmt: skip


async def test_an_upload_from_another_origin(front: Any) -> None:
    asked = {
        "origin": "https://room.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = await front.options("/s/upload/77", headers=asked)
    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"]
    origin = {"origin": "https://room.example"}
    for size in (1, 100_001):  # also where Envoy refuses it
        files = {"files": ("a.png", b"x" * size)}
        answer = await front.post("/s/upload/77", files=files, headers=origin)
        assert answer.status_code == (201 if size == 1 else 413)
        assert answer.headers["access-control-allow-origin"] == "https://room.example"


async def test_an_upload_that_is_followed(front: Any) -> None:
    files = [("files", (f"{n}.png", b"x" * n)) for n in (1, 2)]
    url = "/s/upload/77/events"
    async with front.stream("POST", url, files=files) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        text = "".join([part async for part in answer.aiter_text()])
    assert [line for line in text.splitlines() if line.startswith("event")] == ["event: file"] * 2
    answer = await front.post(url, files=files, data={"title": "friend"})
    assert (answer.status_code, answer.json()["data"]["errorCode"]) == (409, "FRIEND_2")
    answer = await front.post(url, files={"files": ("a.png", b"x" * 100_001)})
    assert (answer.status_code, answer.json()["error"]["errorCode"]) == (413, "COMMON_5")
    kind = {"content-type": "multipart/form-data; boundary=B"}
    answer = await front.post(url, content=UPLOAD[:-10], headers=kind)
    assert (answer.status_code, answer.json()["error"]["errorCode"]) == (400, "COMMON_2")


async def test_events(front: Any) -> None:
    answer = await front.get("/e/count/ok", headers={"last-event-id": "4"})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.startswith('event: tick\nid: 5\ndata: {"name":"n5","times":[]}\n\n')
    answer = await front.get("/e/count/break")
    assert answer.status_code == 200
    assert answer.text.split("\n\n")[-2].startswith('event: error\ndata: {"success":false')
    assert (await front.get("/e/count/teapot")).status_code == 418
    assert (await front.get("/e/plain/empty")).text == ": keep-alive\n\n"
    async with front.stream("GET", "/e/count/hang") as stream:
        text = ""
        async for chunk in stream.aiter_text():
            text += chunk
            if text.count(": keep-alive\n\n") == 2:
                break
    assert text.count("event: tick") == 3


async def test_bytes_of_their_own_type(front: Any) -> None:
    answer = await front.get("/e/download")
    assert (answer.headers["content-type"], answer.content) == ("image/png", b"\x89PNG")
    assert answer.headers.get_list("cache-control") == ["no-store"]
    answer = await front.get("/e/download?how=kept")
    assert answer.headers.get_list("cache-control") == ["private, max-age=60, immutable"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["content-disposition"] == "inline"
    answer = await front.get("/e/download?how=teapot")
    assert (answer.status_code, answer.headers.get_list("cache-control")) == (418, ["no-store"])


async def test_what_a_client_holds_is_not_sent_again(front: Any) -> None:
    """Read as bytes: a reply without a body must be one on the wire, too."""
    held = b'If-None-Match: "v1"\r\nAccept-Encoding: gzip\r\n'
    reader, writer = await asyncio.open_connection("127.0.0.1", front.base_url.port)
    for extra in (held, b"Connection: close\r\n"):
        get = b"GET /e/download?how=kept HTTP/1.1\r\nHost: a\r\n" + extra + b"\r\n"
        writer.write(get)
    text = await reader.read()
    writer.close()
    first, _, rest = text.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 304 ")
    assert b'etag: "v1"' in first
    assert first.count(b"cache-control: private, max-age=60, immutable") == 1
    for name in (b"content-length", b"content-type", b"transfer-encoding", b"grpc-status"):
        assert b"\r\n" + name + b":" not in first
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert rest.endswith(b"\r\n\r\n\x89PNG")


@pytest.mark.parametrize(
    ("how", "status"), [("x", b"200 OK"), ("teapot", b"418 "), ("abort", b"500 ")]
)
async def test_head_leaves_nothing_behind(front: Any, how: str, status: bytes) -> None:
    """On one connection: a body would be taken for the next answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.base_url.port)
    for verb, extra in (
        ("HEAD", "Accept-Encoding: gzip\r\n"),
        ("HEAD", ""),
        ("GET", "Connection: close\r\n"),
    ):
        writer.write(f"{verb} /e/peek/{how} HTTP/1.1\r\nHost: a\r\n{extra}\r\n".encode())
    text = await reader.read()
    writer.close()
    *heads, last, body = text.split(b"\r\n\r\n")
    assert len(heads) == 2
    for head in heads:
        assert head.startswith(b"HTTP/1.1 " + status)
        assert b"content-type: application/json" in head
        assert b"cache-control: no-store" in head
        for name in (b"content-length", b"content-encoding", b"x-http-head", b"grpc-status"):
            assert b"\r\n" + name + b":" not in head
    assert last.startswith(b"HTTP/1.1 " + status)
    assert json.loads(body)["success"] is (how == "x")


async def test_head_of_what_takes_none(front: Any) -> None:
    for path in ("/e/list/x", "/e/nowhere", "/healthz"):
        answer = await front.head(path)
        assert (answer.status_code, answer.content) == (200 if path == "/healthz" else 404, b"")


async def test_each_binding_is_served_by_itself(front: Any) -> None:
    body = {"shelf": "body", "book_id": "body", "book": {"title": "t"}, "copies": 2}
    evil = "?shelf=evil&bookId=evil&copies=9&http_body_.data=e30="

    async def said(verb: str, path: Any, **sent: Any) -> Any:
        answer = await front.request(verb, path, **sent)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        return tuple(data.values()) if isinstance(data, dict) else data

    book = {"title": "t"}
    assert await said("POST", "/e/shelves/s/books" + evil, json=body) == ("s", "body", book, 2)
    assert await said("POST", "/e/books/" + evil, json=body) == ("body", "body", book, 2)
    assert await said("POST", "/e/books" + evil) == ("", "", None, None)
    assert await said("PUT", "/e/books/b", json=book) == ("t",)
    assert await said("GET", "/e/books/b?shelf=s&copies=3") == ("s", "b", None, 3)
    assert await said("GET", "/e/books/a%2Fb") == ("", "a/b", None, None)
    assert await said("POST", "/e/books/b:lend", json=body) == "body"
    assert await said("GET", "/e/books/a/b/c") == "a/b/c"
    assert await said("DELETE", "/e/any/s?book_id=b") == ("s", "b", None, None)
    halls = "halls/1/shelves/2"
    assert await said("GET", f"/e/{halls}/books?copies=1") == (halls, "", None, 1)
    assert await said("GET", "/e/deep/a/b/books") == ("a/b", "", None, None)
    assert await said("GET", "/e/deep/a/b") == "a/b"
    assert await said("GET", "/e/rooms/1?shelf=evil&book_id=b") == ("rooms/1", "b", None, None)
    assert await said("GET", "/e/floors/1?shelf=s") == ("s", "floors/1", None, None)


async def test_names_that_are_pythons_own(front: Any) -> None:
    body = {"class": 3, "None": {"class": 4}, "self": ["a"], "lambda": "l", "import": {"a": 1}}
    answer = await front.post("/e/odd/f?class=9", json=body)
    data = answer.json()["data"]
    assert (data["from"], data["class"], data["None"]["class"]) == ("f", 3, 4)
    assert (data["self"], data["lambda"], data["import"]) == (["a"], "l", {"a": 1})


async def test_a_stream_that_is_over_has_no_body(front: Any) -> None:
    """The same for a browser that is told not to come back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.base_url.port)
    for extra in (b"Last-Event-ID: 3\r\nAccept-Encoding: gzip\r\n", b"Connection: close\r\n"):
        writer.write(b"GET /e/count/over HTTP/1.1\r\nHost: a\r\n" + extra + b"\r\n")
    text = await reader.read()
    writer.close()
    first, _, rest = text.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 204 ")
    for name in (b"content-length", b"content-type", b"transfer-encoding", b"content-encoding"):
        assert b"\r\n" + name + b":" not in first
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert b": keep-alive" in rest


async def test_grpc_on_the_same_port(front: Any) -> None:
    address = f"{front.base_url.host}:{front.base_url.port}"
    async with grpc.aio.insecure_channel(address) as channel:
        echo = pb_grpc.EchoServiceStub(channel)
        request = pb.SayRequest(room_id=ROOM, prompt="hi")
        assert (await echo.Say(request)).said == request
        # A forged mark does not change what a gRPC client gets.
        forged = (("x-envoy-original-path", "/e/say"),)
        assert (await echo.Say(request, metadata=forged)).said == request
        replies = [reply async for reply in echo.Count(pb.CountRequest(how="ok"))]
        assert [reply.number for reply in replies] == [1, 2, 3]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await echo.Say(pb.SayRequest(room_id=ROOM))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert refused.value.details() == "prompt: is required"
