"""Run core processes and Envoy as an unprivileged user when root starts onegenie.

They handle what strangers send: pictures, HTTP. The user is the embedded Postgres' own, because an
attacker with a core process has the database anyway, and the database's socket is that user's.
"""

from __future__ import annotations

import compileall
import ctypes
import grp
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.run.embedded_postgres import let_pass, system_user

_ROOT = Path(__file__).resolve().parents[2]
# Folders of our own packages. Others were compiled when they were installed.
_SOURCES = ("core", "edge", "gen/python")

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_NET_BIND_SERVICE = 10
_CAPABILITY_VERSION_3 = 0x20080522

# A shell script that prints the first path that its user may not read, or, for a directory, may not
# pass through.
_MAY = """
for path; do
  if [ -d "$path" ]; then [ -x "$path" ]; else [ -r "$path" ]; fi ||
    { printf %s "$path"; exit 1; }
done
"""


class CannotBecome(Exception):
    """Raised when processes can't run as the user. The message says why, for people."""


@dataclass(frozen=True, slots=True)
class User:
    """The user that processes run as."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables that name the user's own home and name; root's home would be closed to it."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}

    def become(self, low_port: bool = False) -> Callable[[], None]:
        """Return what makes a new process this user's, with no way back to root or its rights.

        With `low_port` the process may still listen on ports below 1024.
        """
        # Prepared here, because as little as possible should run between fork and exec.
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        bit = 1 << _CAP_NET_BIND_SERVICE
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable

        def drop() -> None:
            if _LIBC is not None and low_port:
                _LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
            if _LIBC is None:
                return
            if low_port:
                _LIBC.capset(header, sets)
                _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_NET_BIND_SERVICE, 0, 0)
            _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

        return drop


def find_user(needed: Iterable[Path]) -> User:
    """Return the user, which is made if it does not exist.

    Raises CannotBecome unless it may read Python, our code and every path of `needed`.
    """
    try:
        entry = system_user()
    except Exception as error:
        raise CannotBecome(str(error)) from error
    assert entry is not None
    user = User(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
    if any(other.pw_gid == user.gid and other.pw_uid != user.uid for other in pwd.getpwall()) or (
        grp.getgrgid(user.gid).gr_mem
    ):
        raise CannotBecome(f"others are in the group of the user {user.name}")
    check_reads(user, [*_code(), *needed])
    for folder in _SOURCES:
        _compile(_ROOT / folder)
    return user


def check_reads(user: User, paths: Iterable[Path]) -> None:
    """Raise CannotBecome, which names the path, unless the user may read every path."""
    if blocked := _may_not_read(user, paths):
        what = "pass through" if blocked.is_dir() else "read"
        raise CannotBecome(f"the user {user.name} may not {what} {blocked}")


def give(path: Path, user: User) -> None:
    """Give the user a directory, with everything that root made in it. Raises OSError.

    The directory is made if it does not exist.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid == user.uid:
            return
        for _, folders, files, inside in os.fwalk(".", dir_fd=handle):
            for name in (*folders, *files):
                found = os.stat(name, dir_fd=inside, follow_symlinks=False)
                # A file with a second name is left alone, because that name may be anywhere.
                ours = stat.S_ISDIR(found.st_mode) or (
                    stat.S_ISREG(found.st_mode) and found.st_nlink == 1
                )
                if ours and found.st_uid == 0:
                    os.chown(name, user.uid, user.gid, dir_fd=inside, follow_symlinks=False)
        # Last, so that an interrupted run starts again.
        os.fchmod(handle, 0o700)
        os.fchown(handle, user.uid, user.gid)
    finally:
        os.close(handle)


def take_back(path: Path) -> None:
    """Give a directory back to root, which will write there: `give` then checks all of it again."""
    with suppress(OSError):
        os.chown(path, 0, 0)


def give_file(path: Path, user: User) -> None:
    """Give the user a file in a directory of root's, made if it is missing. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.fchown(handle, user.uid, user.gid)
    finally:
        os.close(handle)


def let_in(directory: Path, user: User, mode: int = 0o710) -> None:
    """Let the user open files that it knows in a directory of root's, but not list the directory.

    Raises OSError.
    """
    os.chown(directory, 0, user.gid)
    directory.chmod(mode)
    let_pass(directory)


def _code() -> Iterable[Path]:
    """Yield the paths of Python and its packages, as deep as modes differ in practice."""
    yield Path(sys.executable)
    yield Path(sys.executable).resolve()
    for entry in map(Path, filter(None, sys.path)):
        if entry.is_dir():
            yield entry
            yield from entry.iterdir()
    for folder in ("core", "edge", "envoy", "gen"):
        yield _ROOT / folder
        yield from (_ROOT / folder).iterdir()


def _compile(folder: Path) -> None:
    """Compile the changed modules of a folder, and let every user read the result.

    The unprivileged user can't write here, and would compile them at each start. Root's umask may
    have made earlier results readable for root only.
    """
    compileall.compile_dir(folder, quiet=2)
    for cache in folder.rglob("__pycache__"):
        cache.chmod(cache.stat().st_mode | 0o055)
        for file in cache.iterdir():
            file.chmod(file.stat().st_mode | 0o044)


def _may_not_read(user: User, paths: Iterable[Path]) -> Path | None:
    """Return the first path that the user may not read, or None. Directories on the way count."""
    wanted = list(dict.fromkeys(path.absolute() for path in paths))
    real = dict.fromkeys(path.resolve() for path in wanted)
    leading = dict.fromkeys(
        parent for path in (*wanted, *real) for parent in reversed(path.parents)
    )
    asked = [str(path) for path in (*leading, *wanted)]
    shell = shutil.which("sh") or "/bin/sh"
    try:
        answer = subprocess.run(
            [shell, "-c", _MAY, "sh", *asked],
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise CannotBecome(f"no process of the user {user.name}: {error.strerror}") from error
    return Path(answer.stdout or shell) if answer.returncode else None
