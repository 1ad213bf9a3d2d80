"""`onegenie serve-store` and `serve-meal`: one service alone, for cores that run elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Annotated

import typer

from core.cli.common import fail, run_with_database
from core.platform.database import Database
from core.platform.settings import load_settings

AddressOption = Annotated[
    str, typer.Option(help="Where to listen: HOST:PORT, [HOST]:PORT or unix:PATH. Without TLS.")
]


def serve_store(address: AddressOption) -> None:
    """Serve every tenant's store of this database (StoreService only), until Ctrl-C.

    Callers show an admin token of the tenant whose store is meant. See docs/shop/remote.md.
    """
    # What it takes to serve is loaded by those commands only that serve.
    from core.app import single
    from core.platform import telemetry

    settings = load_settings()
    telemetry.configure_logging(settings.log_level)

    async def work(database: Database) -> None:
        await _until_told(single.serve_store(database, address), address)

    run_with_database(work, settings.database_pool, new=True)


def serve_meal(address: AddressOption) -> None:
    """Serve the meal engine that MEAL_ENGINE names (MealService only), until Ctrl-C.

    Callers show SERVICE_TOKEN. See docs/shop/remote.md.
    """
    from core.app import single
    from core.platform import telemetry
    from core.shop.wire import open_engine

    settings = load_settings()
    if settings.service_token is None:
        fail("SERVICE_TOKEN: serve-meal needs it, else it would let in nobody")
    if settings.meal_engine == "remote":
        fail("MEAL_ENGINE: serve-meal serves an engine of its own: embedded or openai")
    telemetry.configure_logging(settings.log_level)
    token = settings.service_token.get_secret_value()

    async def serve() -> None:
        async with open_engine(settings, None) as engine:
            await _until_told(single.serve_meal(engine, address, token), address)

    asyncio.run(serve())


async def _until_told(serving: AbstractAsyncContextManager[None], address: str) -> None:
    from edge import until_told_to_stop

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(serving)
        except (OSError, RuntimeError):  # gRPC's own text is of no use to people
            fail(f"cannot listen on {address}")
        await until_told_to_stop()
