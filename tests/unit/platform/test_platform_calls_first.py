"""A step waits for the calls that are being answered, but not for ever, and not for streams."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from core.platform import calls_first
from core.platform.calls_first import CallsFirst


def call(*, streams: bool = False) -> Any:
    return SimpleNamespace(method=SimpleNamespace(server_streaming=streams))


async def test_a_step_waits_until_the_last_call_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls_first, "PATIENCE", 60)
    calls = CallsFirst()
    await calls.give_way()
    async with calls.counted(call()):
        async with calls.counted(call()):
            step = asyncio.create_task(calls.give_way())
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not step.done()
    await step


async def test_a_call_that_fails_is_over_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_first, "PATIENCE", 60)
    calls = CallsFirst()
    with pytest.raises(LookupError):
        async with calls.counted(call()):
            raise LookupError
    await calls.give_way()


async def test_however_many_call_rounds_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_first, "PATIENCE", 0)
    calls = CallsFirst()
    async with calls.counted(call()):
        await calls.give_way()


async def test_streams_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_first, "PATIENCE", 60)
    calls = CallsFirst()
    async with calls.counted(call(streams=True)):
        await calls.give_way()
