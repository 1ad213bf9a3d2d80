"""What most tests begin with; a folder or a file with other needs has its own of that name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from core.platform.database import Database
from tests.support import Shopper, make_shopper, running_core


@pytest.fixture
async def channel(database_url: str) -> AsyncIterator[grpc.aio.Channel]:
    """A core in this process."""
    async with running_core(database_url) as opened:
        yield opened


@pytest.fixture
async def shopper(database: Database, channel: grpc.aio.Channel) -> Shopper:
    """A caller of that core."""
    return await make_shopper(database, channel)
