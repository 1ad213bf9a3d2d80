"""The OpenAI-compatible room vision keeps the port's promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.platform.pool import WorkPool
from core.room.vision.port import RoomVision
from tests.integration.room.vision.vision_endpoint import RoomEndpoint, comparison
from tests.vision_conformance import RoomVisionConformance

endpoint = RoomEndpoint()


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[RoomVision]:
    pool = WorkPool(1, 8)
    async with endpoint.running(pool) as opened:
        yield opened
    pool.close()


class TestConformance(RoomVisionConformance):
    """The endpoint finds what the test says, and the engine does the rest."""

    def expect(self, done: bool) -> None:
        endpoint.play(finds=[comparison(done=done, remaining=[] if done else ["바닥의 옷"])])
