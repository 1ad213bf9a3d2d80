"""One interceptor that makes a grpc.aio server serve the contract to gRPC and REST callers.

It replaces each handler of the contract by one over raw bytes and wraps the call,
outermost first:

1. the REST view and the error mapper: bytes out, gRPC status or documented body
2. the interceptors it was given, in order: async context managers around the call
3. the authenticator of the method's access level
4. decoding (protobuf, or path, query, JSON and multipart) and validation
5. the servicer, which sees typed messages only

A caller without a credential learns nothing about its request. A call came through Envoy's
transcoder when it carries `x-envoy-original-path`; Envoy strips that header from what clients
send, and only Envoy may reach the server.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import grpc

from edge.contract.model import Contract, Method, Surface
from edge.reply.render import Renderer, json_cache
from edge.request.decode import Decoder
from edge.request.validate import Validator
from edge.serve.authenticators import Authentication, Authenticator
from edge.serve.body_budget import BodyBudget
from edge.serve.call import Call, Interceptor, OnError
from edge.serve.endpoint import Endpoint, Serving
from edge.serve.events import stream_handler
from edge.serve.unary import unary_handler

PASSTHROUGH = (
    "envoy.service.auth.v3.Authorization",  # edge.serve.admission
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
)

Handler = Any  # grpc.RpcMethodHandler; grpcio has no types


def _no_hook(call: Call, error: BaseException) -> None:
    """Used when nobody asked to hear about errors."""


class EdgeInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # gRPC has no types
    """Serves the methods of `contract`; see the module's text.

    authenticators: one for each access level that a method names. Raises ContractError where one
        is missing.
    interceptors: each is called with the Call and returns an async context manager;
        it sees what is raised inside and may raise ApiError itself.
    domain: google.rpc.ErrorInfo.domain.
    zone: time zone of surfaces that write local times.
    heartbeat_seconds: longest silence on a stream of server-sent events.
    open_seconds: how long such a stream waits for its first event, so that an error
        still gets its own status, before the headers go out.
    on_error: hears of every exception that the contract does not know. It must not raise.
    max_body_bytes: largest request body of a method that says nothing.
    large_bodies_bytes: how much of larger ones is worked on at a time; past it callers are told
        to come back.
    cache_bytes: memory for the JSON of messages marked `cache_json`.
    passthrough: services beside the contract that are served as they are, to anybody; any other
        method is unknown.
    stopping: set when the server is about to stop (edge.serve.server.Server does); a stream that
        ends then is to be taken up again, and not over.
    listed_reasons_only: for tests. A reason that a method raises and its contract does not list
        is an internal error.
    """

    def __init__(
        self,
        contract: Contract,
        authenticators: Mapping[str, Authenticator],
        *,
        domain: str,
        interceptors: Sequence[Interceptor] = (),
        zone: ZoneInfo | str = "UTC",
        heartbeat_seconds: float = 15.0,
        open_seconds: float = 0.5,
        on_error: OnError = _no_hook,
        max_body_bytes: int = 1 << 20,
        large_bodies_bytes: int = 96 << 20,
        cache_bytes: int = 64 << 20,
        passthrough: Iterable[str] = PASSTHROUGH,
        stopping: asyncio.Event | None = None,
        listed_reasons_only: bool = False,
    ) -> None:
        self.contract = contract
        self.domain = domain
        self.authentication = Authentication(contract, authenticators)
        self.stopping = stopping or asyncio.Event()
        serving = Serving(
            authentication=self.authentication,
            interceptors=tuple(interceptors),
            domain=domain,
            heartbeat_seconds=heartbeat_seconds,
            open_seconds=open_seconds,
            on_error=on_error,
            max_body_bytes=max_body_bytes,
            budget=BodyBudget(max_body_bytes, large_bodies_bytes),
            stopping=self.stopping,
            listed_reasons_only=listed_reasons_only,
        )
        self._passthrough = frozenset(passthrough)
        zone = ZoneInfo(zone) if isinstance(zone, str) else zone
        cache = json_cache(cache_bytes)
        tools: dict[Surface, dict[str, Any]] = {
            surface: {
                "renderer": Renderer(surface, zone, cache),
                "decoder": Decoder(surface),
                "validator": Validator(surface),
            }
            for surface in contract.surfaces
        }
        self._endpoints = {
            path: Endpoint(serving, method, **tools[method.surface])
            for path, method in contract.methods.items()
        }
        self._composed: dict[str, tuple[Handler, Handler]] = {}

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], handler_call_details: Any
    ) -> Handler:
        path: str = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        known = self._composed.get(path)
        if known is not None and known[0] is handler:
            return known[1]
        if endpoint := self._endpoints.get(path):
            composed = _compose(endpoint, handler)
        elif path.split("/")[1] in self._passthrough:
            composed = handler
        else:
            return None
        self._composed[path] = (handler, composed)
        return composed


def _compose(endpoint: Endpoint, handler: Handler) -> Handler:
    """Make the same handler over raw bytes."""
    method = endpoint.method
    kind = f"{_KINDS[method.client_streaming]}_{_KINDS[method.server_streaming]}"
    behaviour = getattr(handler, kind)
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    if method.server_streaming:
        _must_be(inspect.isasyncgenfunction, behaviour, method)
        return make(stream_handler(endpoint, behaviour), None, _unchanged)
    _must_be(inspect.iscoroutinefunction, behaviour, method)
    return make(unary_handler(endpoint, behaviour), None, _unchanged)


_KINDS = {False: "unary", True: "stream"}


def _unchanged(data: bytes) -> bytes:
    return data


def _must_be(check: Callable[[Any], bool], handler: Any, method: Method) -> None:
    if not check(handler):
        kind = "an async generator" if method.server_streaming else "a coroutine function"
        raise TypeError(f"{method.path}: the servicer's method must be {kind}")
