"""Log files that grow: set aside in packed pieces, which are kept for days.

By age and not by number: who sends many requests, and with them many lines, would otherwise
take out the traces of what was done before.
"""

from __future__ import annotations

import gzip
import os
import shutil
import time
from pathlib import Path

PIECE_BYTES = 20_000_000
KEPT_SECONDS = 14 * 86_400
# Of one log's pieces together: no log may fill the disk.
KEPT_BYTES = 1_000_000_000


def set_aside(folder: Path) -> None:
    """Pack away what has grown too large in a folder of logs, and remove what is too old.

    Raises OSError, for example on a full disk; what is not packed away whole stays where it is.
    """
    for log in folder.iterdir():
        if log.suffix == ".part":  # of a supervisor that was killed
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
    # Copied and emptied, not renamed: the writers keep it open.
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
