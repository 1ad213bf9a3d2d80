"""Everything `onegenie up` starts, kept running: Postgres, the core processes and Envoy.

One process in the foreground starts the others, starts again what dies, and stops all of them
within 10 s when told to. On Linux the kernel ends the children should this process be killed; the
embedded Postgres then stops by itself (core.platform.embedded_postgres).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import httpx

from core.platform.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from core.platform.envoy import DESCRIPTOR, envoy_binary, render
from core.platform.log_files import set_aside
from core.platform.settings import Settings
from core.platform.signing import check
from core.services import DOMAIN, SERVICES
from edge.contract import Contract

CORE_COMMAND = (sys.executable, "-m", "core.server", "--socket")
# The tables and the demo, in a process of its own.
PREPARE_COMMAND = (sys.executable, "-m", "core.prepare")

_SOCKET_PATH_MAX = 100  # the kernel takes 107 characters on Linux, 103 on macOS
_READY_SECONDS = 60.0
# Stopping, in all below 10 s: Envoy tells its clients to leave, the cores finish their calls.
_DRAIN_SECONDS = 0.5
_LAST_CALLS_SECONDS = 0.2
_CORE_STOP_SECONDS = 5.0
_ENVOY_STOP_SECONDS = 0.5
_BACK_OFF = (0.1, 5.0)

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(Exception):
    """The start cannot go on; the message is for people, `code` is the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Supervisor:
    """Starts onegenie with these settings and keeps it up until told to stop.

    `say` gets lines of progress for people. Where logs, sockets and the database live follows
    from DATA_DIR.
    """

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        *,
        core_command: Sequence[str] = CORE_COMMAND,
        prepare_command: Sequence[str] = PREPARE_COMMAND,
    ) -> None:
        self._settings = settings
        self._say = say
        self._core_command = core_command
        self._prepare_command = prepare_command
        self._data = settings.data_dir.expanduser().resolve()
        self._logs = self._data / "logs"
        self._started = time.monotonic()
        self._stop = asyncio.Event()
        self._up = False

    def stop(self) -> None:
        """Make `run` stop everything and return."""
        self._stop.set()

    async def run(self) -> None:
        """Start, serve until `stop` is called, stop. Raises StartError if it cannot start."""
        _check_port(self._settings.host, self._settings.port)
        if not DESCRIPTOR.exists():
            raise StartError(f"{DESCRIPTOR} is missing: run `make gen`", 2)
        with _data_directory(self._data), _run_directory(self._data) as sockets:
            _check_token_keys(self._settings.token_keys_file)
            self._logs.mkdir(mode=0o700, exist_ok=True)
            serving = asyncio.create_task(self._serve(sockets))
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not serving.done():
                self._progress("stopping")
                serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            if self._stop.is_set():
                self._progress("stopped")

    async def _serve(self, sockets: Path) -> None:
        async with contextlib.AsyncExitStack() as stack:
            url = await self._database(stack)
            environment = _MALLOC | os.environ | {"DATABASE_URL": url, "DATA_DIR": str(self._data)}
            await self._prepare(environment)
            metrics = sockets / "metrics"
            if self._settings.metrics_port:
                metrics.mkdir()
                environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
                stack.enter_context(_serve_metrics(self._settings.metrics_port, metrics))
            cores = [
                _Child(
                    f"core-{number}",
                    [*self._core_command, str(sockets / f"core-{number}.sock")],
                    environment,
                    self._logs / f"core-{number}.jsonl",
                    metrics if self._settings.metrics_port else None,
                )
                for number in range(1, self._settings.workers + 1)
            ]
            envoy = self._envoy(sockets)
            running = [asyncio.create_task(child.run(self._died)) for child in (*cores, envoy)]
            try:
                await self._until_ready(sockets / "admin.sock", running)
                self._announce()
                async for _ in _every(1.0):
                    await self._look_after(stack)
            finally:
                await self._stop_all(cores, envoy, sockets / "admin.sock")
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _database(self, stack: contextlib.AsyncExitStack) -> str:
        if self._settings.database_url is not None:
            self._progress("using the database of DATABASE_URL")
            return self._settings.database_url.get_secret_value()
        postgres = EmbeddedPostgres(self._data / "postgres")
        stack.push_async_callback(asyncio.to_thread, postgres.stop)
        first = not (postgres.directory / "data").exists()
        self._progress("starting the database" + (" (creating it)" if first else ""))
        try:
            await asyncio.to_thread(postgres.start)
        except EmbeddedPostgresError as error:
            raise StartError(str(error)) from error
        self._postgres = postgres
        return postgres.conninfo

    async def _prepare(self, environment: dict[str, str]) -> None:
        """Tables and the demo; each line it prints is shown."""
        self._progress("preparing the database")
        log = self._logs / "prepare.log"
        with _append(log) as errors:
            process = await asyncio.create_subprocess_exec(
                *self._prepare_command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self._progress(line.decode(errors="replace").rstrip())
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if code:
            raise StartError(
                f"the database could not be prepared:\n{_tail(log)}\n(all of it: {log})"
            )

    def _envoy(self, sockets: Path) -> _Child:
        config = sockets / "envoy.yaml"
        config.write_text(
            render(
                self._settings,
                Contract.load(SERVICES),
                descriptor=DESCRIPTOR,
                cores=[
                    sockets / f"core-{number}.sock"
                    for number in range(1, self._settings.workers + 1)
                ],
                admin=sockets / "admin.sock",
                access_log=self._logs / "access.jsonl",
                domain=DOMAIN,
            )
        )
        # One thread passes on some 5,000 calls a second; the cores need the rest of the machine.
        threads = max(1, min(self._settings.workers // 2, 8))
        command = [
            str(envoy_binary()),
            *("--config-path", str(config)),
            *("--concurrency", str(threads)),
            "--disable-hot-restart",
            *("--drain-time-s", "10"),  # the supervisor ends it sooner
            *("--drain-strategy", "immediate"),
            *("--log-level", "warning"),
            *("--file-flush-interval-msec", "1000"),
        ]
        return _Child("envoy", command, dict(os.environ), self._logs / "envoy.log")

    async def _until_ready(self, admin: Path, running: list[asyncio.Task[None]]) -> None:
        """Wait until Envoy serves and counts every core process as healthy."""
        self._progress(f"starting {self._settings.workers} core processes and Envoy")
        deadline = time.monotonic() + _READY_SECONDS
        while not await self._is_ready(admin):
            for task in running:
                if task.done():
                    task.result()  # raises: nothing may die before it was ready once
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {_READY_SECONDS:.0f} s: see {self._logs}")
            await asyncio.sleep(0.05)
        self._up = True

    async def _is_ready(self, admin: Path) -> bool:
        transport = httpx.AsyncHTTPTransport(uds=str(admin))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://envoy") as client:
                if (await client.get("/ready")).status_code != 200:
                    return False
                name = "cluster.core.membership_healthy"
                text = (await client.get("/stats", params={"filter": f"^{name}$"})).text
                return text.strip() == f"{name}: {self._settings.workers}"
        except httpx.TransportError:
            return False

    def _died(self, child: _Child, code: int) -> None:
        if not self._up:
            raise StartError(f"{child.name} ended with {_outcome(code)}:\n{_tail(child.log)}")
        self._progress(f"{child.name} ended with {_outcome(code)}; starting it again")

    async def _look_after(self, stack: contextlib.AsyncExitStack) -> None:
        if self._settings.database_url is None:
            try:
                if await asyncio.to_thread(self._postgres.ensure_running):
                    self._progress("the database had ended; it runs again")
            except EmbeddedPostgresError as error:
                self._progress(str(error))
        try:
            await asyncio.to_thread(set_aside, self._logs)
        except OSError as error:
            self._progress(f"the logs could not be packed away: {error.strerror}")

    async def _stop_all(self, cores: Sequence[_Child], envoy: _Child, admin: Path) -> None:
        if self._up:
            with contextlib.suppress(httpx.TransportError):
                transport = httpx.AsyncHTTPTransport(uds=str(admin))
                async with httpx.AsyncClient(transport=transport) as client:
                    # Every answer now tells its client to open a new connection, then nobody can.
                    await client.post("http://envoy/drain_listeners?graceful&skip_exit")
                    await asyncio.sleep(_DRAIN_SECONDS)
                    await client.post("http://envoy/drain_listeners")
                    await asyncio.sleep(_LAST_CALLS_SECONDS)
        await asyncio.gather(*(core.stop(_CORE_STOP_SECONDS) for core in cores))
        await envoy.stop(_ENVOY_STOP_SECONDS)

    def _announce(self) -> None:
        base_url, demo = self._settings.base_url, self._data / "demo.env"
        if demo.exists():
            shown = _relative(demo)
            insecure = " --insecure" if self._settings.tls_certificate else ""
            self._say("")
            self._say("Try next, in another terminal:")
            self._say(f"  . {shown}")
            self._say(f'  {_relative(Path(sys.prefix))}/bin/onegenie recommend "{_PROMPT}"')
            self._say(f"  curl -sS{insecure} $BASE_URL/v1/chat/$PROFILE_ID/recommend \\")
            self._say(
                "    -H \"Authorization: Bearer $SDK_KEY\" -H 'Content-Type: application/json' \\"
            )
            self._say(f'    -d \'{{"prompt": "{_PROMPT}"}}\'')
            self._say('  The app for rooms: README.md, "The room"')
        self._say(f"Logs: {_relative(self._logs)}   Stop: Ctrl-C")
        self._say("")
        self._progress("everything serves")
        self._say(f"ready {base_url}")

    def _progress(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._started:6.1f} s  {text}")


# glibc raises its threshold with each large block that is freed, to 32 MiB: uploads and pictures
# then lie between small things, and what they took is never given back.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
_PROMPT = "오늘 저녁 카레 땡기는데"


class _Child:
    """One process that is started again when it ends."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: dict[str, str],
        log: Path,
        metrics: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._metrics = metrics
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self, died: Callable[[_Child, int], None]) -> None:
        """Keep the process running until `stop`; `died` is told of each end."""
        wait = _BACK_OFF[0]
        while not self._stopping:
            began = time.monotonic()
            with _append(self.log) as output:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env=self._environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C is for the supervisor, which knows the order
                    preexec_fn=_end_with_parent(),
                )
            try:
                code = await self._process.wait()
            except asyncio.CancelledError:  # it started while `stop` was at work
                self._process.kill()
                await self._process.wait()
                raise
            if self._metrics is not None:
                _forget_metrics(self._process.pid, self._metrics)
            if self._stopping:
                return
            died(self, code)
            if time.monotonic() - began > 10:
                wait = _BACK_OFF[0]
            await asyncio.sleep(wait)
            wait = min(wait * 2, _BACK_OFF[1])

    async def stop(self, seconds: float) -> None:
        """Ask the process to end; kill it after that time."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                process.kill()
                await process.wait()


def _end_with_parent() -> Callable[[], None] | None:
    """For the child: die with the parent, however that one ends (Linux's PR_SET_PDEATHSIG)."""
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def prepare() -> None:
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return prepare


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise StartError(f"HOST: {host} is no address of this machine: {error}", 2) from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            text = (
                f"PORT: cannot listen on {host}:{port} ({error.strerror}); set PORT to a free one"
            )
            raise StartError(text, 2) from error


@contextlib.contextmanager
def _data_directory(path: Path) -> Iterator[None]:
    """The data directory, made if need be, for this supervisor alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"DATA_DIR: cannot use {path}: {error.strerror}", 2) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(handle, 20).decode().strip()
            text = f"DATA_DIR: {path} is in use by another `onegenie up` (process {owner})"
            raise StartError(text, 2) from None
        os.truncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _check_token_keys(path: Path) -> None:
    """As if it were a setting: a core that can't use the file would tell by a traceback."""
    try:
        check(path)
    except FileNotFoundError:
        return  # the first core makes it
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise StartError(f"TOKEN_KEYS: {path}: {problem}", 2) from error


@contextlib.contextmanager
def _run_directory(data: Path) -> Iterator[Path]:
    """A fresh private directory for sockets, with a path short enough for them."""
    path = data / "run"
    longest = len(os.fsencode(path / "core-64.sock"))
    if longest > _SOCKET_PATH_MAX:
        path = Path(tempfile.mkdtemp(prefix="onegenie-"))
    else:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _append(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def _serve_metrics(port: int, directory: Path) -> Iterator[None]:
    """Prometheus metrics of all core processes together, on a loopback port."""
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise StartError(f"METRICS_PORT: cannot listen on {port} ({error.strerror})", 2) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _forget_metrics(pid: int, directory: Path) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid, path=str(directory))  # type: ignore[no-untyped-call]


async def _every(seconds: float) -> AsyncIterator[None]:
    while True:
        await asyncio.sleep(seconds)
        yield


def _outcome(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _tail(log: Path, lines: int = 15) -> str:
    with log.open(errors="replace") as file:
        return "".join(deque(file, lines)).rstrip()


def _relative(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return f"{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)
