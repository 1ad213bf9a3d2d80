"""Methods with one reply: a handler over raw bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import Message

from edge.serve.call import HEAD_MARK, Call, current_call, http_body
from edge.serve.endpoint import Endpoint, must_propagate


def unary_handler(endpoint: Endpoint, behaviour: Callable[[Any, Any], Awaitable[Message]]) -> Any:
    """Make the handler of a servicer's method that returns one message."""

    async def handle(raw: Any, context: Any) -> bytes:
        call = Call(endpoint.method, context)
        current_call.set(call)
        try:
            reply: Message | None = None
            async with endpoint.entered(call, raw) as request:
                reply = await behaviour(request, context)
            if reply is None:
                raise TypeError(f"{endpoint.method.path} returned no message")
            headers: dict[str, str] = {}
            if call.is_rest:
                headers, kind, body = endpoint.answer(call, reply)
                answer = http_body(kind, body)
            else:
                answer = reply.SerializeToString()
        except BaseException as error:
            if must_propagate(error):
                raise
            if not call.is_rest:
                raw = None
                await endpoint.abort(call, error)
            headers, kind, body = endpoint.error(call, error)
            answer = http_body(kind, body)
        if call.is_head:
            # Envoy would write a body to the client, who takes it for the next answer.
            headers, answer = headers | HEAD_MARK, http_body(kind, b"")
        await call.send_headers(headers)
        return answer

    return handle
