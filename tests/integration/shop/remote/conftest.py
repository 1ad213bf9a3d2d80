"""A core whose meal engine and whose tenant's store are served elsewhere, as `onegenie serve-meal`
and `onegenie serve-store` serve them. The store's process has a database of its own: nothing of the
store can come from the core's."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from core.app.single import serve_meal, serve_store
from core.platform.database import Database, open_database
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.sql import create_tenant
from tests.conftest import Databases
from tests.support import STORE, ScriptedEngine, Shopper, add_profile, create_key, running_core

TOKEN = "a-secret-that-both-sides-know"


@pytest.fixture
def store_database_url(databases: Databases) -> Iterator[str]:
    """The database of the store's process."""
    with databases.one() as url:
        yield url


@pytest.fixture
async def store_database(store_database_url: str) -> AsyncIterator[Database]:
    async with open_database(store_database_url) as opened:
        yield opened


@pytest.fixture
def engine() -> ScriptedEngine:
    """The engine that serve-meal serves."""
    return ScriptedEngine()


@pytest.fixture
def folder() -> Path:
    """What the store sells."""
    return STORE


@dataclass
class Elsewhere:
    """serve-store and serve-meal: tests stop them and start them again."""

    directory: Path
    database: Database
    engine: ScriptedEngine
    tenant_id: uuid.UUID
    admin_token: str
    _running: dict[str, contextlib.AsyncExitStack] = field(default_factory=dict)

    @property
    def store_address(self) -> str:
        return f"unix:{self.directory}/store.sock"

    @property
    def meal_address(self) -> str:
        return f"unix:{self.directory}/meal.sock"

    async def start(self, name: str) -> None:
        """Start "store" or "meal"."""
        service = (
            serve_store(self.database, self.store_address)
            if name == "store"
            else serve_meal(self.engine, self.meal_address, TOKEN)
        )
        self._running[name] = contextlib.AsyncExitStack()
        await self._running[name].enter_async_context(service)

    async def stop(self, name: str) -> None:
        await self._running.pop(name).aclose()

    async def stop_all(self) -> None:
        for name in list(self._running):
            await self.stop(name)


@pytest.fixture
async def elsewhere(
    store_database: Database, engine: ScriptedEngine, tmp_path: Path, folder: Path
) -> AsyncIterator[Elsewhere]:
    """Both services, running, with a store of the test's products."""
    async with store_database.begin() as conn:
        tenant_id = await create_tenant(conn, "the store's own", "ko")
        _, token = await create_key(conn, tenant_id, "admin", "the core")
        await import_catalogue(conn, ImportCatalogue(tenant_id, folder))
    services = Elsewhere(tmp_path, store_database, engine, tenant_id, token)
    for name in ("store", "meal"):
        await services.start(name)
    yield services
    await services.stop_all()


@dataclass
class Owner:
    """A tenant of the core: no store of its own in the core's database."""

    tenant_id: uuid.UUID
    secret: str


@pytest.fixture
async def owner(database: Database) -> Owner:
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, "tenant", "ko")
        _, secret = await create_key(conn, tenant_id, "sdk", "test")
        await grant_credit(conn, GrantCredit(tenant_id, 100))
    return Owner(tenant_id, secret)


@pytest.fixture
def settings() -> dict[str, object]:
    """More settings of the core."""
    return {}


@pytest.fixture
async def channel(
    database_url: str, elsewhere: Elsewhere, owner: Owner, settings: dict[str, Any]
) -> AsyncIterator[grpc.aio.Channel]:
    """A core that is pointed at both."""
    endpoints = elsewhere.directory / "stores.yaml"
    endpoints.write_text(
        f"{owner.tenant_id}: {{address: '{elsewhere.store_address}', "
        f"token: {elsewhere.admin_token}}}\n"
    )
    pointed: dict[str, Any] = {
        "store_endpoints": endpoints,
        "meal_engine": "remote",
        "meal_address": elsewhere.meal_address,
        "service_token": TOKEN,
    }
    async with running_core(database_url, None, **pointed | settings) as opened:
        yield opened


@pytest.fixture
async def shopper(channel: grpc.aio.Channel, owner: Owner) -> Shopper:
    return await add_profile(Shopper(channel, owner.secret, "", owner.tenant_id))
