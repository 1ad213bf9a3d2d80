"""The servicers of tests/protos/edgetest, and the ways the edge's tests call them."""

from __future__ import annotations

import asyncio
import atexit
import functools
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from edge.contract.load import load_contract
from edge.contract.model import Contract
from edge.contract.template import matched
from edge.envoy.descriptor import BODY_NAME, request_class
from edge.gen import generate, service_names
from edge.reply.errors import ApiError
from edge.serve.admission import admission
from edge.serve.call import Call, current_call
from edge.serve.interceptor import EdgeInterceptor

ROOT = Path(__file__).parent.parent
SERVICES = ("edgetest.v1.EchoService", "edgetest.v1.StatusService")


@functools.cache
def stubs() -> Path:
    """Generate the test contract's stubs once a session; importable from then on."""
    folder = tempfile.mkdtemp(prefix="edge-")
    atexit.register(shutil.rmtree, folder)
    out = Path(folder) / "gen"
    generate(ROOT / "tests" / "protos", out, include=[ROOT / "proto"])
    sys.path.insert(0, str(out / "python"))
    return out


@functools.cache
def contract() -> Contract:
    stubs()
    return load_contract(SERVICES)


def every_contract() -> Contract:
    """All that tests/protos has, which is what files are made from."""
    image = (stubs().parent / "contract.pb").read_bytes()
    return load_contract(service_names(FileDescriptorSet.FromString(image)))


async def everybody(call: Call) -> str:
    """Let anybody in."""
    return "somebody"


EVERYBODY = {"sdk_key": everybody, "user": everybody}


class Unknown(Exception):
    """Something the contract does not know."""


class Held:
    """What a servicer holds while it runs."""


alive: weakref.WeakSet[Held] = weakref.WeakSet()
"""All that is held by a servicer, or still by what is left of its call."""


def hold() -> Held:
    """Something to hold."""
    held = Held()
    alive.add(held)
    return held


def servicers() -> tuple[Any, Any, list[str]]:
    """The two servicers, and a list in which they note what they clean up."""
    stubs()
    from edgetest.v1 import edgetest_pb2, edgetest_pb2_grpc

    notes: list[str] = []

    class Echo(edgetest_pb2_grpc.EchoServiceServicer):  # type: ignore[misc]
        async def Say(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.SayResponse(said=request)

        async def List(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.ListResponse(asked=request)

        async def GetThing(self, request: Any, context: Any) -> Any:
            if request.kind == "none":
                return edgetest_pb2.GetThingResponse()
            return edgetest_pb2.GetThingResponse(thing=edgetest_pb2.Thing(name=request.kind))

        async def PutThing(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.PutThingResponse(thing=request.thing)

        async def Patch(self, request: Any, context: Any) -> Any:
            reply = edgetest_pb2.PatchResponse()
            if request.HasField("update_mask"):
                reply.changed.SetInParent()
                reply.changed.extend(request.update_mask.paths)
            return reply

        async def Fail(self, request: Any, context: Any) -> Any:
            held = hold()  # noqa: F841
            match request.how:
                case "teapot":
                    raise ApiError("TEAPOT", metadata={"spout": "short"}, retry_after=1.2)  # type: ignore[arg-type]
                case "message":
                    raise ApiError("TEAPOT", "Only tea here.")  # type: ignore[arg-type]
                case "unknown":
                    raise ApiError("NO_SUCH_REASON", "secret")  # type: ignore[arg-type]
                case "zero":
                    return 1 / 0
                case "timeout":
                    raise TimeoutError("secret")
                case "none":
                    return None
                case "abort":
                    await context.abort(grpc.StatusCode.DATA_LOSS, "lost")
                case "cancelled-inside":
                    raise asyncio.CancelledError
                case "slow":
                    notes.append("began")
                    try:
                        await asyncio.sleep(60)
                    finally:
                        notes.append("ended")
            return edgetest_pb2.FailResponse()

        async def Count(self, request: Any, context: Any) -> AsyncIterator[Any]:
            held = hold()  # noqa: F841
            try:
                if request.how == "teapot":
                    raise ApiError("TEAPOT")  # type: ignore[arg-type]
                if request.how == "late":
                    await asyncio.sleep(0.2)
                    raise ApiError("TEAPOT")  # type: ignore[arg-type]
                if request.how == "over":
                    return
                for number in range(request.after + 1, request.after + 4):
                    thing = edgetest_pb2.Thing(name=f"n{number}")
                    yield edgetest_pb2.CountResponse(number=number, event="tick", thing=thing)
                if request.how == "break":
                    raise ApiError("TEAPOT")  # type: ignore[arg-type]
                if request.how == "zero":
                    raise Unknown("secret")
                if request.how == "hang":
                    await asyncio.sleep(60)
                while request.how == "flood":
                    yield edgetest_pb2.CountResponse(number=1, event="tick" * 1000)
            finally:
                notes.append(f"count {request.how}")

        async def Plain(self, request: Any, context: Any) -> AsyncIterator[Any]:
            for number in range(0 if request.how == "empty" else 2):
                yield edgetest_pb2.PlainResponse(number=number)

        async def Sum(self, request_iterator: Any, context: Any) -> Any:
            total = 0
            async for request in request_iterator:
                total += request.number
            return edgetest_pb2.SumResponse(sum=total)

        async def Chat(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
            async for request in request_iterator:
                yield edgetest_pb2.SumResponse(sum=request.number)

        async def Odd(self, request: Any, context: Any) -> Any:
            return request

        async def Measure(self, request: Any, context: Any) -> Any:
            return request

        async def Shelve(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.ShelveResponse.FromString(request.SerializeToString())

        async def Peek(self, request: Any, context: Any) -> Any:
            if request.how == "teapot":
                raise ApiError("TEAPOT")  # type: ignore[arg-type]
            if request.how == "abort":
                await context.abort(grpc.StatusCode.DATA_LOSS, "lost")
            asked = edgetest_pb2.ListRequest(room_id=request.how * 500)
            return edgetest_pb2.ListResponse(asked=asked)

        async def Download(self, request: Any, context: Any) -> Any:
            call = current_call.get()
            if request.how:
                call.response_headers["etag"] = '"v1"'
                call.response_headers["cache-control"] = "private, max-age=60, immutable"
                call.response_headers["content-disposition"] = "inline"
            if request.how == "teapot":
                raise ApiError("TEAPOT")  # type: ignore[arg-type]
            return httpbody_pb2.HttpBody(content_type="image/png", data=b"\x89PNG")

    class Status(edgetest_pb2_grpc.StatusServiceServicer):  # type: ignore[misc]
        async def Upload(self, request: Any, context: Any) -> Any:
            if request.title == "slow":
                notes.append("began")
                await asyncio.sleep(60)
            files = [("files", f) for f in request.files]
            if request.HasField("cover"):
                files.append(("cover", request.cover))
            seen = [f"{n}:{f.filename}:{f.content_type}:{len(f.content)}" for n, f in files]
            seen += [f"raw:{len(request.raw)}"] + [f"raws:{len(raw)}" for raw in request.raws]
            seen += [request.title, request.album_id]
            reply = edgetest_pb2.UploadResponse(seen=seen)
            reply.created_at.FromSeconds(0)
            return reply

        async def Follow(self, request: Any, context: Any) -> AsyncIterator[Any]:
            if request.title == "friend":
                raise ApiError("FRIEND")  # type: ignore[arg-type]
            for file in request.files:
                seen = edgetest_pb2.UploadResponse(seen=[f"{file.filename}:{len(file.content)}"])
                yield edgetest_pb2.FollowResponse(event="file", upload=seen)

        async def Remove(self, request: Any, context: Any) -> Any:
            if request.friend_id == 7:
                raise ApiError("FRIEND")  # type: ignore[arg-type]
            return edgetest_pb2.RemoveResponse(friend_id=request.friend_id)

        async def Word(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.WordResponse(word=f"{request.friend_id} 성공")

        async def Bare(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.BareResponse(choices=["a"])

        async def Numbers(self, request: Any, context: Any) -> Any:
            return edgetest_pb2.NumbersResponse(numbers=[1, 2.5])

    return Echo(), Status(), notes


@asynccontextmanager
async def serving(address: str, *interceptors: Any, **options: Any) -> AsyncIterator[list[str]]:
    """A grpc.aio server of the test contract at `address`; yields the servicers' notes."""
    from grpc_health.v1 import health, health_pb2_grpc

    echo, status, notes = servicers()
    from edgetest.v1 import edgetest_pb2_grpc

    authenticators = options.pop("authenticators", EVERYBODY)
    edge = EdgeInterceptor(
        contract(),
        authenticators,
        interceptors=interceptors,
        **{"domain": "echo", "zone": "Asia/Seoul", **options},
    )
    server = grpc.aio.server(interceptors=(edge,))
    server.add_generic_rpc_handlers((admission(edge, interceptors),))
    edgetest_pb2_grpc.add_EchoServiceServicer_to_server(echo, server)
    edgetest_pb2_grpc.add_StatusServiceServicer_to_server(status, server)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    server.add_insecure_port(address)
    await server.start()
    try:
        yield notes
    finally:
        await server.stop(0)


def request_line(path: str, body: bytes | None = None) -> tuple[tuple[str, str], ...]:
    """What Envoy says of where a REST call of the method at `path` came in: at its first binding
    that takes a body, or takes none."""
    bindings = contract().methods[path].bindings
    fit = [b for b in bindings if bool(b.body) == (body is not None) and b.verb != "HEAD"]
    binding = (fit or bindings)[0]
    target = re.sub(r"\*+", "x", matched(binding.template))
    return (("x-envoy-original-path", target), ("x-envoy-original-method", binding.verb))


def rest_request(
    path: str, body: bytes | None = None, content_type: str = "", **strings: Any
) -> bytes:
    """The bytes Envoy sends for a REST call of the method at `path`."""
    method = contract().methods[path]
    message = request_class(method)()
    for name, value in strings.items():
        getattr(message, name).extend([value] if isinstance(value, str) else value)
    if body is not None:
        http = getattr(message, BODY_NAME)
        http.content_type, http.data = content_type or "application/json", body
    return message.SerializeToString()
