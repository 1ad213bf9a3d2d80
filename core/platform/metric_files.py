"""Keep a process's Prometheus files on a disk that may be full.

The library maps files with holes. On a full disk, the first write to a hole is a SIGBUS, which ends
the process. Here a file's space is allocated before it is mapped. If there is no space, the new
figure is not counted, and the call that it would have counted goes on.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import Any

import prometheus_client.values
from prometheus_client.mmap_dict import MmapedDict

# Bytes allocated for a new file; it doubles when they are used up.
_FIRST_BYTES = 1 << 16


class ReservedFile(MmapedDict):
    """A metrics file with every byte allocated on the disk. It never raises OSError."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            try:
                with open(filename, "a+b") as file:
                    _reserve(file.fileno(), _FIRST_BYTES)
            except OSError:
                # The collector could not read a file without its first bytes.
                with contextlib.suppress(OSError):
                    os.unlink(filename)
                self._in_memory()
                return
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def read_value(self, key: str) -> Any:
        """Return a value and its time, or zeros if there is no space for it."""
        try:
            return super().read_value(key)  # type: ignore[no-untyped-call]
        except OSError:
            return 0.0, 0.0

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Write a value if there is space for it."""
        try:
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
        except OSError:
            return

    def _init_value(self, key: str) -> None:
        # More than an entry needs, so that the library never grows the file itself.
        needed = self._used + len(key.encode()) + 64
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if capacity > self._capacity:
            _reserve(self._f.fileno(), capacity)
            self._m = mmap.mmap(self._f.fileno(), capacity)
            self._capacity = capacity
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _in_memory(self) -> None:
        """Count in memory, where nobody reads it, because this process has no file."""
        self._f = open(os.devnull, "rb")  # noqa: SIM115
        self._m = mmap.mmap(-1, _FIRST_BYTES)
        self._capacity, self._used, self._positions = _FIRST_BYTES, 8, {}


def _reserve(descriptor: int, size: int) -> None:
    """Allocate at least `size` bytes for a file. Raises OSError if the disk has no space."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    elif os.fstat(descriptor).st_size < size:
        os.ftruncate(descriptor, size)


def reserve_metric_files() -> None:
    """Make the library use ReservedFile for every file that it opens from now on."""
    prometheus_client.values.MmapedDict = ReservedFile  # type: ignore[attr-defined]
