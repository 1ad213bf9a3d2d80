"""A server of the test contract on a Unix socket, and callers of both kinds."""

from __future__ import annotations

import gc
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from google.api import httpbody_pb2

from tests import edge_app

ORIGINAL_PATH = ("x-envoy-original-path", "/anything")


class Answer(NamedTuple):
    """What Envoy gets for a REST call."""

    status: int
    headers: dict[str, str]
    content_type: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls the server as Envoy does, and as gRPC clients do."""

    def __init__(self, address: str, channel: grpc.aio.Channel, notes: list[str]) -> None:
        self.address = address
        self.channel = channel
        self.notes = notes

    async def rest(
        self,
        method: str,
        body: bytes | None = None,
        content_type: str = "",
        metadata: tuple[tuple[str, str], ...] = (),
        **strings: Any,
    ) -> Answer:
        """A transcoded call; `strings` are path and query parameters."""
        path = f"/edgetest.v1.{method}"
        raw = edge_app.rest_request(path, body, content_type, **strings)
        return await self.raw(path, raw, (*edge_app.request_line(path, body), *metadata))

    async def raw(self, path: str, raw: bytes, metadata: Any = (ORIGINAL_PATH,)) -> Answer:
        """A transcoded call with these bytes."""
        call = self.channel.unary_unary(path)(raw, metadata=tuple(metadata))
        reply = httpbody_pb2.HttpBody.FromString(await call)
        headers = dict(await call.initial_metadata())
        return Answer(int(headers["x-http-status"]), headers, reply.content_type, reply.data)

    def events(self, method: str, metadata: Any = (), **strings: Any) -> Any:
        """A transcoded stream: the call, which yields raw HttpBody messages."""
        path = f"/edgetest.v1.{method}"
        stream = self.channel.unary_stream(path, response_deserializer=_http_body)
        raw = edge_app.rest_request(path, **strings)
        return stream(raw, metadata=(ORIGINAL_PATH, *metadata))

    @property
    def echo(self) -> Any:
        """The typed stub."""
        from edgetest.v1 import edgetest_pb2_grpc

        return edgetest_pb2_grpc.EchoServiceStub(self.channel)


def _http_body(raw: bytes) -> Any:
    return httpbody_pb2.HttpBody.FromString(raw)


@asynccontextmanager
async def calling(*interceptors: Any, **options: Any) -> AsyncIterator[Caller]:
    """A running server with these interceptors and options, and its caller."""
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        address = f"unix:{Path(folder) / 'core.sock'}"
        async with (
            edge_app.serving(address, *interceptors, **options) as notes,
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield Caller(address, channel, notes)


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    """A server with nothing but the defaults."""
    async with calling() as caller:
        yield caller


@pytest.fixture
def serve() -> Any:
    """`calling`, for servers with interceptors and options."""
    return calling


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is in a cycle stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()
