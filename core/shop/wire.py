"""The store's wing, put together: a new service of it is named here and in core/app/services.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from core.platform.database import Database
from core.platform.runtime import Runtime, Wing
from core.platform.settings import Settings
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.port import Stores
from core.shop.catalogue.remote import RemoteStores, load_endpoints
from core.shop.catalogue.service import StoreService
from core.shop.lift.sql import TenantLiftPairs
from core.shop.meal.port import MealEngine
from core.shop.profile.service import ProfileService
from core.shop.recommend.coupon_spots import CouponSpots
from core.shop.recommend.pipeline import Pipeline
from core.shop.recommend.service import RecommendService
from core.shop.signage.service import SignageService
from core.shop.staff.service import TenantService
from core.shop.tenants.identity import Keys, caller
from core.shop.trigger.known_signage import KnownSignage
from core.shop.trigger.reports import Reports
from core.shop.trigger.service import TriggerService


@contextlib.asynccontextmanager
async def build(runtime: Runtime, engine: MealEngine | None = None) -> AsyncIterator[Wing]:
    """Make the wing; what it opened is closed when the block ends.

    `engine` takes the place of the one that the settings name.
    """
    settings, database = runtime.settings, runtime.database
    async with (
        open_engine(settings, engine) as engine,
        _open_stores(settings, database) as (stores, embedded_stores),
    ):
        pipeline = Pipeline(
            database,
            runtime.jobs,
            calls=runtime.calls,
            engine=engine,
            stores=stores,
            lift=lambda tenant_id: TenantLiftPairs(database, tenant_id),
        )
        reports = Reports(database, runtime.jobs, stores, settings.signage_show_seconds)
        yield Wing(
            servicers=[
                RecommendService(runtime, pipeline, CouponSpots(stores)),
                ProfileService(runtime),
                StoreService(embedded_stores, lambda: caller().tenant_id),
                SignageService(runtime, stores),
                TenantService(runtime, stores),
                TriggerService(runtime, KnownSignage(stores), reports),
            ],
            authenticators=Keys(database).authenticators(),
        )


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
