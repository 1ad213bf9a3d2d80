"""A core whose room-vision engine does as a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.platform.database import Database
from tests.clock import FakeClock
from tests.integration.room.vision.vision_help import Caller, ScriptedVision
from tests.support import make_person, running_core


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def vision() -> ScriptedVision:
    return ScriptedVision()


@pytest.fixture
async def caller(
    database_url: str, database: Database, clock: FakeClock, vision: ScriptedVision
) -> AsyncIterator[Caller]:
    async with running_core(database_url, clock=clock, vision=vision) as channel:
        yield Caller(await make_person(database, channel))
