"""What the running supervisor can be told from outside: `onegenie restart`.

Over a Unix socket in its run directory: one JSON line asks, others tell what happens, the last one
how it ended. Who can open the socket is the supervisor's user, or root.
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
_MAX_LINE = 1 << 20

# Gets the variables to change and a listener for lines of progress.
Restart = Callable[[Mapping[str, str], Callable[[str], None]], Awaitable[None]]


class RestartError(Exception):
    """The restart did not happen, or not wholly; the message is for people."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@contextlib.asynccontextmanager
async def listen(run: Path, restart: Restart) -> AsyncIterator[None]:
    """Take requests while the block runs."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(line: str) -> None:
            send({"line": line})

        def send(message: dict[str, object]) -> None:
            if not writer.is_closing():  # who asked may have left; it goes on all the same
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
            pass  # no request of ours
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
    """Ask the supervisor that serves there; its lines of progress. Raises RestartError at the end
    if it did not all happen, OSError if nobody takes requests."""
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
    raise RestartError("the service stopped meanwhile")


def _is_allowed(writer: asyncio.StreamWriter) -> bool:
    if sys.platform != "linux":
        return True  # the mode of the socket says it
    peer = writer.get_extra_info("socket")
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", found)[1] in (0, os.geteuid())
