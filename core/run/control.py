"""Ask the running supervisor for a restart, from another process: `onegenie restart`.

The two talk over a Unix socket in the supervisor's run directory. One JSON line asks; the lines of
the answer tell the progress, and the last one tells how it ended. Only the supervisor's user and
root can open the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

_SOCKET = "control.sock"
# Bytes of a request, which holds environment variables.
_MAX_LINE = 1 << 20

# Takes the variables to change and a function that gets the lines of progress.
Restart = Callable[[Mapping[str, str], Callable[[str], None]], Awaitable[None]]


class RestartError(Exception):
    """Raised when a restart did not happen, or only in part. The message is for people."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@contextlib.asynccontextmanager
async def listen(run: Path, restart: Restart) -> AsyncIterator[None]:
    """Answer requests while the block runs, by calling `restart`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(line: str) -> None:
            send({"line": line})

        def send(message: dict[str, object]) -> None:
            if not writer.is_closing():  # the asker may have left; the restart goes on
                writer.write(json.dumps(message).encode() + b"\n")

        try:
            if not _is_allowed(writer):
                return
            asked = json.loads(await reader.readline())
            await restart(asked["environment"], tell)
            send({"code": 0})
        except RestartError as error:
            send({"code": error.code, "message": str(error)})
        except (ValueError, KeyError, TypeError):
            pass  # not one of our requests
        finally:
            with contextlib.suppress(OSError):
                writer.close()
                await writer.wait_closed()

    path = run / _SOCKET
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, path, limit=_MAX_LINE)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()


def ask_restart(run: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Ask the supervisor of the run directory to restart, and yield its lines of progress.

    Raises OSError if no supervisor answers, and RestartError at the end unless all of the restart
    happened.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(run / _SOCKET))
        connection.sendall(json.dumps({"environment": dict(environment)}).encode() + b"\n")
        with connection.makefile(encoding="utf-8") as lines:
            for line in lines:
                told = json.loads(line)
                if "line" in told:
                    yield told["line"]
                elif told["code"]:
                    raise RestartError(told["message"], told["code"])
                else:
                    return
    raise RestartError("the service stopped before the restart was complete")


def _is_allowed(writer: asyncio.StreamWriter) -> bool:
    if sys.platform != "linux":
        return True  # the socket's mode is all we have there
    peer = writer.get_extra_info("socket")
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", found)[1] in (0, os.geteuid())
