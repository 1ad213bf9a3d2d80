"""Pack log files that have grown into pieces, which are kept for days.

Pieces are removed by age, not by number. Otherwise a caller could remove the traces of what it did
by sending many requests, and with them many lines.
"""

from __future__ import annotations

import gzip
import os
import shutil
import time
from pathlib import Path

# A log larger than this is packed.
PIECE_BYTES = 20_000_000
# Age at which a piece is removed.
KEPT_SECONDS = 14 * 86_400
# Size of all pieces of one log together: no log may fill the disk.
KEPT_BYTES = 1_000_000_000


def set_aside(folder: Path) -> None:
    """Pack the logs in a folder that have grown too large, and remove pieces that are too old.

    Raises OSError, for example on a full disk. A log that can't be packed whole stays as it is.
    """
    for log in folder.iterdir():
        if log.suffix == ".part":  # left by a supervisor that was killed
            log.unlink()
        elif log.suffix != ".gz" and log.stat().st_size > PIECE_BYTES:
            _pack(log)
    pieces: dict[str, list[Path]] = {}
    for piece in sorted(folder.glob("*.gz"), reverse=True):  # newest first
        pieces.setdefault(piece.name.rsplit(".", 2)[0], []).append(piece)
    for of_one_log in pieces.values():
        total = 0
        for piece in of_one_log:
            found = piece.stat()
            total += found.st_size
            if total > KEPT_BYTES or time.time() - found.st_mtime > KEPT_SECONDS:
                piece.unlink()


def _pack(log: Path) -> None:
    # Copy and empty the log instead of renaming it, because its writers keep it open.
    piece = log.with_name(f"{log.name}.{time.time_ns()}.gz")
    part = piece.with_suffix(".part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            log.open("rb") as lines,
            open(handle, "wb") as file,
            gzip.open(file, "wb", compresslevel=1) as packed,
        ):
            shutil.copyfileobj(lines, packed)
        part.replace(piece)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    os.truncate(log, 0)
