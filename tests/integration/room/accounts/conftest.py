"""A core with a clock that stands still, and a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import FakeClock
from tests.integration.room.accounts.accounts_help import Phone
from tests.support import running_core


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def phone(database_url: str, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Phone]:
    async with running_core(database_url, clock=clock, data_dir=tmp_path) as channel:
        yield Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock)
