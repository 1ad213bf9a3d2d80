"""Write private files, whole or not at all, and make directories that only their owner can open."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

# Bytes of a Unix socket's path. The kernel takes 107 on Linux and 103 on macOS.
SOCKET_PATH_MAX = 100


def write_private(path: Path, text: str, *, replace: bool = True) -> bool:
    """Write a file for its owner only (0600), whole or not at all, even if the power fails.

    Return True if it was written. Without `replace`, an existing file stays as it is, and the
    result is False. A file that root replaces keeps its owner, who has to read it. A link at `path`
    is not followed. Raises OSError.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask says
            file.write(text)
            file.flush()
            if os.geteuid() == 0:
                with suppress(FileNotFoundError):
                    before = path.lstat()
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fsync(file.fileno())
        if replace:
            fresh.replace(path)
        else:
            try:
                os.link(fresh, path)
            except FileExistsError:
                return False
    finally:
        fresh.unlink(missing_ok=True)
    # Sync the directory too, because a file whose name is lost is lost.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def fits_a_socket(directory: Path, name: str) -> bool:
    """Return whether a socket `name` in `directory` has a path short enough for the kernel."""
    return len(os.fsencode(directory / name)) <= SOCKET_PATH_MAX


def make_short_directory(prefix: str, longest: str) -> Path:
    """Make a private directory whose path is short enough for a socket named `longest`.

    It is among the temporary files, under a name that nobody could guess before. Raises OSError.
    """
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        if fits_a_socket(Path(parent, prefix + 8 * "x"), longest) and os.access(parent, os.W_OK):
            return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    raise OSError(0, "no directory for temporary files has a path short enough for sockets")


def is_private(path: Path, owner: int) -> bool:
    """Return whether `path` is a directory, not a link, that only the user `owner` can open."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        found = os.fstat(handle)
    finally:
        os.close(handle)
    return found.st_uid == owner and not stat.S_IMODE(found.st_mode) & 0o077
