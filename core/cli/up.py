"""`onegenie up`: everything, in the foreground. What `make run` runs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import typer

from core.cli.common import visible
from core.platform.settings import load_settings


def up() -> None:
    """Serve with an embedded database and a demo store, until Ctrl-C.

    Settings come from the environment: PORT, DATA_DIR, WORKERS and those in docs/configuration.md.
    """
    settings = load_settings()
    # Only this command needs what it takes to start the others.
    from core.platform.log_lines import LogLines
    from core.run.supervisor import StartError, Supervisor

    lines = LogLines(sys.stdout)

    def say(line: str) -> None:
        # Whoever reads it may have gone, or the disk may be full: what runs goes on.
        lines.write(visible(line, keep="\n") + "\n")

    async def supervise() -> None:
        supervisor = Supervisor(settings, say)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, supervisor.stop)
        in_a_terminal = _has_terminal()

        def hang_up() -> None:
            if in_a_terminal and not _has_terminal():
                supervisor.stop()  # its window was closed
            else:
                supervisor.restart_soon()

        loop.add_signal_handler(signal.SIGHUP, hang_up)
        await supervisor.run()

    try:
        asyncio.run(supervise())
    except StartError as error:
        said = visible(str(error), keep="\n")
        LogLines(sys.stderr).write(f"onegenie: {said}\n")
        raise typer.Exit(error.code) from None


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
