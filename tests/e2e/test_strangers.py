"""What strangers send with no credential takes nothing from anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import struct
from collections.abc import AsyncIterator

import grpc
import pytest
from onegenie.post.v1 import post_pb2, post_pb2_grpc
from onegenie.profile.v1 import profile_pb2, profile_pb2_grpc

from tests.e2e.service import Service
from tests.support import reason_of

KICK_OFF = "/onegenie.recommend.v1.RecommendService/StartRound"
CREATE_POST = "/onegenie.post.v1.PostService/CreatePost"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def others(service: Service) -> AsyncIterator[None]:
    """Four other callers, over REST and gRPC, for as long as the block runs: none may fail."""
    failed: list[object] = []
    done = asyncio.Event()
    answered = 0
    url = f"/v1/profile/{service.demo['PROFILE_ID']}"
    stub = profile_pb2_grpc.ProfileServiceStub(service.channel)
    request = profile_pb2.GetProfileRequest(profile_id=service.demo["PROFILE_ID"])
    metadata = (("authorization", f"Bearer {service.demo['SDK_KEY']}"),)

    async def call() -> None:
        nonlocal answered
        while not done.is_set() or answered < 40:
            reply = await service.http.get(url, headers=service.bearer())
            if reply.status_code != 200:
                failed.append((reply.status_code, reply.text))
            try:
                await stub.GetProfile(request, metadata=metadata, timeout=20)
            except grpc.aio.AioRpcError as error:
                failed.append((error.code(), error.details()))
            answered += 2

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(call())
        try:
            yield
        finally:
            done.set()
    assert failed == []


async def connect(service: Service, head: str, body: bytes) -> Connection:
    """A connection of its own on which a request has begun."""
    port = int(service.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    return reader, writer


async def head_of(connection: Connection) -> str:
    """The answer's status line and headers."""
    reader, _ = connection
    async with asyncio.timeout(30):
        return (await reader.readuntil(b"\r\n\r\n")).decode()


FORM = (
    "Host: a\nContent-Type: multipart/form-data; boundary=xx\nContent-Length: 30000000\n"
    "Authorization: Bearer {token}"
)
PATHS = ("/api/post", "/api/post/", "/ai/image/analysis", "/ai/image/generate/events")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "abc", "osk_" + "A" * 43])
async def test_a_strangers_large_body_is_not_waited_for(
    service: Service, path: str, token: str
) -> None:
    """Of thirty promised megabytes one byte is there."""
    connection = await connect(service, f"POST {path} HTTP/1.1\n" + FORM.format(token=token), b"-")
    head = (await head_of(connection)).lower()
    assert head.startswith("http/1.1 401 ")
    assert "\r\nwww-authenticate: bearer\r\n" in head
    assert "\r\ncontent-type: application/json" in head
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    assert json.loads(await connection[0].readexactly(length)) == {
        "status": 401,
        "error": {"errorCode": "COMMON_3", "message": "인증에 실패했습니다."},
    }
    connection[1].close()


async def test_over_grpc_a_stranger_hears_the_documented_reason(service: Service) -> None:
    stub = post_pb2_grpc.PostServiceStub(service.channel)
    request = post_pb2.CreatePostRequest(title="x" * 3_000_000)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CreatePost(request, metadata=(("authorization", "Bearer abc"),))
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(refused.value) == "UNAUTHORIZED"
    assert refused.value.details() == "인증에 실패했습니다."


async def test_what_is_too_large_is_said_over_grpc_too(service: Service) -> None:
    stub = profile_pb2_grpc.ProfileServiceStub(service.channel)
    request = profile_pb2.PutProfileRequest(profile_id="x" * 5_000_000)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.PutProfile(request, metadata=(("authorization", "Bearer abc"),))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(refused.value) == "PAYLOAD_TOO_LARGE"


async def test_nobody_asks_the_core_as_envoy_does(service: Service) -> None:
    call = service.channel.unary_unary("/envoy.service.auth.v3.Authorization/Check")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(b"")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("path", [KICK_OFF, CREATE_POST])
async def test_bodies_that_are_held_take_nothing_from_others(service: Service, path: str) -> None:
    """Sixty streams, each of which has sent all but the end of what it may."""
    head = f"POST {path} HTTP/1.1\nHost: a\nTE: trailers\nContent-Type: application/grpc\n"
    size = 30_000_000 if path == CREATE_POST else 1_000_000
    body = b"\0" + struct.pack(">I", size) + b"\0" * min(size - 10, 3_000_000)
    connections: list[Connection] = []
    async with others(service):
        for _ in range(60):
            sent = head + f"grpc-timeout: 250S\nContent-Length: {size + 5}"
            connections.append(await connect(service, sent, body))
        await asyncio.sleep(2)
    for _, writer in connections:
        writer.close()


async def test_packed_messages_take_nothing_from_others(service: Service) -> None:
    """Each of 35 KB that are 35 MB."""
    packed = gzip.compress(b"\0" * 35_000_000)
    body = b"\1" + struct.pack(">I", len(packed)) + packed
    headers = {"Content-Type": "application/grpc", "TE": "trailers", "grpc-encoding": "gzip"}
    async with others(service):
        for _ in range(20):
            replies = await asyncio.gather(
                *(service.http.post(KICK_OFF, content=body, headers=headers) for _ in range(10))
            )
            assert {reply.headers.get("grpc-status") for reply in replies} == {"12"}
        # Packed, it says, by nothing.
        headers["grpc-encoding"] = "identity"
        for _ in range(20):
            await service.http.post(KICK_OFF, content=body, headers=headers)
