"""One interceptor that makes a grpc.aio server serve the contract to gRPC and REST callers.

It replaces each handler of the contract by one over raw bytes and wraps the call,
outermost first:

1. the REST view and the error mapper: bytes out, gRPC status or documented body
2. the interceptors it was given, in order: async context managers around the call
3. decoding (protobuf, or path, query, JSON and multipart) and validation
4. the servicer, which sees typed messages only

Identity is checked by an interceptor, so a caller without a credential learns
nothing about its request. A call came through Envoy's transcoder when it carries
`x-envoy-original-path`; Envoy strips that header from what clients send, and only
Envoy may reach the server.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import grpc
from google.api import httpbody_pb2
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message

from edge.contract.load import (
    Contract,
    Method,
    Reason,
    Surface,
    is_required,
    mask_field,
    sse_field,
)
from edge.envoy.descriptor import body_field, request_class
from edge.reply import sse
from edge.reply.errors import (
    ApiError,
    FieldViolation,
    body_of,
    invalid,
    message_of,
    reason_of,
    status_of,
)
from edge.reply.render import Renderer, json_cache
from edge.reply.sse import Framer
from edge.request import multipart
from edge.request.decode import MAX_ELEMENTS, Decoder, Violations, parse_json
from edge.request.validate import Validator
from edge.v1 import annotations_pb2 as rest

REST_MARK = "x-envoy-original-path"
LARGE_RETRY_SECONDS = 5
STATUS_HEADER = "x-http-status"  # Envoy's Lua makes it the HTTP status
PASSTHROUGH = (
    "envoy.service.auth.v3.Authorization",  # edge.serve.admission
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
)

Interceptor = Callable[["Call"], AbstractAsyncContextManager[None]]
OnError = Callable[["Call", BaseException], None]
Handler = Any  # grpc.RpcMethodHandler; grpcio has no types


class Call:
    """One call, for interceptors and servicers.

    `metadata` has lower-case keys; of a repeated key the last value. `identity` is
    set by an interceptor. `response_headers` go to the client with the reply or the
    error: HTTP headers over REST, initial metadata over gRPC; lower-case names. A
    success is never cached unless a `cache-control` there says so; a read with an
    `etag` is answered 304 to a REST client that holds it.
    `request` is the typed request, None until it is decoded and valid.
    """

    __slots__ = (
        "context",
        "identity",
        "is_rest",
        "metadata",
        "method",
        "request",
        "response_headers",
    )

    def __init__(self, method: Method, context: Any) -> None:
        self.method = method
        self.context = context
        self.metadata: Mapping[str, Any] = dict(context.invocation_metadata() or ())
        self.is_rest = REST_MARK in self.metadata and bool(method.bindings)
        self.identity: Any = None
        self.response_headers: dict[str, str] = {}
        self.request: Message | None = None


current_call: ContextVar[Call] = ContextVar("current_call")


def _no_hook(call: Call, error: BaseException) -> None:
    """Used when nobody asked to hear about errors."""


class EdgeInterceptor(grpc.aio.ServerInterceptor):
    """Serves the methods of `contract`; see the module's text.

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
    passthrough: services beside the contract that are served as they are; any other
        method is unknown.
    stopping: set when the server is about to stop; a stream that ends then is to be taken up
        again, and not over.
    """

    def __init__(
        self,
        contract: Contract,
        interceptors: Sequence[Interceptor] = (),
        *,
        domain: str,
        zone: ZoneInfo | str = "UTC",
        heartbeat_seconds: float = 15.0,
        open_seconds: float = 0.5,
        on_error: OnError = _no_hook,
        max_body_bytes: int = 1 << 20,
        large_bodies_bytes: int = 96 << 20,
        cache_bytes: int = 64 << 20,
        passthrough: Iterable[str] = PASSTHROUGH,
        stopping: asyncio.Event | None = None,
    ) -> None:
        self._interceptors = tuple(interceptors)
        self._domain = domain
        self._heartbeat = heartbeat_seconds
        self._open = open_seconds
        self._on_error = on_error
        self._large = _Room(max_body_bytes, large_bodies_bytes)
        self._passthrough = frozenset(passthrough)
        self._stopping = stopping or asyncio.Event()
        zone = ZoneInfo(zone) if isinstance(zone, str) else zone
        cache = json_cache(cache_bytes)
        tools: dict[Surface, tuple[Renderer, Decoder, Validator]] = {
            surface: (Renderer(surface, zone, cache), Decoder(surface), Validator(surface))
            for surface in contract.surfaces
        }
        self._endpoints = {
            path: _Endpoint(self, method, *tools[method.surface], max_body_bytes)
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
            composed = endpoint.compose(handler)
        elif path.split("/")[1] in self._passthrough:
            composed = handler
        else:
            return None
        self._composed[path] = (handler, composed)
        return composed


class _Room:
    """What requests beyond `small` bytes may have together: `most` bytes, or one of any size.

    Each is in memory as it came, as its parts and as what is made of them. And whoever came after
    too many to be finished in time would only take from the others' time.
    """

    def __init__(self, small: int, most: int) -> None:
        self._small, self._most, self._taken = small, most, 0

    @contextmanager
    def taken(self, raw: object) -> Iterator[None]:
        """Room for a request's bytes; of a client stream nothing is known."""
        size = len(raw) if isinstance(raw, bytes) else 0
        if size <= self._small:
            size = 0
        elif self._taken and self._taken + size > self._most:
            raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=LARGE_RETRY_SECONDS)
        self._taken += size
        try:
            yield
        finally:
            self._taken -= size


class _Endpoint:
    """One method of the contract: its handlers over raw bytes."""

    def __init__(
        self,
        edge: EdgeInterceptor,
        method: Method,
        renderer: Renderer,
        decoder: Decoder,
        validator: Validator,
        max_body_bytes: int,
    ) -> None:
        self.edge = edge
        self.method = method
        self.renderer = renderer
        self.decoder = decoder
        self.validator = validator
        self.max_body_bytes = method.rule.max_body_bytes or max_body_bytes
        self.max_values = method.rule.max_values or MAX_ELEMENTS
        self.request_class = message_factory.GetMessageClass(method.input)
        self.rest_class = request_class(method) if method.bindings else None
        self.body_field = body_field(method)
        self.body_name = next((b.body for b in method.bindings if b.body), "")
        self.path_fields, self.query_fields = method.path_fields, method.query_fields
        self.has_parts = method.has_parts
        self.resume_field = sse_field(method.input, rest.SSE_LAST_EVENT_ID)
        mask = mask_field(method.input)
        self.mask_name = mask.name if mask is not None else ""
        self.never_masked = tuple(f.name for f in method.input.fields if is_required(f))
        self.framer = Framer(method, renderer)
        self.response_body = method.bindings[0].response_body if method.bindings else ""
        self.json_type = method.json_type().encode()
        # What stands around the JSON of a success.
        self.prefix, self.suffix = b"", b""
        if not method.rule.bare:
            if method.surface.envelope == rest.ENVELOPE_SUCCESS_DATA:
                self.prefix = b'{"success":true,"data":'
            else:
                self.prefix = b'{"status":%d,"data":' % method.success_status
            self.suffix = b"}"

    def compose(self, handler: Handler) -> Handler:
        """The same handler over raw bytes."""
        if self.method.client_streaming and self.method.server_streaming:
            _must_be(inspect.isasyncgenfunction, handler.stream_stream, self.method)
            return grpc.stream_stream_rpc_method_handler(
                self._streams(handler.stream_stream), None, _identity
            )
        if self.method.client_streaming:
            _must_be(inspect.iscoroutinefunction, handler.stream_unary, self.method)
            return grpc.stream_unary_rpc_method_handler(
                self._unary(handler.stream_unary), None, _identity
            )
        if self.method.server_streaming:
            _must_be(inspect.isasyncgenfunction, handler.unary_stream, self.method)
            return grpc.unary_stream_rpc_method_handler(
                self._streams(handler.unary_stream), None, _identity
            )
        _must_be(inspect.iscoroutinefunction, handler.unary_unary, self.method)
        return grpc.unary_unary_rpc_method_handler(
            self._unary(handler.unary_unary), None, _identity
        )

    # One reply

    def _unary(self, behaviour: Callable[[Any, Any], Awaitable[Message]]) -> Any:
        async def handle(raw: Any, context: Any) -> bytes:
            call = Call(self.method, context)
            current_call.set(call)
            try:
                reply: Message | None = None
                async with AsyncExitStack() as stack:
                    for interceptor in self.edge._interceptors:
                        await stack.enter_async_context(interceptor(call))
                    stack.enter_context(self.edge._large.taken(raw))
                    reply = await behaviour(self._request(call, raw), context)
                if reply is None:
                    raise TypeError(f"{self.method.path} returned no message")
                headers: dict[str, str] = {}
                if call.is_rest:
                    headers, answer = self._answer(call, reply)
                else:
                    answer = reply.SerializeToString()
            except BaseException as error:
                if _is_no_answer(error):
                    raise
                if not call.is_rest:
                    raw = None
                    await self._abort(call, error)
                headers, kind, body = self._error(call, error)
                answer = http_body(kind, body)
            await _send_headers(call, headers)
            return answer

        return handle

    def _answer(self, call: Call, reply: Message) -> tuple[dict[str, str], bytes]:
        """Headers and HttpBody of a success for a REST client."""
        # A reply may say itself how long it may be kept.
        kept = "cache-control" in call.response_headers
        headers = {} if kept else dict(_NO_STORE)
        if _is_known(call):
            return headers | {STATUS_HEADER: "304"}, http_body(b"", b"")
        headers[STATUS_HEADER] = str(self.method.success_status)
        return headers, http_body(*self._body(reply))

    def _body(self, reply: Message) -> tuple[bytes, bytes]:
        """Content type and body of a success."""
        if isinstance(reply, httpbody_pb2.HttpBody):
            return reply.content_type.encode(), reply.data
        json = self.renderer.json(reply, self.response_body)
        return self.json_type, self.prefix + json + self.suffix

    # Many replies

    def _streams(self, behaviour: Callable[[Any, Any], AsyncGenerator[Message, None]]) -> Any:
        # A coroutine that writes, not a generator: it is always cancelled where it waits,
        # while a generator parked at its `yield` is only closed when it is collected.
        async def handle(raw: Any, context: Any) -> None:
            call = Call(self.method, context)
            current_call.set(call)
            if call.is_rest:
                await self._events(call, behaviour, raw)
                return
            started = False

            async def emit(reply: Message) -> None:
                nonlocal started
                if not started:
                    started = True
                    await _send_headers(call, {})
                await context.write(reply.SerializeToString())

            try:
                await self._run(call, behaviour, raw, emit)
            except BaseException as error:
                if _is_no_answer(error):
                    raise
                raw = None
                await self._abort(call, error, headers=not started)

        return handle

    async def _run(
        self,
        call: Call,
        behaviour: Callable[[Any, Any], AsyncGenerator[Message, None]],
        raw: Any,
        emit: Callable[[Message], Awaitable[None]],
    ) -> None:
        """The call inside the interceptors, each reply given to `emit`."""
        async with AsyncExitStack() as stack:
            for interceptor in self.edge._interceptors:
                await stack.enter_async_context(interceptor(call))
            stack.enter_context(self.edge._large.taken(raw))
            request = self._request(call, raw)
            async with aclosing(behaviour(request, call.context)) as replies:
                async for reply in replies:
                    await emit(reply)

    async def _events(
        self,
        call: Call,
        behaviour: Callable[[Any, Any], AsyncGenerator[Message, None]],
        raw: Any,
    ) -> None:
        """The replies as server-sent events.

        The call runs in a task of its own, so that waiting for its next reply can be
        interrupted by a heartbeat without touching it.
        """
        frames: asyncio.Queue[bytes | None] = asyncio.Queue(1)

        async def emit(reply: Message) -> None:
            await frames.put(self.framer.frame(reply))

        async def run() -> None:
            try:
                await self._run(call, behaviour, raw, emit)
            finally:
                if not _was_cancelled():
                    await frames.put(None)

        write = call.context.write
        task = asyncio.create_task(run())
        opened = answered = False
        try:
            while True:
                try:
                    async with asyncio.timeout(self.edge._heartbeat if opened else self.edge._open):
                        frame = await frames.get()
                except TimeoutError:
                    frame = sse.KEEP_ALIVE
                if frame is None:
                    answered = True
                    break
                if not opened:
                    opened = True
                    await self._open_events(call)
                await write(http_body(sse.CONTENT_TYPE, frame))
            await asyncio.wait((task,))
            # Not raised here: its traceback would have this frame, which holds the task.
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is not None:
                if _is_no_answer(error):
                    raise error
                headers, kind, body = self._error(call, error)
                if opened:
                    await write(http_body(sse.CONTENT_TYPE, sse.error_frame(body)))
                else:
                    await _send_headers(call, headers)
                    await write(http_body(kind, body))
                return
            if not opened and self._is_over(call):
                # Or a proxy makes a gzip of nothing, and so a body.
                kept = {"cache-control": "no-store, no-transform"}
                await _send_headers(call, {STATUS_HEADER: "204", **kept})
            elif not opened:  # The content type travels with the first bytes.
                await self._open_events(call)
                await write(http_body(sse.CONTENT_TYPE, sse.KEEP_ALIVE))
        finally:
            task.cancel()
            await asyncio.wait((task,))
            # What fails while it is cleaned up after a client that left is nobody's answer.
            failed = None if answered or task.cancelled() else task.exception()
            if failed is not None:
                self._reason(call, failed)

    async def _open_events(self, call: Call) -> None:
        status = {STATUS_HEADER: str(self.method.success_status)}
        await _send_headers(call, status | sse.HEADERS)

    def _is_over(self, call: Call) -> bool:
        """Whether a stream without events has ended because its client has seen all of it."""
        resume, request = self.resume_field, call.request
        if not self.method.rule.ends or self.edge._stopping.is_set():
            return False
        if resume is None or request is None:
            return False
        return any(field.name == resume.name for field, _ in request.ListFields())

    # The request

    def _request(self, call: Call, raw: Any) -> Any:
        """The typed, valid request; of a client stream an iterator of them."""
        if self.method.client_streaming:
            return self._requests(raw)
        violations = Violations(self.max_values)
        message = self._from_rest(call, raw, violations) if call.is_rest else self._from_wire(raw)
        self.validator.validate(message, violations)
        call.request = message
        return message

    async def _requests(self, raws: AsyncIterator[bytes]) -> AsyncIterator[Message]:
        async for raw in raws:
            message = self._from_wire(raw)
            self.validator.validate(message, Violations(self.max_values))
            yield message

    def _from_wire(self, raw: bytes) -> Message:
        if len(raw) > self.max_body_bytes:
            raise ApiError(rest.CONDITION_TOO_LARGE)
        try:
            return self.request_class.FromString(raw)
        except DecodeError:
            raise invalid(
                FieldViolation("request", f"not a valid {self.method.input.full_name}")
            ) from None

    def _from_rest(self, call: Call, raw: bytes, report: Violations) -> Message:
        """The request from the derived message (edge.envoy.descriptor) that Envoy sends."""
        assert self.rest_class is not None
        try:
            sent: Any = self.rest_class.FromString(raw)
        except DecodeError:
            raise invalid(FieldViolation("url", "must be UTF-8")) from None
        message = self.request_class()
        has_body = False
        if self.mask_name:
            getattr(message, self.mask_name).SetInParent()
        if self.body_field:
            has_body = self._fill_body(call, message, getattr(sent, self.body_field), report)
        for name in self.query_fields if not has_body or self.body_name != "*" else ():
            if values := getattr(sent, name):
                self.decoder.strings(message, name, values, report)
        if self.resume_field is not None and (last := call.metadata.get("last-event-id")):
            # A browser that comes back sends the query it began with, and here how far it got.
            # It cannot mend what it remembers: an id that is none of ours counts as none.
            resumed, wrong = self.request_class(), Violations()
            self.decoder.strings(resumed, self.resume_field.name, [last], wrong)
            self.validator.check_field(resumed, self.resume_field, wrong)
            if not wrong.found:
                message.MergeFrom(resumed)
        for name in self.path_fields:
            # A query parameter of the same name comes after the path's value.
            if values := getattr(sent, name):
                self.decoder.strings(message, name, values[:1], report)
        return message

    def _fill_body(self, call: Call, message: Message, body: Any, report: Violations) -> bool:
        """Fill in the body; False when there is none."""
        if len(body.data) > self.max_body_bytes:
            raise ApiError(rest.CONDITION_TOO_LARGE)
        if body.data and _is_encoded(call):
            raise ApiError(rest.CONDITION_UNSUPPORTED_ENCODING)
        if self.has_parts and multipart.is_multipart(body.content_type):
            multipart.fill(message, body.content_type, body.data, self.decoder, report)
            return True
        if not body.data.strip():
            return False
        if self.has_parts:
            raise invalid(FieldViolation("body", "must be multipart/form-data"))
        value = parse_json(body.data)
        if self.body_name == "*":
            self.decoder.body(message, value, report, skip=self.path_fields)
            if self.mask_name:
                sent = self.decoder.names(message, value, skip=self.never_masked)
                getattr(message, self.mask_name).paths.extend(sent)
        else:
            self.decoder.field(message, self.body_name, value, report)
        return True

    # Errors

    def _error(self, call: Call, error: BaseException) -> tuple[dict[str, str], bytes, bytes]:
        """Headers, content type and body of an error for a REST client."""
        surface = self.method.surface
        reason = self._reason(call, error)
        headers = {STATUS_HEADER: str(reason.http_status), **_NO_STORE}
        fields: Sequence[FieldViolation] = ()
        if isinstance(error, ApiError):
            fields = error.fields
            if error.retry_after is not None:
                headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
        if reason.http_status == 401:
            headers["www-authenticate"] = "Bearer"
        if reason.condition == rest.CONDITION_UNSUPPORTED_ENCODING:
            headers["accept-encoding"] = "identity"
        body = body_of(surface, reason, message_of(reason, error), fields)
        return headers, self.method.json_type(reason).encode(), body

    async def _abort(self, call: Call, error: BaseException, headers: bool = True) -> NoReturn:
        """End a gRPC call with the status of an error."""
        reason = self._reason(call, error)
        status = status_of(self.edge._domain, reason, message_of(reason, error), error)
        if headers:
            await _send_headers(call, {})
        # grpc keeps what `abort` raises, and with it this call's frames, until the next full
        # collection: the request, which may be large, is not to be found from there.
        call.request = error.__traceback__ = error.__cause__ = error.__context__ = None
        await call.context.abort(
            _CODES[status.code],
            status.message,
            trailing_metadata=(("grpc-status-details-bin", status.SerializeToString()),),
        )
        raise AssertionError("abort always raises")

    def _reason(self, call: Call, error: BaseException) -> Reason:
        """The reason of an error; what the contract does not know is told to `on_error`."""
        surface = self.method.surface
        if not isinstance(error, ApiError) or (
            isinstance(error.reason, str) and error.reason not in surface.reasons
        ):
            self.edge._on_error(call, error)
        return reason_of(surface, error)


_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NO_STORE = {"cache-control": "no-store"}


def http_body(content_type: bytes, data: bytes) -> bytes:
    """The wire bytes of a google.api.HttpBody, without building one."""
    return b"".join(
        (b"\x0a", _varint(len(content_type)), content_type, b"\x12", _varint(len(data)), data)
    )


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _identity(data: bytes) -> bytes:
    return data


async def _send_headers(call: Call, headers: dict[str, str]) -> None:
    """Send the call's own headers and these, which win."""
    # gRPC refuses other characters, and the call has had its effect by now.
    own = {k: v for k, v in call.response_headers.items() if v.isascii() and v.isprintable()}
    merged = own | headers
    if merged:
        await call.context.send_initial_metadata(tuple(merged.items()))


def _is_encoded(call: Call) -> bool:
    """Whether a REST request's body is in an encoding of its own, such as gzip (RFC 9110, 8.4)."""
    if "content-encoding" not in call.metadata:
        return False
    sent = call.context.invocation_metadata()  # all of them, where `metadata` has the last
    codings = ",".join(value for name, value in sent if name == "content-encoding").split(",")
    return any(coding.strip().lower() not in ("", "identity") for coding in codings)


def _is_known(call: Call) -> bool:
    """Whether a read's reply has an entity tag that the client says it holds (RFC 9110, 13.1.2)."""
    tag = call.response_headers.get("etag")
    asked = call.metadata.get("if-none-match", "")
    if not tag or not asked or not call.method.reads_only:
        return False
    held = [one.strip().removeprefix("W/") for one in asked.split(",")]
    return asked.strip() == "*" or tag.removeprefix("W/") in held


def _was_cancelled() -> bool:
    """Whether the running task itself was cancelled, not something it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_no_answer(error: BaseException) -> bool:
    """Whether it is no answer but the call's own end, or the interpreter's: to be raised on.

    By who caught it: a frame that held it, in its traceback, would keep it and all that its other
    frames hold, the request above all, until the next full collection.
    """
    if isinstance(error, asyncio.CancelledError):
        return _was_cancelled()
    return isinstance(error, grpc.aio.AbortError) or not isinstance(error, Exception)


def _must_be(check: Callable[[Any], bool], handler: Any, method: Method) -> None:
    if not check(handler):
        kind = "an async generator" if method.server_streaming else "a coroutine function"
        raise TypeError(f"{method.path}: the servicer's method must be {kind}")
