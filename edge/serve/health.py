"""Health that is asked of a real call."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2

from edge.contract.model import PUBLIC, Contract

log = structlog.get_logger(__name__)

# How long a right answer counts, so that many who ask cost no more than one.
PROBE_SECONDS = 0.5
# Less than the proxy waits for its health check.
PROBE_TIMEOUT = 0.4


class ProbedHealth(health.aio.HealthServicer):  # type: ignore[misc]  # gRPC has no types
    """Health that is asked of a real call: SERVING only while this process answers one.

    The call goes over the server's own socket and needs a credential that it does not bring, so
    the right answer is UNAUTHENTICATED: it has come through everything a call comes through. Where
    no method needs one it is of a method that there is not.
    """

    def __init__(self, address: str, contract: Contract) -> None:
        super().__init__()
        self._channel = grpc.aio.insecure_channel(address)
        path = _guarded(contract)
        self._probe = self._channel.unary_unary(path or "/edge.v1.Probe/Unknown")
        self._right = grpc.StatusCode.UNAUTHENTICATED if path else grpc.StatusCode.UNIMPLEMENTED
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
            if error.code() == self._right:
                self._answered_at = time.monotonic()
                return True
            log.error("probe_failed", code=error.code().name, details=error.details())
        else:
            log.error("probe_failed", code="OK")
        return False


def _guarded(contract: Contract) -> str | None:
    """Path of a unary method that needs a credential."""
    paths = (
        path
        for path, method in contract.methods.items()
        if method.access != PUBLIC and not method.client_streaming and not method.server_streaming
    )
    return next(paths, None)
