"""A core process: every service, the background jobs and their plumbing, put together.

`python -m core.app.wire --socket PATH` serves gRPC on a Unix socket. It reads its settings from
the environment; DATABASE_URL is needed. Any number of core processes share one database.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import grpc
from onegenie.auth.v1 import auth_pb2_grpc
from onegenie.friend.v1 import friend_pb2_grpc
from onegenie.media.v1 import media_pb2_grpc
from onegenie.mission.v1 import mission_pb2_grpc
from onegenie.post.v1 import post_pb2_grpc
from onegenie.profile.v1 import profile_pb2_grpc
from onegenie.recommend.v1 import recommend_pb2_grpc
from onegenie.signage.v1 import signage_pb2_grpc
from onegenie.store.v1 import store_pb2_grpc
from onegenie.tenant.v1 import tenant_pb2_grpc
from onegenie.trigger.v1 import trigger_pb2_grpc
from onegenie.user.v1 import user_pb2_grpc
from onegenie.vision.v1 import vision_pb2_grpc

from core.app.services import DOMAIN, SERVICES
from core.platform import telemetry
from core.platform.background import Background
from core.platform.clock import Clock, utc_now
from core.platform.database import Database, open_database, unavailable_without_database
from core.platform.events import Events
from core.platform.jobs import Jobs
from core.platform.pool import WorkPool
from core.platform.service_token import service_authenticator
from core.platform.settings import Settings, load_settings
from core.platform.signing import Signer
from core.room.accounts.identity import Sessions
from core.room.accounts.search_user import UserService
from core.room.accounts.service import AuthService
from core.room.accounts.sms import HttpSms, OutboxSms, Sms
from core.room.accounts.sweep import keep_swept
from core.room.friend.service import FriendService
from core.room.media.files import Media
from core.room.media.objects import open_objects
from core.room.media.service import MediaService
from core.room.mission.service import MissionService
from core.room.post.service import PostService
from core.room.vision.port import RoomVision
from core.room.vision.service import VisionService
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.port import Stores
from core.shop.catalogue.remote import RemoteStores, load_endpoints
from core.shop.catalogue.service import StoreService
from core.shop.lift.sql import TenantLiftPairs
from core.shop.meal.port import MealEngine
from core.shop.profile.service import ProfileService
from core.shop.recommend.pipeline import Pipeline
from core.shop.recommend.service import RecommendService
from core.shop.recommend.snapshot import CouponSpots
from core.shop.signage.service import SignageService
from core.shop.staff.service import TenantService
from core.shop.tenants.identity import Keys, caller
from core.shop.trigger.known_signage import KnownSignage
from core.shop.trigger.reports import Reports
from core.shop.trigger.service import TriggerService
from edge.contract.load import load_contract
from edge.serve.authenticators import Authenticator
from edge.serve.interceptor import EdgeInterceptor
from edge.serve.server import Server, until_told_to_stop


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

    The block gets the tasks that serving needs, and should end when one of them has `failed`.
    `engine` and `vision` take the places of the engines that the settings name.
    """
    signer = Signer(settings.token_keys_file, clock)
    stopping = asyncio.Event()
    events = Events(database_url)
    async with (
        contextlib.AsyncExitStack() as stack,
        open_database(database_url, settings.database_pool) as database,
        Jobs(database_url, settings.job_concurrency) as jobs,
        open_engine(settings, engine) as engine,
        _open_stores(settings, database) as (stores, embedded_stores),
        _open_sms(settings, clock) as sms,
    ):
        pool = stack.enter_context(contextlib.closing(WorkPool(settings.picture_workers, 32)))
        # Pictures take seconds where a password takes hundredths: nobody's log-in waits for them.
        hashing = stack.enter_context(contextlib.closing(WorkPool(settings.picture_workers, 32)))
        sessions = Sessions(database, signer)
        token = settings.service_token
        authenticators: dict[str, Authenticator] = {
            **Keys(database).authenticators(),
            "user": sessions,
            "service": service_authenticator(token.get_secret_value() if token else None),
        }
        pipeline = Pipeline(
            database,
            jobs,
            engine,
            stores,
            lambda tenant: TenantLiftPairs(database, tenant),
        )

        media = Media(
            database,
            jobs,
            open_objects(settings.pictures_url, settings.data_dir / "pictures"),
            signer,
            clock,
            settings.link_base,
            settings.picture_link_hours,
            pool,
        )
        vision = await stack.enter_async_context(open_vision(settings, vision, pool))
        reports = Reports(database, jobs, stores, settings.signage_show_seconds)

        contract = load_contract(SERVICES)

        def register(server: grpc.aio.Server) -> None:
            recommend_pb2_grpc.add_RecommendServiceServicer_to_server(
                RecommendService(
                    database,
                    pipeline,
                    events,
                    CouponSpots(stores),
                    stopping,
                    settings.rounds_in_flight,
                ),
                server,
            )
            profile_pb2_grpc.add_ProfileServiceServicer_to_server(ProfileService(database), server)
            store_pb2_grpc.add_StoreServiceServicer_to_server(
                StoreService(embedded_stores, lambda: caller().tenant_id), server
            )
            signage_pb2_grpc.add_SignageServiceServicer_to_server(
                SignageService(database, events, stores, stopping), server
            )
            tenant_pb2_grpc.add_TenantServiceServicer_to_server(
                TenantService(database, events, stores, settings.zone, stopping), server
            )
            trigger_pb2_grpc.add_TriggerServiceServicer_to_server(
                TriggerService(database, KnownSignage(stores), reports), server
            )
            media_pb2_grpc.add_MediaServiceServicer_to_server(MediaService(media), server)
            post_pb2_grpc.add_PostServiceServicer_to_server(
                PostService(database, media, clock), server
            )
            mission_pb2_grpc.add_MissionServiceServicer_to_server(
                MissionService(database, clock, settings.zone), server
            )
            friend_pb2_grpc.add_FriendServiceServicer_to_server(
                FriendService(database, clock), server
            )
            user_pb2_grpc.add_UserServiceServicer_to_server(UserService(database), server)
            vision_pb2_grpc.add_VisionServiceServicer_to_server(
                VisionService(database, vision, media, clock, settings.vision_timeout, stopping),
                server,
            )
            auth_pb2_grpc.add_AuthServiceServicer_to_server(
                AuthService(
                    database,
                    jobs,
                    sms,
                    hashing,
                    signer,
                    clock,
                    settings,
                    sessions.forget,
                ),
                server,
            )

        edge = EdgeInterceptor(
            contract,
            authenticators,
            # Outermost first. The edge's own view stands before them, its checks after them.
            interceptors=[
                telemetry.request_id,
                telemetry.log_and_metrics,
                unavailable_without_database,
            ],
            domain=DOMAIN,
            zone=settings.zone,
            on_error=telemetry.log_internal_error,
            stopping=stopping,
            listed_reasons_only=settings.listed_reasons_only,
        )
        server = Server(address, edge, register, [unavailable_without_database])
        background = Background(stopping)
        background.start("events", events.run())
        background.start("jobs", jobs.run(stopping), ends_when_told=True)
        refresh_token_life = timedelta(days=settings.refresh_token_days)
        background.start("sweep", keep_swept(database, clock, refresh_token_life))
        try:
            await server.start()
            yield background
            await server.stop(events.wake_all)
        finally:
            await background.end()


@contextlib.asynccontextmanager
async def open_engine(settings: Settings, engine: MealEngine | None) -> AsyncIterator[MealEngine]:
    """The engine that the settings name, unless there is one already; closed at the end."""
    if engine is not None:
        pass
    elif settings.meal_engine == "openai":
        # An extra: loaded only where it is used.
        from core.shop.meal.openai import OpenAIMealEngine

        assert settings.openai_api_key is not None
        engine = OpenAIMealEngine(
            base_url=settings.openai_base_url,
            api_key=settings.openai_api_key.get_secret_value(),
            model=settings.openai_model,
            timeout=settings.openai_timeout,
        )
    elif settings.meal_engine == "remote":
        from core.shop.meal.remote import RemoteMealEngine

        assert settings.meal_address is not None
        token = settings.service_token
        engine = RemoteMealEngine(
            settings.meal_address,
            token.get_secret_value() if token else None,
            settings.meal_timeout,
        )
    else:
        from core.shop.meal.embedded import EmbeddedMealEngine

        engine = EmbeddedMealEngine()
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def open_vision(
    settings: Settings, vision: RoomVision | None, pool: WorkPool
) -> AsyncIterator[RoomVision]:
    """The room-vision engine that the settings name, as `open_engine` does it for meals."""
    with contextlib.ExitStack() as stack:
        if vision is not None:
            pass
        elif settings.vision_engine == "openai":
            from core.room.vision.openai import OpenAIRoomVision

            assert settings.openai_api_key is not None
            vision = OpenAIRoomVision(
                base_url=settings.openai_base_url,
                api_key=settings.openai_api_key.get_secret_value(),
                model=settings.vision_model,
                image_model=settings.image_model,
                timeout=settings.vision_timeout,
                pool=pool,
            )
        else:
            from core.room.vision.embedded import EmbeddedVision

            # Threads of its own: uploads don't wait for rooms that take seconds. Few wait for
            # these, since whoever is far back would give up before it is their turn.
            own = WorkPool(settings.picture_workers, 8)
            vision = EmbeddedVision(stack.enter_context(contextlib.closing(own)))
        try:
            yield vision
        finally:
            await vision.close()


@contextlib.asynccontextmanager
async def _open_stores(
    settings: Settings, database: Database
) -> AsyncIterator[tuple[Stores, EmbeddedStores]]:
    """Every tenant's store, and those in our own database."""
    embedded = EmbeddedStores(database)
    if settings.store_endpoints is None:
        yield embedded, embedded
        return
    remote = RemoteStores(load_endpoints(settings.store_endpoints), embedded)
    try:
        yield remote, embedded
    finally:
        await remote.close()


@contextlib.asynccontextmanager
async def _open_sms(settings: Settings, clock: Clock) -> AsyncIterator[Sms]:
    """The way to phones that the settings name."""
    sms: Sms
    if settings.sms_url is None:
        sms = OutboxSms(settings.data_dir / "outbox" / "sms.jsonl", clock)
    else:
        token = settings.sms_token
        sms = HttpSms(
            settings.sms_url, token.get_secret_value() if token else None, settings.sms_sender
        )
    try:
        yield sms
    finally:
        await sms.close()


# A process that can't go on may hang in its own end: by then it has ended all the same.
_LAST_SECONDS = 10


async def run(serving: AbstractAsyncContextManager[Background]) -> int:
    """Serve until SIGINT or SIGTERM, or until it can't go on; the exit code."""
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
        sys.exit("onegenie: DATABASE_URL: a core process needs it (`onegenie up` sets it)")
    telemetry.configure_logging(settings.log_level)
    url = settings.database_url.get_secret_value()
    sys.exit(asyncio.run(run(serve(settings, url, f"unix:{arguments.socket}"))))


if __name__ == "__main__":
    main()
