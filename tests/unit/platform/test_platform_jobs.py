"""The queue's own tasks, without a database."""

from __future__ import annotations

import asyncio

import pytest

from core.platform import jobs as platform_jobs
from core.platform.jobs import Jobs


@pytest.mark.parametrize("error", [RuntimeError, None])
async def test_the_sweep_ends_when_a_database_call_swallows_its_cancellation(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None
) -> None:
    """As drivers do that are cancelled in the middle of a query. A core would never stop."""
    jobs = Jobs("postgresql://nowhere", 1)
    monkeypatch.setattr(platform_jobs, "SWEEP_EVERY_SECONDS", 0)
    asked = asyncio.Event()

    async def stalled(**_: object) -> list[object]:
        if asked.is_set():
            await asyncio.sleep(60)
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if error is not None:
                raise error from None
        return []

    monkeypatch.setattr(jobs.app.job_manager, "get_stalled_jobs", stalled)
    sweep = asyncio.create_task(jobs._sweep())
    await asked.wait()
    sweep.cancel()
    done, _ = await asyncio.wait({sweep}, timeout=10)
    sweep.cancel()
    assert done
