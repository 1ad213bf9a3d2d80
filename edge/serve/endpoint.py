"""One method of the contract: how its requests are read, its replies and errors written."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.api import httpbody_pb2
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message

from edge.contract.model import Method, Reason, is_required, mask_field, sse_field
from edge.envoy.descriptor import BODY_NAME, request_class
from edge.reply.errors import (
    ApiError,
    FieldViolation,
    body_of,
    invalid,
    message_of,
    reason_of,
    status_of,
)
from edge.reply.render import Renderer
from edge.reply.sse import Framer
from edge.request import multipart
from edge.request.decode import MAX_ELEMENTS, Decoder, Violations, parse_json
from edge.request.form import Form, forms, matching
from edge.request.validate import Validator
from edge.serve.authenticators import Authentication
from edge.serve.body_budget import BodyBudget
from edge.serve.call import (
    NO_STORE,
    REST_MARK,
    REST_VERB,
    STATUS_HEADER,
    Call,
    Interceptor,
    OnError,
)
from edge.v1 import annotations_pb2 as rest


@dataclass(frozen=True, slots=True)
class Serving:
    """What all methods of a server share; see EdgeInterceptor."""

    authentication: Authentication
    interceptors: tuple[Interceptor, ...]
    domain: str
    heartbeat_seconds: float
    open_seconds: float
    on_error: OnError
    max_body_bytes: int
    budget: BodyBudget
    stopping: asyncio.Event
    listed_reasons_only: bool


class Endpoint:
    """One method: what its handlers over raw bytes are made of."""

    def __init__(
        self,
        serving: Serving,
        method: Method,
        *,
        renderer: Renderer,
        decoder: Decoder,
        validator: Validator,
    ) -> None:
        self.serving = serving
        self.method = method
        self.framer = Framer(method, renderer)
        self._renderer = renderer
        self._decoder = decoder
        self._validator = validator
        self._max_body_bytes = method.rule.max_body_bytes or serving.max_body_bytes
        self._max_values = method.rule.max_values or MAX_ELEMENTS
        self._request_class = message_factory.GetMessageClass(method.input)
        self._rest_class = request_class(method) if method.bindings else None
        self._forms = forms(method)
        self._has_parts = method.has_parts
        self._resume_field = sse_field(method.input, rest.SSE_LAST_EVENT_ID)
        mask = mask_field(method.input)
        self._mask_name = mask.name if mask is not None else ""
        self._never_masked = tuple(f.name for f in method.input.fields if is_required(f))
        self._json_type = method.json_type().encode()
        # What stands around the JSON of a success.
        self._prefix, self._suffix = b"", b""
        if not method.rule.bare:
            self._prefix, self._suffix = method.surface.envelope.around(method.success_status)

    @asynccontextmanager
    async def entered(self, call: Call, raw: Any) -> AsyncIterator[Any]:
        """Run the call inside the interceptors, let in and decoded; the block gets the request."""
        async with AsyncExitStack() as stack:
            for interceptor in self.serving.interceptors:
                await stack.enter_async_context(interceptor(call))
            await self.serving.authentication.check(call)
            stack.enter_context(self.serving.budget.taken(raw))
            yield self._request(call, raw)

    # Answers

    def answer(self, call: Call, reply: Message) -> tuple[dict[str, str], bytes, bytes]:
        """Headers, content type and body of a success for a REST client."""
        # A reply may say itself how long it may be kept.
        kept = "cache-control" in call.response_headers
        headers = {} if kept else dict(NO_STORE)
        if call.is_held:
            return headers | {STATUS_HEADER: "304"}, b"", b""
        headers[STATUS_HEADER] = str(self.method.success_status)
        return headers, *self._body(call, reply)

    def _body(self, call: Call, reply: Message) -> tuple[bytes, bytes]:
        """Content type and body of a success."""
        if isinstance(reply, httpbody_pb2.HttpBody):
            return reply.content_type.encode(), reply.data
        json = self._renderer.json(reply, call.binding.response_body if call.binding else "")
        return self._json_type, self._prefix + json + self._suffix

    def is_over(self, call: Call) -> bool:
        """Whether a stream without events has ended because its client has seen all of it."""
        resume, request = self._resume_field, call.request
        if not self.method.rule.ends or self.serving.stopping.is_set():
            return False
        if resume is None or request is None:
            return False
        return any(field.name == resume.name for field, _ in request.ListFields())

    # Errors

    def error(self, call: Call, error: BaseException) -> tuple[dict[str, str], bytes, bytes]:
        """Headers, content type and body of an error for a REST client."""
        reason = self.reason(call, error)
        headers = {STATUS_HEADER: str(reason.http_status), **NO_STORE}
        fields: Sequence[FieldViolation] = ()
        if isinstance(error, ApiError):
            fields = error.fields
            if error.retry_after is not None:
                headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
        if reason.http_status == 401:
            headers["www-authenticate"] = "Bearer"
        if reason.condition == rest.CONDITION_UNSUPPORTED_ENCODING:
            headers["accept-encoding"] = "identity"
        body = body_of(self.method.surface, reason, message_of(reason, error), fields)
        return headers, self.method.json_type(reason).encode(), body

    async def abort(self, call: Call, error: BaseException, headers: bool = True) -> NoReturn:
        """End a gRPC call with the status of an error."""
        reason = self.reason(call, error)
        status = status_of(self.serving.domain, reason, message_of(reason, error), error)
        if headers:
            await call.send_headers({})
        # grpc keeps what `abort` raises, and with it this call's frames, until the next full
        # collection: the request, which may be large, is not to be found from there.
        call.request = error.__traceback__ = error.__cause__ = error.__context__ = None
        await call.context.abort(
            _CODES[status.code],
            status.message,
            trailing_metadata=(("grpc-status-details-bin", status.SerializeToString()),),
        )
        raise AssertionError("abort always raises")

    def reason(self, call: Call, error: BaseException) -> Reason:
        """Return the reason of an error; what the contract does not know is told to `on_error`."""
        surface = self.method.surface
        if not isinstance(error, ApiError):
            self.serving.on_error(call, error)
        elif isinstance(error.reason, str):
            if error.reason not in surface.reasons:
                self.serving.on_error(call, error)
            elif self.serving.listed_reasons_only and not self._lists(error.reason):
                unlisted = f"{self.method.path[1:]} does not list the reason {error.reason}"
                self.serving.on_error(call, LookupError(unlisted))
                return surface.conditions[rest.CONDITION_INTERNAL]
        return reason_of(surface, error)

    def _lists(self, name: str) -> bool:
        """Return whether the method's contract, or its surface for all methods, has the reason."""
        return name in self.method.rule.reasons or bool(self.method.surface.reasons[name].condition)

    # Requests

    def _request(self, call: Call, raw: Any) -> Any:
        """Return the typed, valid request; of a client stream an iterator of them."""
        if self.method.client_streaming:
            return self._requests(raw)
        violations = Violations(self._max_values)
        message = self._from_rest(call, raw, violations) if call.is_rest else self._from_wire(raw)
        self._validator.validate(message, violations)
        call.request = message
        return message

    async def _requests(self, raws: AsyncIterator[bytes]) -> AsyncIterator[Message]:
        async for raw in raws:
            message = self._from_wire(raw)
            self._validator.validate(message, Violations(self._max_values))
            yield message

    def _from_wire(self, raw: bytes) -> Message:
        if len(raw) > self._max_body_bytes:
            raise ApiError(rest.CONDITION_TOO_LARGE)
        try:
            return self._request_class.FromString(raw)
        except DecodeError:
            raise invalid(
                FieldViolation("request", f"not a valid {self.method.input.full_name}")
            ) from None

    def _from_rest(self, call: Call, raw: bytes, report: Violations) -> Message:
        """Return the request from the derived message (edge.envoy.descriptor) that Envoy sends."""
        assert self._rest_class is not None
        try:
            sent: Any = self._rest_class.FromString(raw)
        except DecodeError:
            raise invalid(FieldViolation("url", "must be UTF-8")) from None
        message = self._request_class()
        form = self._forms[0] if len(self._forms) == 1 else self._form(call)
        call.binding = form.binding
        if self._mask_name:
            getattr(message, self._mask_name).SetInParent()
        if form.binding.body:
            body = getattr(sent, BODY_NAME)
            self._fill_body(call, message, body, form=form, report=report)
        for name in form.query_fields:
            if values := getattr(sent, name):
                self._decoder.strings(message, name, values, report)
        for name in form.needed_fields:
            if not getattr(sent, name):
                self._decoder.missing(message, name, report)
        self._resume(call, message)
        for name in form.binding.path_fields:
            # A query parameter of the same name comes after the path's value.
            if values := getattr(sent, name):
                self._decoder.strings(message, name, values[:1], report)
        return message

    def _form(self, call: Call) -> Form:
        """The one of several REST forms that the call came in: Envoy notes verb and path only."""
        verb, path = call.metadata.get(REST_VERB, ""), call.metadata[REST_MARK]
        return matching(self._forms, verb, path)

    def _resume(self, call: Call, message: Message) -> None:
        """Fill in how far a browser that comes back got; its query says where it began.

        It cannot mend what it remembers: an id that is not one of ours counts as absent.
        """
        if self._resume_field is None or not (last := call.metadata.get("last-event-id")):
            return
        resumed, wrong = self._request_class(), Violations()
        self._decoder.strings(resumed, self._resume_field.name, [last], wrong)
        self._validator.check_field(resumed, self._resume_field, wrong)
        if not wrong.found:
            message.MergeFrom(resumed)

    def _fill_body(
        self, call: Call, message: Message, body: Any, *, form: Form, report: Violations
    ) -> None:
        """Fill in the body, if there is one."""
        if len(body.data) > self._max_body_bytes:
            raise ApiError(rest.CONDITION_TOO_LARGE)
        if body.data and call.is_encoded:
            raise ApiError(rest.CONDITION_UNSUPPORTED_ENCODING)
        if self._has_parts and multipart.is_multipart(body.content_type):
            multipart.fill(message, body.content_type, body.data, self._decoder, report=report)
            return
        if not body.data.strip() and (self._has_parts or form.binding.body != "*"):
            return
        if self._has_parts:
            raise invalid(FieldViolation("body", "must be multipart/form-data"))
        value = parse_json(body.data) if body.data.strip() else {}
        if form.binding.body == "*":
            self._decoder.body(message, value, report, skip=form.binding.path_fields)
            if self._mask_name:
                sent = self._decoder.names(message, value, skip=self._never_masked)
                getattr(message, self._mask_name).paths.extend(sent)
        else:
            self._decoder.field(message, form.binding.body, value, report)


_CODES = {code.value[0]: code for code in grpc.StatusCode}


def was_cancelled() -> bool:
    """Return whether the running task itself was cancelled, not something it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def must_propagate(error: BaseException) -> bool:
    """True for cancellation, abort and interpreter exit, which get no answer.

    The caller must re-raise these itself, because a frame that held the error would keep it, by
    its traceback, and all that its other frames hold until the next full collection.
    """
    if isinstance(error, asyncio.CancelledError):
        return was_cancelled()
    return isinstance(error, grpc.aio.AbortError) or not isinstance(error, Exception)
