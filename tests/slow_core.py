"""A core process whose steps can be slow: `python -m tests.slow_core --socket PATH`.

A round whose prompt names "slow N" waits in step N the first time that step is tried, so that a
test can kill the process just there.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from core.app.wire import run, serve
from core.platform import telemetry
from core.platform.settings import load_settings
from core.shop.recommend.pipeline import Pipeline, StepResult
from tests.support import ScriptedEngine

SLOW_SECONDS = 6.0


class SlowPipeline(Pipeline):
    """Waits where a prompt says so."""

    async def _work(self, row: Any, step: int, attempts: int) -> StepResult:
        if f"slow {step}" in row.prompt and attempts == 0:
            await asyncio.sleep(SLOW_SECONDS)
        return await super()._work(row, step, attempts)


async def main(socket: str) -> None:
    settings = load_settings()
    telemetry.configure_logging("warning")
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    sys.exit(await run(serve(settings, url, f"unix:{socket}", ScriptedEngine())))


if __name__ == "__main__":
    import core.shop.wire

    core.shop.wire.Pipeline = SlowPipeline  # type: ignore[attr-defined]
    asyncio.run(main(sys.argv[2]))
