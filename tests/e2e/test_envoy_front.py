"""The one port: what clients of each kind see of Envoy itself."""

import asyncio
import base64
import gzip
import json
import re
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.e2e import echo_contract
from tests.e2e.envoy_front import Front, front
from tests.e2e.http2 import PREFACE, frame, header_block

NOT_FOUND = {"success": False, "error": {"code": "NOT_FOUND", "message": "Not found."}}


@pytest.fixture(scope="module")
def up() -> Iterator[Any]:
    with front() as running:
        yield running


@pytest.fixture
async def client(up: Front) -> AsyncIterator[Any]:
    async with httpx.AsyncClient(base_url=up.url, timeout=10) as client:
        yield client


@pytest.fixture
async def channel(up: Front) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{up.port}") as channel:
        yield channel


def echo(channel: grpc.aio.Channel, method: str = "Get", stream: bool = False) -> Any:
    known = echo_contract.messages(echo_contract.descriptors().SerializeToString())
    make = channel.unary_stream if stream else channel.unary_unary
    return known["echo.v1.GetRequest"], make(
        f"/echo.v1.EchoService/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=known["echo.v1.Reply"].FromString,  # type: ignore[attr-defined]
    )


def only_rest_headers(reply: httpx.Response) -> bool:
    leaked = [name for name in reply.headers if name.startswith(("grpc-", "x-http", "x-envoy"))]
    return leaked == []


async def test_success_statuses(client: Any) -> None:
    reply = await client.get("/v1/echo/a?q=%EC%9A%B0%EC%9C%A0+1&unknown=2")
    assert reply.status_code == 200
    assert reply.json()["q"] == "우유 1"
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert only_rest_headers(reply)
    reply = await client.post("/v1/echo/a", json={"any": "thing"})
    assert reply.status_code == 202
    assert reply.json()["bytes"] == len(b'{"any":"thing"}')
    assert (await client.get("/v1/echo/status-402")).status_code == 402


@pytest.mark.parametrize("path", ["/v1/echo/a/", "/v1/echo/a//", "//v1/echo/a", "/v1/x/../echo/a"])
async def test_untidy_paths_are_accepted(up: Any, client: Any, path: str) -> None:
    reply = await client.get(up.url + path + "?q=/a/&q2=b/")
    assert reply.status_code == 200
    assert (reply.json()["id"], reply.json()["q"]) == ("a", "/a/")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/"),
        ("GET", "/v1/nowhere"),
        ("DELETE", "/v1/echo/a"),
        ("POST", "/echo.v1.EchoService/Get"),
        ("GET", "/%00"),
        ("GET", "/v1/echo/a/b/c?x=%"),
    ],
)
async def test_no_such_path(client: Any, method: str, path: str) -> None:
    reply = await client.request(method, path, json={} if method == "POST" else None)
    assert reply.status_code in (404, 400)
    assert reply.json()["success"] is False
    if "%" not in path:
        assert reply.status_code == 404
        assert reply.json() == NOT_FOUND
    assert reply.headers["content-type"] == "application/json"
    assert only_rest_headers(reply)


async def test_each_surface_has_its_error_shape(client: Any) -> None:
    reply = await client.get("/api/nowhere")
    assert reply.status_code == 404
    error = {"errorCode": "COMMON_4", "message": "no such path"}
    assert reply.json() == {"status": 404, "error": error}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("CANCELLED", 503),
        ("DEADLINE_EXCEEDED", 504),
        ("RESOURCE_EXHAUSTED", 429),
        ("INTERNAL", 500),
        ("UNKNOWN", 500),
        ("INVALID_ARGUMENT", 400),
        ("UNAVAILABLE", 503),
        ("UNIMPLEMENTED", 500),
    ],
)
async def test_errors_that_grpc_makes_get_the_documented_body(
    client: Any, code: str, status: int
) -> None:
    reply = await client.get(f"/v1/echo/grpc-{code}")
    assert reply.status_code == status
    assert reply.json()["success"] is False
    assert "driver text" not in reply.text
    assert only_rest_headers(reply)
    assert (reply.headers.get("retry-after") is not None) == (status in (429, 503))
    other = await client.get(f"/api/echo/grpc-{code}")
    assert other.status_code == status
    assert other.json()["status"] == status
    if code == "INTERNAL":
        assert other.json()["error"] == {"errorCode": "COMMON_1", "message": "서버 오류 100%"}


async def test_an_error_of_a_stream_before_its_first_event(client: Any) -> None:
    reply = await client.get("/v1/echo/grpc-INTERNAL/events")
    assert reply.status_code == 500
    assert reply.json()["error"]["code"] == "INTERNAL_ERROR"


async def test_a_method_has_the_time_that_it_says(client: Any, channel: grpc.aio.Channel) -> None:
    for path in ("/v1/echo/a/file", "/v1/echo/a/file/"):
        assert 60 < (await client.post(path, content=b"x")).json()["left"] < 122
    assert 10 < (await client.post("/v1/echo/a", json={})).json()["left"] < 17
    reply = await client.get("/v1/echo/slow/quick")
    assert reply.status_code == 504
    assert reply.json()["error"]["code"] == "INTERNAL_ERROR"
    request, quick = echo(channel, "Quick")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await quick(request(id="slow"))
    assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
    request, upload = echo(channel, "Upload")
    assert 60 < json.loads((await upload(request(id="a"))).text)["left"] < 122


async def test_too_large_bodies(client: Any) -> None:
    reply = await client.post("/v1/echo/a", content=b"x" * 1_100_000)
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    for path in ("/v1/echo/a/file", "/v1/echo/a/file/"):
        reply = await client.post(path, content=b"x" * 2_900_000)
        assert (reply.status_code, reply.json()["bytes"]) == (202, 2_900_000)
    reply = await client.post("/v1/echo/a/file", content=b"x" * 3_100_000)
    assert reply.status_code == 413

    async def chunks(size: int) -> AsyncIterator[Any]:  # without a Content-Length
        for _ in range(0, size, 100_000):
            yield b"x" * 100_000

    reply = await client.post("/v1/echo/a/file", content=chunks(2_900_000))
    assert (reply.status_code, reply.json()["bytes"]) == (202, 2_900_000)
    for path, size in (("/v1/echo/a", 1_100_000), ("/v1/echo/a/file", 3_100_000)):
        reply = await client.post(path, content=chunks(size))
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_too_large_headers(client: Any) -> None:
    reply = await client.get("/v1/echo/a", headers={"x-long": "x" * 40_000})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "INVALID_REQUEST"


def raw(up: Front, data: bytes) -> bytes:
    """What the port answers to bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", up.port), timeout=10) as connection:
        connection.sendall(data)
        return connection.recv(65536)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/echo/a HTTP/1.1\r\n\r\n",  # no host
        b"GET nowhere HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /v1/echo/a HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
        b"BREW /v1/echo/a HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\x00\x01\x02 what is this\r\n\r\n",
        b"POST /v1/echo/a HTTP/1.1\r\nhost: a\r\ncontent-length: nine\r\n\r\n",
        b"POST /v1/echo/a HTTP/1.1\r\nhost: a\r\n"
        b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
def test_broken_http_is_refused(up: Any, data: bytes) -> None:
    answer = raw(up, data)
    assert b"HTTP/1.1 400" in answer or b"HTTP/1.1 404" in answer
    assert raw(up, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", [b"host: a\r\n", b""])
def test_old_proxies_speak_http_1_0(up: Any, host: bytes) -> None:
    assert b" 200 " in raw(up, b"GET /healthz HTTP/1.0\r\n" + host + b"\r\n")
    with socket.create_connection(("127.0.0.1", up.port), timeout=10) as connection:
        connection.sendall(b"GET /v1/echo/a HTTP/1.0\r\n" + host + b"\r\n")
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    assert b"chunked" not in head  # what is there until the end is the body
    assert json.loads(body)["id"] == "a"


async def test_healthz(client: Any) -> None:
    reply = await client.get("/healthz")
    assert reply.status_code == 200
    assert only_rest_headers(reply)  # the names of what is behind are nobody's business


@pytest.mark.parametrize(
    ("upgrade", "path"),
    [
        (upgrade, path)
        for upgrade in ("TLS/1.2", "TLS/1.2, HTTP/2.0", "websocket", "h2c", "tomorrow/7", "")
        for path in ("/healthz", "/v1/echo/a", "/api/echo/a", "/v1/echo/a/events?q=1")
    ],
)
def test_what_else_a_client_could_speak_is_ignored(up: Any, upgrade: Any, path: Any) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n"
    assert raw(up, head.encode()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("coding", ["xchunked", "gzip, chunked", "identity", "chunked, chunked"])
def test_a_coding_that_nobody_knows_is_no_fault_of_ours(up: Any, coding: str) -> None:
    for path in ("/v1/echo/a", "/api/echo/a"):
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"
        answer = raw(up, head.encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"content-type: application/json" in answer


async def test_cors(client: Any) -> None:
    origin = {"origin": "https://shop.example"}
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,idempotency-key",
    }
    reply = await client.options("/v1/echo/a", headers=origin | asked)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert "PUT" in reply.headers["access-control-allow-methods"]
    allowed = reply.headers["access-control-allow-headers"]
    assert "authorization" in allowed
    assert "idempotency-key" in allowed  # the contract's
    for path in ("/v1/echo/a", "/v1/nowhere", "/v1/echo/grpc-INTERNAL"):
        reply = await client.get(path, headers=origin)
        assert reply.headers["access-control-allow-origin"] == "https://shop.example"
        assert "x-request-id" in reply.headers["access-control-expose-headers"]


async def test_request_ids(client: Any) -> None:
    mine = await client.get("/v1/echo/a", headers={"x-request-id": "mine-1"})
    assert mine.headers["x-request-id"] == "mine-1"
    assert mine.json()["sent"]["x-request-id"] == "mine-1"
    assert len((await client.get("/v1/nowhere")).headers["x-request-id"]) == 36


async def test_forged_headers_do_not_reach_the_core(client: Any, channel: grpc.aio.Channel) -> None:
    forged = {
        "x-envoy-original-path": "/v1/forged",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-retry-on": "5xx",
        "x-http-status": "500",
        "grpc-timeout": "1n",
        "grpc-encoding": "gzip",
    }
    reply = await client.get("/v1/echo/a", headers=forged)
    assert reply.status_code == 200
    sent = reply.json()["sent"]
    assert sent["x-envoy-original-path"] == "/v1/echo/a"
    assert "x-http-status" not in sent
    assert 10 < reply.json()["left"] < 17  # the route's deadline, not one of those sent
    request, get = echo(channel)
    native = await get(
        request(id="a"),
        metadata=[("x-envoy-original-path", "/v1/x"), ("x-envoy-original-method", "GET")],
    )
    assert not any(name.startswith("x-envoy-original") for name in json.loads(native.text)["sent"])


async def test_grpc(channel: grpc.aio.Channel) -> None:
    request, get = echo(channel)
    call = get(request(id="a", q="b"), timeout=5)
    data = json.loads((await call).text)
    assert (data["id"], data["q"]) == ("a", "b")
    assert data["left"] < 6  # the client's own deadline, which gRPC rounds up
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await get(request(id="grpc-NOT_FOUND"))
    assert failed.value.code() == grpc.StatusCode.NOT_FOUND
    assert failed.value.details() == "driver text"  # Envoy changes nothing for gRPC clients
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await get(request(id="slow"), timeout=0.3)
    assert failed.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_unknown_grpc_method(channel: grpc.aio.Channel) -> None:
    request, call = echo(channel, "Nothing")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call(request(id="a"))
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_grpc_stream(channel: grpc.aio.Channel) -> None:
    request, watch = echo(channel, "Watch", stream=True)
    got = [reply.text async for reply in watch(request(id="a", q="3"))]
    assert len(got) == 3


@pytest.mark.parametrize("text", [False, True])
async def test_grpc_web(client: Any, text: bool) -> None:
    request, _ = echo(grpc.aio.insecure_channel("unused"))
    message = request(id="a", q="b").SerializeToString()
    body = b"\0" + struct.pack(">I", len(message)) + message
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    headers = {"content-type": kind, "accept": kind, "origin": "https://shop.example"}
    content = base64.b64encode(body) if text else body
    reply = await client.post("/echo.v1.EchoService/Get", content=content, headers=headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/grpc-web")
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    data = reply.content
    if text:  # each part is padded by itself
        data = b"".join(base64.b64decode(part) for part in re.findall(rb"[^=]+=*", data))
    length = struct.unpack(">I", data[1:5])[0]
    assert b'"id": "a"' in data[5 : 5 + length]
    assert b"grpc-status:0" in data[5 + length :].replace(b": ", b":")


async def test_events_come_one_by_one_also_compressed(client: Any) -> None:
    for encoding in ("identity", "gzip"):
        headers = {"accept-encoding": encoding}
        async with client.stream("GET", "/v1/echo/a/events?q=4", headers=headers) as reply:
            assert reply.headers["content-type"] == "text/event-stream"
            assert reply.headers.get("content-encoding", "identity") == encoding
            assert only_rest_headers(reply)
            chunks = [chunk async for chunk in reply.aiter_text() if chunk]
        # Each event is a chunk of its own, not one lump at the end.
        assert [chunk.count("data:") for chunk in chunks] == [1, 1, 1, 1]


async def test_http2_shows_no_trailers_of_grpc(up: Any) -> None:
    """Read as frames: no client library here speaks HTTP/2 to plain REST."""
    reader, writer = await asyncio.open_connection("127.0.0.1", up.port)

    fields = {
        b":method": b"GET",
        b":scheme": b"http",
        b":authority": b"a",
        b":path": b"/v1/echo/a/events",
    }
    writer.write(PREFACE + frame(1, 0x5, 1, header_block(fields)))
    kinds = []
    while True:
        length, kind, flags, stream = struct.unpack(">3sBBI", await reader.readexactly(9))
        await reader.readexactly(int.from_bytes(length, "big"))
        if stream == 1:
            kinds.append(kind)
            if flags & 1:  # the end of the stream
                break
    writer.close()
    headers, *data = kinds
    assert headers == 1
    assert set(data) == {0}


async def test_large_replies_are_compressed(client: Any) -> None:
    reply = await client.get("/v1/echo/big", headers={"accept-encoding": "gzip"})
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["vary"] == "Accept-Encoding"
    assert reply.json()["fill"].startswith("우유")
    async with client.stream("GET", "/v1/echo/big", headers={"accept-encoding": "gzip"}) as again:
        packed = b"".join([part async for part in again.aiter_raw()])
    assert len(packed) < len(gzip.decompress(packed)) / 10
    small = await client.get("/v1/echo/a", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers or len(small.content) >= 1024


async def test_the_access_log_holds_no_secrets(up: Any, client: Any) -> None:
    await client.get(
        "/v1/echo/a?token=very-secret", headers={"authorization": "Bearer osk_very-secret"}
    )
    long = {"user-agent": "a" * 2_000, "x-request-id": "b" * 1_000}
    assert (await client.get("/v1/echo/" + "c" * 2000, headers=long)).status_code == 200
    await client.get("/v1/nowhere?token=very-secret")
    for _ in range(100):
        if "/v1/nowhere" in up.access_log():
            break
        await asyncio.sleep(0.05)
    lines = [json.loads(line) for line in up.access_log().splitlines()]
    assert "secret" not in up.access_log()
    assert max(len(line) for line in up.access_log().splitlines()) < 1500
    line = next(line for line in lines if line["path"] == "/v1/echo/a" and line["method"] == "GET")
    assert line["status"] == 200
    assert line["request_id"]
    assert any(line["status"] == 404 and line["path"] == "/v1/nowhere" for line in lines)
