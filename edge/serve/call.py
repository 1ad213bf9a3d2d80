"""One call, as interceptors, authenticators and servicers see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any

from google.protobuf.message import Message

from edge.contract.model import Binding, Method

REST_MARK = "x-envoy-original-path"
REST_VERB = "x-envoy-original-method"
STATUS_HEADER = "x-http-status"  # Envoy's Lua makes it the HTTP status
HEAD_MARK = {"x-http-head": "1"}  # and takes out what belongs to a body
NO_STORE = {"cache-control": "no-store"}
# Longer than any credential of ours or of an identity provider's.
MAX_CREDENTIAL = 8_192


class Call:
    """One call, for interceptors, authenticators and servicers.

    `metadata` has lower-case keys; of a repeated key the last value. `identity` is what the
    authenticator returned. `response_headers` go to the client with the reply or the
    error: HTTP headers over REST, initial metadata over gRPC; lower-case names. A
    success is never cached unless a `cache-control` there says so; a read with an
    `etag` is answered 304 to a REST client that holds it.
    `request` is the typed request, None until it is decoded and valid; `binding` the REST form
    that it came in, None before and over gRPC.
    """

    __slots__ = (
        "binding",
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
        self.binding: Binding | None = None

    @property
    def is_head(self) -> bool:
        """Whether a REST client asked for the headers alone (RFC 9110, 9.3.2)."""
        return self.is_rest and self.metadata.get(REST_VERB) == "HEAD"

    @property
    def bearer(self) -> str:
        """The secret of `Authorization: Bearer …`; empty without a sane one."""
        scheme, _, secret = self.metadata.get("authorization", "").partition(" ")
        secret = secret.strip()
        return secret if scheme.lower() == "bearer" and len(secret) <= MAX_CREDENTIAL else ""

    @property
    def is_encoded(self) -> bool:
        """Whether a REST request's body is encoded, for example as gzip (RFC 9110, 8.4)."""
        if "content-encoding" not in self.metadata:
            return False
        sent = self.context.invocation_metadata()  # all of them, where `metadata` has the last
        codings = ",".join(value for name, value in sent if name == "content-encoding").split(",")
        return any(coding.strip().lower() not in ("", "identity") for coding in codings)

    @property
    def is_held(self) -> bool:
        """Whether the client says that it holds the reply of a read (RFC 9110, 13.1.2)."""
        tag = self.response_headers.get("etag")
        asked = self.metadata.get("if-none-match", "")
        if not tag or not asked or not self.method.reads_only:
            return False
        held = [one.strip().removeprefix("W/") for one in asked.split(",")]
        return asked.strip() == "*" or tag.removeprefix("W/") in held

    async def send_headers(self, headers: Mapping[str, str]) -> None:
        """Send the call's own headers and these, which win."""
        # gRPC refuses other characters, and the call has had its effect by now.
        own = {k: v for k, v in self.response_headers.items() if v.isascii() and v.isprintable()}
        merged = own | dict(headers)
        if merged:
            await self.context.send_initial_metadata(tuple(merged.items()))


current_call: ContextVar[Call] = ContextVar("current_call")

Interceptor = Callable[[Call], AbstractAsyncContextManager[None]]
OnError = Callable[[Call, BaseException], None]


def http_body(content_type: bytes, data: bytes) -> bytes:
    """Return the wire bytes of a google.api.HttpBody, without building one."""
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
