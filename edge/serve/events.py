"""Methods with many replies: messages to gRPC clients, server-sent events to REST clients.

Both are coroutines that write, not generators: a coroutine is always cancelled where it waits,
while a generator parked at its `yield` is only closed when it is collected.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from google.protobuf.message import Message

from edge.reply import sse
from edge.serve.call import STATUS_HEADER, Call, current_call, http_body
from edge.serve.endpoint import Endpoint, must_propagate, was_cancelled

Behaviour = Callable[[Any, Any], AsyncGenerator[Message, None]]


def stream_handler(endpoint: Endpoint, behaviour: Behaviour) -> Any:
    """Make the handler of a servicer's method that yields messages."""

    async def handle(raw: Any, context: Any) -> None:
        call = Call(endpoint.method, context)
        current_call.set(call)
        if call.is_rest:
            await _Events(endpoint, call).serve(behaviour, raw)
            return
        started = False

        async def emit(reply: Message) -> None:
            nonlocal started
            if not started:
                started = True
                await call.send_headers({})
            await context.write(reply.SerializeToString())

        try:
            await _run(endpoint, call, behaviour, raw, emit=emit)
        except BaseException as error:
            if must_propagate(error):
                raise
            raw = None
            await endpoint.abort(call, error, headers=not started)

    return handle


async def _run(
    endpoint: Endpoint,
    call: Call,
    behaviour: Behaviour,
    raw: Any,
    *,
    emit: Callable[[Message], Awaitable[None]],
) -> None:
    """Run the call inside the interceptors, each reply given to `emit`."""
    async with (
        endpoint.entered(call, raw) as request,
        aclosing(behaviour(request, call.context)) as replies,
    ):
        async for reply in replies:
            await emit(reply)


class _Events:
    """The replies of one call as server-sent events.

    The call runs in a task of its own, so that waiting for its next reply can be interrupted by a
    heartbeat without touching it.
    """

    def __init__(self, endpoint: Endpoint, call: Call) -> None:
        self._endpoint = endpoint
        self._call = call
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._opened = False

    async def serve(self, behaviour: Behaviour, raw: Any) -> None:
        """Write the events until the call has ended, then its error or its end."""
        task = asyncio.create_task(self._replies(behaviour, raw))
        answered = False
        try:
            await self._write_frames()
            answered = True
            await asyncio.wait((task,))
            # Not raised here: its traceback would have this frame, which holds the task.
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is None:
                await self._end()
            elif must_propagate(error):
                raise error
            else:
                await self._write_error(error)
        finally:
            task.cancel()
            await asyncio.wait((task,))
            # What fails while it is cleaned up after a client that left is nobody's answer.
            failed = None if answered or task.cancelled() else task.exception()
            if failed is not None:
                self._endpoint.reason(self._call, failed)

    async def _replies(self, behaviour: Behaviour, raw: Any) -> None:
        async def emit(reply: Message) -> None:
            binding = self._call.binding
            field = binding.response_body if binding is not None else ""
            await self._frames.put(self._endpoint.framer.frame(reply, field))

        try:
            await _run(self._endpoint, self._call, behaviour, raw, emit=emit)
        finally:
            if not was_cancelled():
                await self._frames.put(None)

    async def _write_frames(self) -> None:
        """Write what comes, and a heartbeat where nothing does for long."""
        serving = self._endpoint.serving
        while True:
            silence = serving.heartbeat_seconds if self._opened else serving.open_seconds
            try:
                async with asyncio.timeout(silence):
                    frame = await self._frames.get()
            except TimeoutError:
                frame = sse.KEEP_ALIVE
            if frame is None:
                return
            if not self._opened:
                await self._open()
            await self._write(sse.CONTENT_TYPE, frame)

    async def _open(self) -> None:
        self._opened = True
        status = {STATUS_HEADER: str(self._endpoint.method.success_status)}
        await self._call.send_headers(status | sse.HEADERS)

    async def _end(self) -> None:
        if self._opened:
            return
        if self._endpoint.is_over(self._call):
            # Or a proxy makes a gzip of nothing, and so a body.
            kept = {"cache-control": "no-store, no-transform"}
            await self._call.send_headers({STATUS_HEADER: "204", **kept})
        else:  # The content type travels with the first bytes.
            await self._open()
            await self._write(sse.CONTENT_TYPE, sse.KEEP_ALIVE)

    async def _write_error(self, error: BaseException) -> None:
        headers, kind, body = self._endpoint.error(self._call, error)
        if self._opened:
            await self._write(sse.CONTENT_TYPE, sse.error_frame(body))
        else:
            await self._call.send_headers(headers)
            await self._write(kind, body)

    async def _write(self, kind: bytes, body: bytes) -> None:
        await self._call.context.write(http_body(kind, body))
