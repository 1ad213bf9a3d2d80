"""Fixtures of the end-to-end tests: one `onegenie up` that all who only call it share."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from dotenv import dotenv_values

from core.platform.database import open_database
from core.platform.embedded_postgres import EmbeddedPostgres
from tests.e2e.cases import Replies
from tests.e2e.service import Service, case_variables
from tests.e2e.up_process import Up


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    """The service, started once for all tests that share it, stopped at the end."""
    # Short, because a Unix socket's path is.
    with tempfile.TemporaryDirectory(prefix="og-up-") as directory, Up(Path(directory)) as running:
        yield running.ready()


@pytest.fixture(scope="session")
async def service(up: Up) -> AsyncIterator[Service]:
    """Clients of the running service."""
    demo = {key: value or "" for key, value in dotenv_values(up.directory / "demo.env").items()}
    assert demo["BASE_URL"] == up.url
    database_url = EmbeddedPostgres(up.directory / "postgres").url
    async with (
        open_database(database_url, pool_size=2) as database,
        httpx.AsyncClient(base_url=up.url, timeout=20) as http,
        grpc.aio.insecure_channel(up.url.removeprefix("http://")) as channel,
    ):
        yield Service(up.url, demo, database, http, channel)


@pytest.fixture(scope="session")
async def replies(service: Service) -> Replies:
    """What each case got; a case is run once, by the first test that asks."""
    return Replies(service, await case_variables(service))
