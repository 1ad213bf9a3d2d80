"""A core process for echo.proto: `python echo_core.py <rest.pb> <socket>`.

What it answers depends on the id: `status-404`, `grpc-CANCELLED`, `slow`, `big`, or an echo.

SIGUSR1 makes it kill itself (SIGKILL) at a moment when calls are in flight but none is half
answered: half an answer cannot be repeated elsewhere by anybody.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from echo_contract import messages
from google.api.httpbody_pb2 import HttpBody
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


async def main(descriptor: str, socket: str) -> None:
    known = messages(Path(descriptor).read_bytes())
    get, make = known["echo.v1.GetRequest"], known["echo.v1.MakeRequest"]
    stopping = asyncio.Event()
    dying = asyncio.Event()
    answering: set[object] = set()

    def die() -> None:
        dying.set()
        if not answering:
            os.kill(os.getpid(), signal.SIGKILL)

    def done(context: object) -> None:
        answering.discard(context)
        if dying.is_set():
            die()

    def answer(context: Any, data: dict[str, Any], content_type: str = "application/json") -> bytes:
        text = json.dumps(data, ensure_ascii=False)
        if "x-envoy-original-path" not in dict(context.invocation_metadata()):
            return b"\x0a" + varint(len(text.encode())) + text.encode()  # a Reply
        return HttpBody(content_type=content_type, data=text.encode()).SerializeToString()

    async def reply(request: Any, context: Any, status: int) -> bytes:
        kind, _, rest = request.id.partition("-")
        if kind == "grpc":
            await context.abort(grpc.StatusCode[rest], "driver text")
        if kind == "slow":
            await asyncio.sleep(60)
        if kind == "status":
            status = int(rest)
        if kind == "pause":
            await asyncio.sleep(float(rest))
        while dying.is_set():
            await asyncio.sleep(1)
        answering.add(context)
        context.add_done_callback(lambda _: done(context))
        await context.send_initial_metadata([("x-http-status", str(status))])
        metadata = dict(context.invocation_metadata())
        sent = {key: value for key, value in metadata.items() if isinstance(value, str)}
        data = {"id": request.id, "pid": os.getpid(), "sent": sent}
        if hasattr(request, "q"):
            data["q"] = request.q
        else:
            data["bytes"] = len(request.body.data)
        if kind == "big":
            data["fill"] = "우유 " * 10_000
        data["left"] = context.time_remaining()
        return answer(context, data)

    async def on_get(raw: Any, context: Any) -> Any:
        return await reply(get.FromString(raw), context, 200)

    async def on_make(raw: Any, context: Any) -> Any:
        return await reply(make.FromString(raw), context, 202)

    async def on_watch(raw: Any, context: Any) -> AsyncIterator[Any]:
        request = get.FromString(raw)
        rest = "x-envoy-original-path" in dict(context.invocation_metadata())
        if request.id.startswith("grpc-"):
            await context.abort(grpc.StatusCode[request.id[5:]], "driver text")
        for number in range(int(request.q or 3)):
            text = f"id: {number}\ndata: {json.dumps({'n': number})}\n\n".encode()
            if rest:
                yield HttpBody(content_type="text/event-stream", data=text).SerializeToString()
            else:
                yield b"\x0a" + varint(len(text)) + text
            try:
                await asyncio.wait_for(stopping.wait(), 0.2)
                return
            except TimeoutError:
                pass

    unary = grpc.unary_unary_rpc_method_handler
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 << 20)])
    echo = {
        "Get": unary(on_get),
        "Make": unary(on_make),
        "Upload": unary(on_make),
        "Quick": unary(on_get),
        "Watch": grpc.unary_stream_rpc_method_handler(on_watch),
    }
    other = {"Fetch": unary(on_get)}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("echo.v1.EchoService", echo),
            grpc.method_handlers_generic_handler("echo.v1.OtherService", other),
        )
    )
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, die)
    await stop.wait()
    await servicer.enter_graceful_shutdown()
    stopping.set()
    await asyncio.sleep(1)
    await server.stop(3)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
