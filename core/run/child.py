"""Keep a process running for the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

# Shortest and longest wait before a process is started again, in seconds.
_BACK_OFF = (0.1, 5.0)
# Seconds. A process that ran this long does not count as failing again and again.
_LONG_SECONDS = 10.0

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class Child:
    """One process, which is started again when it ends."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        socket: Path | None = None,
        become: Callable[[], None] | None = None,
        ended: Callable[[int], None] | None = None,
    ) -> None:
        """Keep the arguments; `run` starts the process.

        It serves on `socket`. `become` runs in the new process before its program begins, to make
        it another user's. `ended` gets the pid of each process that has ended.
        """
        self.name = name
        self.log = log
        self.environment = environment
        self.command = command
        self.deaths = 0  # number of times that it ended by itself
        self.socket = socket
        self._become = become
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._replacing = False

    @property
    def pid(self) -> int | None:
        """The id of the process that runs now, or None."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self, died: Callable[[Child, str, str], None]) -> None:
        """Keep the process running until `stop`. `died` gets how each ended and what follows."""
        wait, in_a_row = _BACK_OFF[0], 0
        while not self._stopping:
            began = time.monotonic()
            try:
                outcome = _outcome(await self._run_once())
            except (OSError, subprocess.SubprocessError) as error:
                # No memory, descriptors or space: try again until there is some.
                outcome = f"could not be started ({error})"
            if self._stopping:
                return
            if self._replacing:
                self._replacing = False
                wait, in_a_row = _BACK_OFF[0], 0
                continue
            if time.monotonic() - began > _LONG_SECONDS:
                wait, in_a_row = _BACK_OFF[0], 0
            self.deaths += 1
            in_a_row += 1
            again = "starting it again"
            if in_a_row > 1:
                again += f" in {wait:.1f} s ({in_a_row} times in a row: see {self.log})"
            died(self, outcome, again)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _BACK_OFF[1])

    async def _run_once(self) -> int:
        if self.socket is not None:
            self.socket.unlink(missing_ok=True)  # exists again only when the new process serves
        with append(self.log) as output:
            process = self._process = await asyncio.create_subprocess_exec(
                *self.command,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # only the supervisor gets Ctrl-C: it knows the order
                preexec_fn=in_the_child(self._become),
            )
        try:
            code = await process.wait()
        except asyncio.CancelledError:  # the process started while `stop` was running
            process.kill()
            await process.wait()
            raise
        if self._ended is not None:
            self._ended(process.pid)
        return code

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, and kill it if it still runs after `seconds`."""
        self._stopping = True
        await self._end(seconds)

    async def replace(self, seconds: float) -> None:
        """End the process as `stop` does. The next one starts at once, with the current command and
        environment."""
        if self.pid is not None:
            self._replacing = True
            await self._end(seconds)

    def listens(self) -> bool:
        """Return whether the process has opened its socket."""
        return self.pid is not None and self.socket is not None and self.socket.is_socket()

    async def _end(self, seconds: float) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                process.kill()
                await process.wait()


def in_the_child(become: Callable[[], None] | None = None) -> Callable[[], None]:
    """Return what a new process must run before its program begins.

    It calls `become`, and makes the process die with its parent, however the parent ends (Linux's
    PR_SET_PDEATHSIG).
    """
    parent = os.getpid()

    def prepare() -> None:
        if become is not None:
            become()
        if _LIBC is not None:
            # After `become`, because changing the user clears this setting.
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

    return prepare


@contextlib.contextmanager
def append(path: Path) -> Iterator[int]:
    """Open a log for appending, and make it for its owner only (0600) if it does not exist."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    with log.open(errors="replace") as file:
        return "".join(deque(file, lines)).rstrip()


def _outcome(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"ended with signal {_signal(-code)}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return str(number)
