"""Put a core process together: every service, the background jobs and their plumbing.

`python -m core.app.wire --socket PATH` serves gRPC on a Unix socket. It reads its settings from the
environment; DATABASE_URL must be set. Any number of core processes may share one database.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import core.room.wire as room
import core.shop.wire as shop
from core.app.services import DOMAIN, SERVICES
from core.platform import telemetry
from core.platform.background import Background
from core.platform.clock import Clock, utc_now
from core.platform.database import unavailable_without_database
from core.platform.runtime import open_runtime, register, service_name
from core.platform.service_token import service_authenticator
from core.platform.settings import Settings, load_settings
from core.room.vision.port import RoomVision
from core.shop.meal.port import MealEngine
from edge import EdgeInterceptor, Server, load_contract, until_told_to_stop


@contextlib.asynccontextmanager
async def serve(
    settings: Settings,
    database_url: str,
    address: str,
    engine: MealEngine | None = None,
    clock: Clock = utc_now,
    vision: RoomVision | None = None,
) -> AsyncIterator[Background]:
    """Serve all of onegenie on a gRPC address while the block runs.

    Yields the tasks that serving needs; the block should end when one of them has `failed`.
    `engine` and `vision` replace the engines that the settings name.
    """
    async with (
        open_runtime(settings, database_url, clock) as runtime,
        shop.build(runtime, engine) as the_shop,
        room.build(runtime, vision) as the_room,
    ):
        servicers = [*the_shop.servicers, *the_room.servicers]
        assert {*map(service_name, servicers)} == {*SERVICES}, "services.py names what is built"
        token = settings.service_token
        edge = EdgeInterceptor(
            load_contract(SERVICES),
            {
                **the_shop.authenticators,
                **the_room.authenticators,
                "service": service_authenticator(token.get_secret_value() if token else None),
            },
            # Outermost first. The edge's REST view runs before these, its checks after them.
            interceptors=[
                telemetry.request_id,
                telemetry.log_and_metrics,
                runtime.calls.counted,
                unavailable_without_database,
            ],
            domain=DOMAIN,
            zone=settings.zone,
            on_error=telemetry.log_internal_error,
            stopping=runtime.stopping,
            listed_reasons_only=settings.listed_reasons_only,
        )
        server = Server(
            address,
            edge,
            lambda server: register(servicers, server),
            [unavailable_without_database],
        )
        background = Background(runtime.stopping)
        background.start("events", runtime.changes.run())
        background.start("jobs", runtime.jobs.run(runtime.stopping), ends_when_told=True)
        for name, work in {**the_shop.background, **the_room.background}.items():
            background.start(name, work())
        try:
            await server.start()
            yield background
            await server.stop(runtime.changes.wake_all)
        finally:
            await background.end()


# Seconds until a process that can't go on is ended by force, as it may hang while it closes.
_LAST_SECONDS = 10


async def run(serving: AbstractAsyncContextManager[Background]) -> int:
    """Serve until SIGINT or SIGTERM, or until a background task fails. Return the exit code."""
    async with serving as background:
        reasons = {
            asyncio.create_task(until_told_to_stop()),
            asyncio.create_task(background.failed.wait()),
        }
        await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
        for reason in reasons:
            reason.cancel()
        if background.failed.is_set():
            faulthandler.dump_traceback_later(_LAST_SECONDS, exit=True)
    return int(background.failed.is_set())


def main() -> None:
    """Run a core process until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m core.app.wire", description=__doc__)
    parser.add_argument("--socket", required=True, help="path of the Unix socket to serve on")
    arguments = parser.parse_args()
    settings = load_settings()
    if settings.database_url is None:
        sys.exit("onegenie: DATABASE_URL must be set for a core process (`onegenie up` sets it)")
    telemetry.configure_logging(settings.log_level)
    url = settings.database_url.get_secret_value()
    sys.exit(asyncio.run(run(serve(settings, url, f"unix:{arguments.socket}"))))


if __name__ == "__main__":
    main()
