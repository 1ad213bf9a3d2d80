"""A process is healthy as long as it answers calls, not as long as its health service does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from onegenie.profile.v1 import profile_pb2_grpc

from edge.contract.load import load_contract
from edge.contract.model import Contract
from edge.serve import health as probed
from edge.serve.call import Call
from edge.serve.interceptor import EdgeInterceptor
from edge.serve.server import Server

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Door:
    """Stands where identity is checked, and does as a test says."""

    def __init__(self) -> None:
        self.broken: Exception | None = None
        self.shut = asyncio.Event()
        self.shut.set()
        self.calls = 0

    async def __call__(self, call: Call) -> None:
        self.calls += 1
        await self.shut.wait()
        if self.broken:
            raise self.broken


@pytest.fixture
def contract() -> Contract:
    return load_contract(["onegenie.profile.v1.ProfileService"])


@pytest.fixture
async def door(
    tmp_path: Path, contract: Contract
) -> AsyncIterator[tuple[Door, health_pb2_grpc.HealthStub]]:
    door = Door()
    interceptor = EdgeInterceptor(contract, {"sdk_key": door}, domain="test")
    address = f"unix:{tmp_path}/core.sock"
    servicer = profile_pb2_grpc.ProfileServiceServicer()  # type: ignore[abstract]
    server = Server(
        address,
        interceptor,
        lambda grpc_server: profile_pb2_grpc.add_ProfileServiceServicer_to_server(
            _Asynchronous(servicer),  # type: ignore[arg-type]
            grpc_server,
        ),
    )
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield door, health_pb2_grpc.HealthStub(channel)
    door.shut.set()
    await server.stop()


class _Asynchronous:
    """A servicer of which no call gets through to its methods."""

    def __init__(self, servicer: profile_pb2_grpc.ProfileServiceServicer) -> None:
        self._servicer = servicer

    def __getattr__(self, name: str) -> object:
        async def never(request: object, context: object) -> None:
            raise AssertionError(name)

        return never


async def until(stub: health_pb2_grpc.HealthStub, status: int) -> None:
    async with asyncio.timeout(20):
        while (await stub.Check(health_pb2.HealthCheckRequest())).status != status:
            await asyncio.sleep(0.05)


async def test_healthy_is_who_answers_a_call(door: Any) -> None:
    answers, stub = door
    await until(stub, SERVING)
    assert answers.calls > 0
    answers.broken = RuntimeError("nothing works")
    await until(stub, NOT_SERVING)
    answers.broken = None
    await until(stub, SERVING)


async def test_who_keeps_calls_waiting_is_not_healthy(door: Any) -> None:
    answers, stub = door
    answers.shut.clear()
    await until(stub, NOT_SERVING)
    answers.shut.set()
    await until(stub, SERVING)


async def test_many_who_ask_cost_one_call(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, stub = door
    monkeypatch.setattr(probed, "PROBE_SECONDS", 3600)
    await asyncio.gather(*(stub.Check(health_pb2.HealthCheckRequest()) for _ in range(200)))
    assert answers.calls == 1


async def test_a_contract_for_anybody_is_healthy_too(tmp_path: Path, contract: Contract) -> None:
    """Here without any method: none needs a credential."""
    address = f"unix:{tmp_path}/core.sock"
    edge = EdgeInterceptor(replace(contract, methods={}), {}, domain="test")
    server = Server(address, edge, lambda grpc_server: None)
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        await until(health_pb2_grpc.HealthStub(channel), SERVING)
    await server.stop()
