"""Serve gRPC on a Unix socket until told to stop, and stop without losing a call."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from edge.serve.admission import admission
from edge.serve.call import Interceptor
from edge.serve.health import ProbedHealth
from edge.serve.interceptor import EdgeInterceptor

log = structlog.get_logger(__name__)

# Longer than the proxy takes to notice that this process is leaving.
DRAIN_SECONDS = 1.0
# In-flight calls get this long to finish.
GRACE_SECONDS = 3.0
# Larger than the largest request, and the largest headers, that the edge lets through.
MAX_MESSAGE_BYTES = 36 * 1024 * 1024
MAX_METADATA_BYTES = 64 * 1024


class Server:
    """A grpc.aio server of a contract, with health, reflection and admission beside it."""

    def __init__(
        self,
        address: str,
        edge: EdgeInterceptor,
        register: Callable[[grpc.aio.Server], None],
        admission_interceptors: Sequence[Interceptor] = (),
    ) -> None:
        """Make a server for `address`; `register` adds the servicers of the edge's contract.

        `admission_interceptors` stand around the question whether a large body may come in.
        """
        self._address = address
        self._stopping = edge.stopping
        self._server = grpc.aio.server(
            interceptors=[edge],
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
        self._health = ProbedHealth(address, edge.contract)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services = (service.full_name for service in edge.contract.services)
        names = [*services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._server)
        self._server.add_generic_rpc_handlers((admission(edge, admission_interceptors),))
        register(self._server)

    async def start(self) -> None:
        """Serve; healthy from here on."""
        if self._server.add_insecure_port(self._address) == 0:
            raise OSError(f"can't listen on {self._address}")
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        log.info("serving", address=self._address)

    async def stop(self, wake: Callable[[], None] = lambda: None) -> None:
        """Say so, let the proxy turn away, end the streams, and finish the calls in flight.

        `wake` makes streams that wait look at the edge's `stopping`; any other is cut off.
        """
        log.info("stopping")
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(DRAIN_SECONDS)
        self._stopping.set()
        wake()
        await self._server.stop(GRACE_SECONDS)
        await self._health.close()

    async def serve_until_stopped(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        await self.start()
        await until_told_to_stop()
        await self.stop()


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()
