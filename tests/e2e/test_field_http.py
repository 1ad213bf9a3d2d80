"""What HTTP clients, proxies and load balancers of the field send beside the request itself.

Each is a byte of HTTP that no business of ours hangs on: the answer is what it is without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import httpx
import pytest

from tests.e2e import wire
from tests.e2e.cases import Replies
from tests.e2e.people import picture

FORM = (
    b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n%s\r\n--B--\r\n"
)


class Ask(NamedTuple):
    """A request of one kind, and the status of its answer."""

    line: str
    status: int
    caller: str = ""
    kind: str = ""
    body: bytes = b""


# One of each kind of call, on each surface. `{…}` is a variable of the cases.
KINDS = {
    "health": Ask("GET /healthz", 200),
    "a profile": Ask("GET /v1/profile/{PROFILE_ID}", 200, "SDK_KEY"),
    # A body of JSON, and no round that would go on at the back of other tests.
    "a new profile": Ask(
        "PUT /v1/profile/5d3c1c1e-2f4b-4a63-9a55-0d8d8f0f6c11",
        200,
        "SDK_KEY",
        "application/json",
        '{"name": "김하나"}'.encode(),
    ),
    "a stream": Ask(
        "GET /v1/chat/{LIST_PROFILE_ID}/recommend/{CHAT_ID}/{ROUND_ID}/events", 200, "SDK_KEY"
    ),
    "a path of nobody": Ask("GET /v1/nowhere", 404),
    "nobody": Ask("GET /api/friend/list", 401),
    "a refresh": Ask(
        "POST /api/auth/refresh", 401, "", "application/json", b'{"refreshToken": "made up"}'
    ),
    "missions": Ask("GET /api/today-mission/", 200, "USER_TOKEN"),
    "an upload": Ask(
        "POST /api/post", 201, "USER_TOKEN", "multipart/form-data; boundary=B", FORM % picture()
    ),
    "gRPC-Web": Ask(
        "POST /onegenie.profile.v1.ProfileService/GetProfile",
        200,
        "SDK_KEY",
        "application/grpc-web+proto",
        b"\0\0\0\0\0",
    ),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def as_bytes(
    kind: str,
    variables: Mapping[str, str],
    headers: tuple[str, ...],
    version: str = "1.1",
    host: bool = True,
) -> bytes:
    """A request with these lines among its headers."""
    ask = KINDS[kind]
    lines = [f"{ask.line.format_map(variables)} HTTP/{version}"]
    if host:
        lines.append("Host: localhost")
    if ask.caller:
        lines.append(f"Authorization: Bearer {variables[ask.caller]}")
    if ask.body:
        lines += [f"Content-Type: {ask.kind}", f"Content-Length: {len(ask.body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + ask.body


def check(kind: str, answer: httpx.Response) -> None:
    """The status, and of what is not one object of JSON that it is whole."""
    assert answer.status_code == KINDS[kind].status, answer.text
    assert "upgrade" not in answer.headers
    if kind == "a stream":
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.text.endswith("\n\n")
        assert '"status":"completed"' in answer.text
    elif kind == "gRPC-Web":
        # An empty request: read, and refused for its field.
        assert b"grpc-status:" in answer.content
    elif kind != "health":
        assert answer.json()


@pytest.mark.parametrize(
    "offer",
    [
        ("Connection: Upgrade", "Upgrade: TLS/1.2"),
        ("Connection: Upgrade", "Upgrade: TLS/1.2, HTTP/2.0"),
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        (
            "Connection: keep-alive, Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        ("Connection: upgrade", "Upgrade: WebSocket"),
        ("Connection: Upgrade", "Upgrade: IRC/6.9, RTA/x11"),
        ("Upgrade: foo/2",),
        ("Connection: Upgrade",),
        ("Connection: Upgrade", "Upgrade: "),
    ],
    ids=lambda offer: offer[-1],
)
@kinds
async def test_an_upgrade_is_an_offer(replies: Replies, kind: str, offer: tuple[str, ...]) -> None:
    """Who does not speak the other protocol goes on in this one (RFC 9110, 7.8)."""
    sent = as_bytes(kind, replies.variables, offer)
    check(kind, await wire.send(replies.service.url, sent))


@pytest.mark.parametrize(
    "header",
    [
        "baggage-bin: {not base64}",
        "x-trace-bin: $$$",
        "grpc-trace-bin: AAAA=A",
        "x-empty-bin:",
        "grpc-status-details-bin: ====",
        "grpc-previous-rpc-attempts: two",
        "grpc-previous-rpc-attempts: -1",
        "grpc-timeout: a while",
        "grpc-timeout: 0n",
        "grpc-encoding: bogus",
        "grpc-accept-encoding: bogus",
        "grpc-status: 13",
        "grpc-message: %ZZ",
        "grpc-retry-pushback-ms: soon",
        "te: deflate;q=0.5",
        "TE: trailers, gzip",
        "te:",
    ],
)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gRPC-Web"])
async def test_rest_knows_nothing_of_grpc(replies: Replies, kind: str, header: str) -> None:
    """A header that means something to gRPC alone is none to REST."""
    sent = as_bytes(kind, replies.variables, (header,))
    check(kind, await wire.send(replies.service.url, sent))


@pytest.mark.parametrize("host", [False, True])
@kinds
async def test_http_1_0(replies: Replies, kind: str, host: bool) -> None:
    """Load balancers check by it, without a Host; some proxies pass everything on by it."""
    sent = as_bytes(kind, replies.variables, (), "1.0", host)
    answer = await wire.send(replies.service.url, sent)
    check(kind, answer)
    # It knows neither chunks nor, unless asked for, a connection that stays.
    assert "transfer-encoding" not in answer.headers
    assert answer.headers.get("connection", "close") == "close"


@pytest.mark.parametrize("kind", ["a profile", "missions"])
async def test_http_1_0_that_stays(replies: Replies, kind: str) -> None:
    """The same connection serves again."""
    sent = as_bytes(kind, replies.variables, ("Connection: keep-alive",), "1.0", host=False)
    answer = await wire.send(replies.service.url, sent, times=3)
    check(kind, answer)
    assert answer.headers["connection"] == "keep-alive"


@kinds
async def test_http_1_1_needs_a_host(replies: Replies, kind: str) -> None:
    """Without one the request is not complete (RFC 9112, 3.2)."""
    sent = as_bytes(kind, replies.variables, (), host=False)
    assert (await wire.send(replies.service.url, sent)).status_code == 400
