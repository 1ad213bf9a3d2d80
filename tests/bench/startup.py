"""How long `make run` takes on a clone of HEAD until it is ready."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.stack import ROOT, free_port, start, stopped, until_ready

LONGEST_INSTALL = 180.0


async def start_ups(directory: Path) -> list[tuple[str, float]]:
    """Seconds until ready: an empty clone, its first start with the venv there, a later one.

    The clone sets up a venv of its own from the package cache of this machine; what is not in
    there is downloaded, which then counts.
    """
    clone = directory / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    times = [("empty clone, warm package cache", await _until_ready(clone))]
    shutil.rmtree(clone / "var")
    times.append(("first start, venv there", await _until_ready(clone)))
    times.append(("later start", await _until_ready(clone)))
    return times


async def _until_ready(clone: Path) -> float:
    environment = {
        "PORT": str(free_port()),
        "PYTHON": getattr(sys, "_base_executable", sys.executable),
        "MAKEFLAGS": "",  # of the `make bench` around us
        "VIRTUAL_ENV": "",
        "PATH": os.pathsep.join(
            part for part in os.environ["PATH"].split(os.pathsep) if part != str(ROOT / ".venv/bin")
        ),
    }
    process = await start(["make", "run"], environment, clone)
    async with stopped(process):
        seconds = await until_ready(process, LONGEST_INSTALL)
    await asyncio.sleep(0.5)
    return seconds
