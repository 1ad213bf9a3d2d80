"""SignageService: screens over gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.signage.v1 import signage_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.shop.catalogue.port import Stores
from core.shop.signage.subscribe import subscribe
from core.shop.tenants.identity import caller


class SignageService(pb_grpc.SignageServiceServicer):
    """Serves each device the screen of the signage that its key names."""

    def __init__(self, runtime: Runtime, stores: Stores) -> None:
        self._runtime = runtime
        self._stores = stores

    async def Subscribe(
        self, request: pb.SubscribeRequest, context: Any
    ) -> AsyncGenerator[pb.SubscribeResponse]:
        frames = subscribe(self._runtime, self._stores, caller(), request.after_sequence)
        async with aclosing(frames):
            async for frame in frames:
                yield pb.SubscribeResponse(frame=frame)
