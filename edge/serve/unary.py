"""Methods with one reply: a handler over raw bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import Message

from edge.serve.call import Call, current_call, http_body
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
                headers, answer = endpoint.answer(call, reply)
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
        await call.send_headers(headers)
        return answer

    return handle
