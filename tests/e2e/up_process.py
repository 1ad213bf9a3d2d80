"""`onegenie up` as a test sees it: a process, its lines, and what it leaves behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.envoy_front import free_port

ROOT = Path(__file__).parents[2]

# What the operator's own services show.
SERVICE_TOKEN = "the-end-to-end-tests-service-token"

# The supervisor with the smallest core there is, so that only it is tested.
WITH_HEALTH_CORE = """
import sys
import core.run.supervisor as supervisor
class Small(supervisor.Supervisor):
    def __init__(self, settings, say):
        core = [sys.executable, "tests/e2e/health_core.py"]
        prepare = [sys.executable, "-c", "print('making the demo')"]
        super().__init__(settings, say, core_command=core, prepare_command=prepare)
supervisor.Supervisor = Small
from core.cli import main
sys.argv = ["onegenie", "up"]
main()
"""


class Up:
    """A running `onegenie up` on a directory."""

    def __init__(
        self,
        directory: Path,
        small: bool = False,
        program: Sequence[str] | None = None,
        **settings: str,
    ) -> None:
        self.directory = directory
        settings = {
            "PORT": str(free_port()),
            "WORKERS": "2",
            "DATA_DIR": str(directory),
            "SERVICE_TOKEN": SERVICE_TOKEN,
        } | settings
        command = program or (
            [sys.executable, "-c", WITH_HEALTH_CORE]
            if small
            else [str(Path(sys.prefix) / "bin" / "onegenie"), "up"]
        )
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.url = ""
        self.all_processes: set[psutil.Process] = set()

    def until(self, pattern: str) -> str:
        """Read lines until one matches; fails when the process ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if re.search(pattern, line):
                return self.lines[-1]
        raise AssertionError("\n".join(self.lines))

    def ready(self) -> "Up":
        self.url = self.until("^ready ").split()[1]
        self.processes()
        return self

    def processes(self) -> dict[str, list[psutil.Process]]:
        """What it started, by kind."""
        found: dict[str, list[psutil.Process]] = {"core": [], "envoy": [], "postgres": []}
        for process in psutil.Process(self.process.pid).children():
            line = " ".join(process.cmdline())
            if "--socket" in line or "health_core" in line:
                found["core"].append(process)
            elif "--drain-time-s" in line:
                found["envoy"].append(process)
        pid_file = self.directory / "postgres" / "data" / "postmaster.pid"
        if pid_file.exists():
            found["postgres"].append(psutil.Process(int(pid_file.read_text().split()[0])))
        for kind in found.values():
            self.all_processes.update(kind)
        return found

    def left(self) -> list[psutil.Process]:
        """What of it still runs."""
        return [process for process in self.all_processes if alive(process)]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; its exit code, that of a kill when it does not stop at all."""
        impatient = threading.Timer(60, self.process.kill)
        impatient.start()
        try:
            self.process.send_signal(number)
            assert self.process.stdout is not None
            self.lines += self.process.stdout.read().splitlines()
            return self.process.wait()
        finally:
            impatient.cancel()

    def __enter__(self) -> "Up":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout is not None:
            self.process.stdout.close()


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.05)
