"""Step-commit to watcher: how long after a step's commit a client knows of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import grpc
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.recommend.v1 import recommend_pb2_grpc as pb_grpc

from tests.bench.stack import Service

# When a client first knew of so many steps done, by round id.
Arrivals = dict[str, list[tuple[int, float]]]
LONGEST = 15.0


async def watched(service: Service, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from each commit to a gRPC and to an SSE watcher of its round."""
    by_grpc: Arrivals = {}
    by_sse: Arrivals = {}
    service.write_commits(True)
    try:
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel,
            service.client() as client,
        ):
            stub = pb_grpc.RecommendServiceStub(channel)
            for _ in range(rounds):
                started = await service.start_round(client)
                await asyncio.gather(
                    _grpc(service, stub, started, by_grpc.setdefault(started["round_id"], [])),
                    _sse(service, started, by_sse.setdefault(started["round_id"], [])),
                )
        return {"gRPC": _latencies(service, by_grpc), "SSE": _latencies(service, by_sse)}
    finally:
        service.write_commits(False)


async def polled(service: Service, rounds: int, every: float) -> list[float]:
    """Milliseconds from each commit to a client that polls the chat `every` so many seconds."""
    arrivals: Arrivals = {}
    service.write_commits(True)
    try:
        async with service.client() as client:

            async def poll() -> None:
                started = await service.start_round(client)
                seen = arrivals.setdefault(started["round_id"], [(0, time.time())])
                await asyncio.sleep(random.uniform(0, every))
                async with asyncio.timeout(LONGEST):
                    while seen[-1][0] < 4:
                        answer = await client.get(f"{service.path}/{started['chat_id']}")
                        progress = answer.json()["data"]["rounds"][0]["pipeline_progress"]
                        steps = list(progress.values()).count("done")
                        if steps > seen[-1][0]:
                            seen.append((steps, time.time()))
                        await asyncio.sleep(every)

            # Few at a time, or they would wait for each other and not for the poll.
            await _few_at_a_time(poll, rounds, 8 if every >= 1 else 2)
        return _latencies(service, arrivals)
    finally:
        service.write_commits(False)


async def _few_at_a_time(work: Callable[[], Awaitable[None]], count: int, few: int) -> None:
    gate = asyncio.Semaphore(few)

    async def one() -> None:
        async with gate:
            await work()

    await asyncio.gather(*(one() for _ in range(count)))


async def _grpc(
    service: Service,
    stub: pb_grpc.RecommendServiceStub,
    started: dict[str, str],
    seen: list[tuple[int, float]],
) -> None:
    request = pb.WatchRoundRequest(
        profile_id=service.profile_id, chat_id=started["chat_id"], round_id=started["round_id"]
    )
    metadata = [(name.lower(), value) for name, value in service.headers.items()]
    async for state in stub.WatchRound(request, metadata=metadata, timeout=LONGEST):
        seen.append((state.version - 1, time.time()))


async def _sse(service: Service, started: dict[str, str], seen: list[tuple[int, float]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1 << 20)
    path = f"{service.path}/{started['chat_id']}/{started['round_id']}/events"
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in service.headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(LONGEST):
        while line := await reader.readline():
            if line.startswith(b"id:"):
                seen.append((int(line[3:]) - 1, time.time()))
    writer.close()


def _latencies(service: Service, arrivals: Arrivals) -> list[float]:
    """Of the commits that came after the client's first look at the round."""
    found = []
    for round_id, steps, at in service.sql(
        "SELECT round_id::text, steps_done, at FROM step_commits"
    ):
        seen = arrivals.get(round_id, [])
        known = [when for number, when in seen if number >= steps]
        if known and seen[0][0] < steps:
            found.append((min(known) - at) * 1000)
    return found
