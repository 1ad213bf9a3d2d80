"""Serve gRPC on a Unix socket until told to stop, and stop without losing a call."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Callable
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from edge.contract.model import PUBLIC, Contract

log = structlog.get_logger(__name__)

# Longer than the proxy takes to notice that this process is leaving.
DRAIN_SECONDS = 1.0
# In-flight calls get this long to finish.
GRACE_SECONDS = 3.0
# Larger than the largest request, and the largest headers, that the edge lets through.
MAX_MESSAGE_BYTES = 36 * 1024 * 1024
MAX_METADATA_BYTES = 64 * 1024
# How long a right answer counts, so that many who ask cost no more than one.
PROBE_SECONDS = 0.5
# Less than the proxy waits for its health check.
PROBE_TIMEOUT = 0.4


class ProbedHealth(health.aio.HealthServicer):
    """Health that is asked of a real call: SERVING only while this process answers one.

    The call goes over the server's own socket and needs a credential that it does not bring, so
    the right answer is UNAUTHENTICATED: it has come through everything a call comes through.
    """

    def __init__(self, address: str, contract: Contract) -> None:
        super().__init__()
        self._channel = grpc.aio.insecure_channel(address)
        self._probe = self._channel.unary_unary(_guarded(contract))
        self._asked: asyncio.Task[bool] | None = None
        self._answered_at = -math.inf

    async def Check(self, request: Any, context: Any) -> Any:
        """As the health service's contract says."""
        answer = await super().Check(request, context)
        if answer.status == health_pb2.HealthCheckResponse.SERVING and not await self._answers():
            return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.NOT_SERVING)
        return answer

    async def close(self) -> None:
        """Close the connection that probes go over."""
        await self._channel.close()

    async def _answers(self) -> bool:
        if time.monotonic() - self._answered_at < PROBE_SECONDS:
            return True
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asked)

    async def _ask(self) -> bool:
        try:
            await self._probe(b"", timeout=PROBE_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNAUTHENTICATED:
                self._answered_at = time.monotonic()
                return True
            log.error("probe_failed", code=error.code().name, details=error.details())
        else:
            log.error("probe_failed", code="OK")
        return False


def _guarded(contract: Contract) -> str:
    """Path of a unary method that needs a credential."""
    return next(
        path
        for path, method in contract.methods.items()
        if method.access != PUBLIC and not method.client_streaming and not method.server_streaming
    )


class Server:
    """A grpc.aio server with health and reflection beside the given services."""

    def __init__(
        self,
        address: str,
        interceptor: grpc.aio.ServerInterceptor,
        contract: Contract,
        register: Callable[[grpc.aio.Server], None],
    ) -> None:
        self._address = address
        self._server = grpc.aio.server(
            interceptors=[interceptor],
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                # Only "identity", bit 0: a small message may be a large one, and is unpacked before
                # anybody knows who sends it.
                ("grpc.compression_enabled_algorithms_bitset", 1),
                # Both: between the two a call is refused by lot, as RESOURCE_EXHAUSTED.
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
                ("grpc.so_reuseport", 0),
                # Streams may be idle for long; a proxy that pings is no attack.
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
        )
        self._health = ProbedHealth(address, contract)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services = (service.full_name for service in contract.services)
        names = [*services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._server)
        register(self._server)

    async def start(self) -> None:
        """Serve; healthy from here on."""
        if self._server.add_insecure_port(self._address) == 0:
            raise OSError(f"can't listen on {self._address}")
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        log.info("serving", address=self._address)

    async def stop(self, stopping: asyncio.Event, wake: Callable[[], None]) -> None:
        """Say so, let the proxy turn away, end the streams, and finish the calls in flight."""
        log.info("stopping")
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(DRAIN_SECONDS)
        stopping.set()
        wake()
        await self._server.stop(GRACE_SECONDS)
        await self._health.close()


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()
