"""Lines for people and logs, which may be lost but never fail who writes them.

A disk fills, a reader goes away, a limit on file sizes is reached: none of that may end what the
line only tells about.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TextIO


def _not_counted() -> None:
    """Used where nobody counts the lines that are lost."""


class LogLines:
    """A text stream over the descriptor of another: each write goes there at once, or is lost.

    Nothing is kept back for later, so that a stream that can be written again is written again,
    from the start of a line. `on_loss` hears of each write that was lost, in whole or in part.
    """

    def __init__(self, stream: TextIO | None, on_loss: Callable[[], None] = _not_counted) -> None:
        """`stream` is None where the process was started without one."""
        self._descriptor = None if stream is None else stream.fileno()
        self._on_loss = on_loss
        self._torn = False

    def write(self, text: str) -> int:
        """Write `text`, which is whole lines; its length."""
        # Surrogates can't be written as UTF-8; as escapes they are good JSON.
        data = text.encode(errors="backslashreplace")
        if self._descriptor is None or not self._write_all(self._descriptor, data):
            self._on_loss()
        return len(text)

    def flush(self) -> None:
        """Nothing is ever kept back."""

    def _write_all(self, descriptor: int, data: bytes) -> bool:
        if self._torn:
            data = b"\n" + data
        at = 0
        try:
            while at < len(data):
                at += os.write(descriptor, data[at:])
        except OSError:
            # Of what was written the end is missing: the next line begins one of its own.
            self._torn = self._torn or at > 0
            return False
        self._torn = False
        return True
