"""Headers that gRPC reads itself, malformed: no later call of anybody is the worse for it.

gRPC's core keeps what it could not read by the header's name, for all calls of the connection that
Envoy shares among its clients: https://github.com/grpc/grpc/issues/34721.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator

import grpc
import httpx
import pytest

from tests.e2e.envoy_front import Front, front
from tests.e2e.http2 import PREFACE, frame, header_block
from tests.e2e.test_envoy_front import echo

GET = "/echo.v1.EchoService/Get"
WATCH = "/echo.v1.EchoService/Watch"
FRAME = b"\0" + struct.pack(">I", 3) + b"\x0a\x01a"  # GetRequest(id="a")

WORDS = (
    b"",
    b"abc",
    b"a while",
    b"-1",
    b"1",
    b"1 S",
    b"1X",
    b"9" * 40 + b"S",
    b"1.5S",
    b"\xff",
    b"S",
)
BINARY = (
    b"$$$",
    b"{not base64}",
    b"a",
    b"abcde",
    b"=",
    b"ab=c",
    b"YQ=",
    b"YQ==,YQ==",
    b"-_-_",
    b"QR==",
    b"QR",
    b"QUJ=",
    b"\xff",
)
CODINGS = (b"bogus", b"gzip", b"deflate", b"snappy", b"", b"identity, gzip", b"IDENTITY", b"\xff")
MALFORMED = {
    b"grpc-timeout": WORDS,
    b"grpc-encoding": CODINGS,
    b"grpc-accept-encoding": (b"bogus", b"", b",,,", b"\xff"),
    b"grpc-internal-encoding-request": CODINGS,
    b"grpc-previous-rpc-attempts": (b"", b"two", b"-1", b"9" * 40, b"1.5", b"\xff"),
    b"grpc-retry-pushback-ms": (b"", b"soon", b"9" * 40),
    b"grpc-status": (b"", b"fine", b"0", b"99999999999"),
    b"grpc-message": (b"%", b"%zz", b"\xff"),
    b"grpc-message-type": (b"", b"\xff"),
    b"grpc-status-details-bin": BINARY,
    b"grpc-trace-bin": BINARY,
    b"grpc-tags-bin": BINARY,
    b"grpc-server-stats-bin": BINARY,
    b"grpclb_client_stats": (b"x",),
    b"endpoint-load-metrics-bin": BINARY,
    b"lb-cost-bin": BINARY,
    b"lb-token": (b"", b"\xff"),
    b"x-trace-bin": BINARY,
    b"-bin": BINARY,
    b"te": (b"", b"gzip", b"trailers, gzip", b"\xff"),
    b"traceparent": (b"", b"00-zz-zz-zz", b"\xff"),
    b"user-agent": (b"", b"grpc/\xff"),
    b"content-encoding": (b"bogus", b"gzip"),
    b"content-type": (
        b"application/grpc+",
        b"application/grpc;x",
        b"application/grpcx",
        b"application/",
    ),
}


@pytest.fixture(scope="module")
def up() -> Iterator[Front]:
    with front() as running:
        yield running


def requests(name: bytes, value: bytes) -> Iterator[httpx.Request]:
    """What a stranger sends: the header to a unary call and to a stream, in each protocol."""
    for path, kind, content in (
        (GET, b"application/grpc", FRAME),
        (WATCH, b"application/grpc", FRAME),
        (GET, b"application/grpc-web+proto", FRAME),
        (WATCH, b"application/grpc-web-text", b"AAAAAAMKAWE="),
        ("/v1/echo/a", b"application/json", None),
        ("/v1/echo/a", b"application/json", b"{}"),
        ("/v1/echo/a/events?q=1", b"text/event-stream", None),
    ):
        method = "POST" if content else "GET"
        headers = {b"te": b"trailers", b"content-type": kind, name: value}
        yield httpx.Request(
            method, "http://front" + path, headers=list(headers.items()), content=content
        )


async def send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    request.url = client.base_url.join(request.url.raw_path.decode())
    request.headers["host"] = request.url.netloc.decode()
    return await client.send(request)


async def others_are_served(
    up: Front, client: httpx.AsyncClient, channel: grpc.aio.Channel
) -> None:
    """Calls of everybody else, with right values in the same headers."""
    request, get = echo(channel)
    _, watch = echo(channel, "Watch", stream=True)
    web = {"content-type": "application/grpc-web+proto", "grpc-timeout": "9S"}
    for number in range(60):
        metadata = [
            *(
                (name.decode(), b"right")
                for name in MALFORMED
                if name.endswith(b"-bin") and name[0] != 45
            ),
            ("grpc-previous-rpc-attempts", "1"),
        ]
        assert (await client.get("/v1/echo/a")).status_code == 200, number
        assert (await client.post("/v1/echo/a", json={})).status_code == 202, number
        await get(request(id="a"), timeout=9 + number, metadata=metadata)
        reply = await client.post(GET, content=FRAME, headers=web)
        assert b"grpc-status:0" in reply.content, number
        if number % 20 == 0:
            events = await client.get("/v1/echo/a/events?q=1")
            assert events.text.startswith("id: 0"), number
            assert len([one async for one in watch(request(id="a", q="1"), timeout=20)]) == 1


async def test_a_malformed_header_is_its_senders_alone(up: Front) -> None:
    limits = httpx.Limits(max_keepalive_connections=8)
    async with (
        httpx.AsyncClient(base_url=up.url, timeout=20, limits=limits) as client,
        grpc.aio.insecure_channel(f"127.0.0.1:{up.port}") as channel,
    ):
        for name, values in MALFORMED.items():
            for value in values:
                replies = await asyncio.gather(
                    *(send(client, one) for one in requests(name, value))
                )
                for reply in replies:
                    assert reply.status_code < 500, (name, value, reply.request.url, reply.content)
        await others_are_served(up, client, channel)


async def test_a_malformed_trailer_reaches_nobody(up: Front) -> None:
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":authority": b"a",
        b":path": GET.encode(),
        b"content-type": b"application/grpc",
        b"te": b"trailers",
    }
    trailers = {b"grpc-timeout": b"abc", b"grpc-status": b"fine", b"x-trace-bin": b"$"}
    reader, writer = await asyncio.open_connection("127.0.0.1", up.port)
    writer.write(PREFACE + frame(1, 0x4, 1, header_block(fields)) + frame(0, 0, 1, FRAME))
    writer.write(frame(1, 0x5, 1, header_block(trailers)))
    answered = b""
    async with asyncio.timeout(20):
        while True:
            length, kind, flags, stream = struct.unpack(">3sBBI", await reader.readexactly(9))
            payload = await reader.readexactly(int.from_bytes(length, "big"))
            answered += payload if (kind, stream) == (0, 1) else b""
            if stream == 1 and flags & 1:
                break
    writer.close()
    assert b'"id": "a"' in answered
