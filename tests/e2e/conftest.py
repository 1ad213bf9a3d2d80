"""Fixtures of the end-to-end tests: one `onegenie up` that all who only call it share."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.cases import Replies
from tests.e2e.service import Service, open_service
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
    async with open_service(up) as opened:
        yield opened


@pytest.fixture(scope="session")
async def replies(service: Service) -> Replies:
    """What each case got; a case is run once, by the first test that asks."""
    return await Replies.make(service)
