"""Serve a single service in a process of its own, for core processes elsewhere that call it.

No Envoy stands in front: such a process serves plain gRPC, with a core process's interceptors. TLS
is left to the proxy that passes calls on (docs/shop/remote.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import grpc
from onegenie.meal.v1 import meal_pb2_grpc
from onegenie.store.v1 import store_pb2_grpc

from core.app.services import DOMAIN
from core.platform import telemetry
from core.platform.database import Database
from core.platform.service_token import service_authenticator
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.service import StoreService
from core.shop.meal.port import MealEngine
from core.shop.meal.service import MealService
from core.shop.tenants.identity import Keys, caller
from edge import Authenticator, EdgeInterceptor, Server, load_contract


def serve_store(database: Database, address: str) -> contextlib.AbstractAsyncContextManager[None]:
    """Serve every tenant's embedded store on a gRPC address while the block runs.

    A caller shows an admin token of the tenant whose store it wants.
    """
    service = StoreService(EmbeddedStores(database), lambda: caller().tenant_id)
    return _serve(
        "onegenie.store.v1.StoreService",
        lambda server: store_pb2_grpc.add_StoreServiceServicer_to_server(service, server),
        Keys(database).authenticators(),
        address,
    )


def serve_meal(
    engine: MealEngine, address: str, service_token: str | None
) -> contextlib.AbstractAsyncContextManager[None]:
    """Serve a meal engine on a gRPC address while the block runs.

    Callers must show `service_token`; None refuses every caller. The caller closes the engine.
    """
    return _serve(
        "onegenie.meal.v1.MealService",
        lambda server: meal_pb2_grpc.add_MealServiceServicer_to_server(MealService(engine), server),
        {"service": service_authenticator(service_token)},
        address,
    )


@contextlib.asynccontextmanager
async def _serve(
    service: str,
    register: Callable[[grpc.aio.Server], None],
    authenticators: Mapping[str, Authenticator],
    address: str,
) -> AsyncIterator[None]:
    edge = EdgeInterceptor(
        load_contract([service]),
        authenticators,
        interceptors=[telemetry.request_id, telemetry.log_and_metrics],
        domain=DOMAIN,
        on_error=telemetry.log_internal_error,
    )
    server = Server(address, edge, register)
    await server.start()
    try:
        yield
    finally:
        await server.stop()
