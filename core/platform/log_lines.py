"""Write lines for people and logs. A line may be lost, but writing it never fails.

A disk may fill, a reader may go away, a limit on file sizes may be reached. None of these may end
the work that the line only reports.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TextIO


def _not_counted() -> None:
    """Do nothing: the default where nobody counts lost lines."""


class LogLines:
    """A text stream over another stream's descriptor: each write goes there at once, or is lost.

    Nothing is buffered. When the descriptor can be written again, writing goes on at the start of
    a line. `on_loss` is called for each write that was lost, in whole or in part.
    """

    def __init__(self, stream: TextIO | None, on_loss: Callable[[], None] = _not_counted) -> None:
        """Write to `stream`. None, for a process that was started without it, loses every line."""
        self._descriptor = None if stream is None else stream.fileno()
        self._on_loss = on_loss
        self._torn = False

    def write(self, text: str) -> int:
        """Write `text`, which must be whole lines. Return its length in characters."""
        # Surrogates can't be encoded as UTF-8. As escapes they are valid JSON.
        data = text.encode(errors="backslashreplace")
        if self._descriptor is None or not self._write_all(self._descriptor, data):
            self._on_loss()
        return len(text)

    def flush(self) -> None:
        """Do nothing: no write is ever buffered."""

    def _write_all(self, descriptor: int, data: bytes) -> bool:
        if self._torn:
            data = b"\n" + data
        at = 0
        try:
            while at < len(data):
                at += os.write(descriptor, data[at:])
        except OSError:
            # If a line was cut short, the next write must begin a new line.
            self._torn = self._torn or at > 0
            return False
        self._torn = False
        return True
