"""Keep everything running that `onegenie up` starts: Postgres, the core processes and Envoy.

One process in the foreground starts the others, restarts those that die, replaces them one at a
time on request, and stops all of them within 10 s when told to. If it is killed itself, the kernel
ends its children (on Linux), and the embedded Postgres stops by itself
(core.run.embedded_postgres).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from core.app.services import DOMAIN, SERVICES
from core.platform.files import fits_a_socket, make_short_directory, write_private
from core.platform.settings import Settings, SettingsError, read_settings
from core.platform.signing import check, make_keys
from core.run import unprivileged
from core.run.child import Child, append, in_the_child, tail
from core.run.control import RestartError, listen
from core.run.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from core.run.log_files import set_aside
from edge import Front, envoy_binary, load_contract, render

CORE_COMMAND = (sys.executable, "-m", "core.app.wire", "--socket")
# Makes the tables and the demo, in a process of its own.
PREPARE_COMMAND = (sys.executable, "-m", "core.run.prepare")

# What Envoy transcodes with, made by `make gen`.
DESCRIPTOR = Path(__file__).resolve().parents[2] / "gen" / "envoy" / "rest.pb"
# The longest name of a socket in the run directory, whose path must fit the kernel's limit.
_LONGEST_SOCKET = "control.sock"
_RUN_PREFIX = "onegenie-"
# Seconds for everything to serve after a start, or for one process after it was replaced.
_READY_SECONDS = 60.0
# The steps of stopping, which take less than 10 s together. Envoy tells its clients to leave for
# _DRAIN_SECONDS and closes the port. _LAST_CALLS_SECONDS later the core processes are told to end.
# They and then Envoy are killed if they take longer than their time.
_DRAIN_SECONDS = 0.5
_LAST_CALLS_SECONDS = 0.2
_CORE_STOP_SECONDS = 5.0
_ENVOY_STOP_SECONDS = 0.5

# Settings of the whole service, or known to others: only a new start can change them.
_FIXED = ("host", "port", "workers", "database_url", "keep_root", "metrics_port")
# Variables that name files which libraries of ours read.
_FILE_VARIABLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_FEDERATED_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "PGPASSFILE",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLROOTCERT",
    "SSL_CERT_FILE",
)
# The names in the data directory, and whether each is a directory.
_CONTENT = {
    "demo.env": False,
    "lock": False,
    "logs": True,
    "orders": True,
    "outbox": True,
    "pictures": True,
    "postgres": True,
    "run": True,
    "token-keys.json": False,
}


class StartError(Exception):
    """Raised when the start can't go on. The message is for people; `code` is the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Front:
    """What Envoy is started with: its configuration, and the texts of the TLS files."""

    config: str
    certificate: str | None
    key: str | None


class Supervisor:
    """Starts onegenie with these settings and keeps it up until told to stop.

    `say` gets lines of progress for people. Logs, sockets and the database are under DATA_DIR.
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
        self._given: Mapping[str, str] = dict(os.environ)
        self._data = settings.data_dir.expanduser().resolve()
        self._logs = self._data / "logs"
        self._started = time.monotonic()
        self._stop = asyncio.Event()
        self._up = False
        self._restarting = asyncio.Lock()
        self._user: unprivileged.User | None = None  # runs core processes and Envoy; None: we do
        self._fronts = 0  # number of configurations that Envoy has had

    def stop(self) -> None:
        """Make `run` stop everything and return."""
        self._stop.set()

    async def run(self) -> None:
        """Start, serve until `stop` is called, and stop. Raises StartError if the start fails."""
        _check_port(self._settings.host, self._settings.port)
        if not DESCRIPTOR.exists():
            raise StartError(f"{DESCRIPTOR} is missing: run `make gen`", 2)
        try:
            with _data_directory(self._data), _run_directory(self._data) as sockets:
                _check_token_keys(self._settings.token_keys_file)
                self._logs.mkdir(mode=0o700, exist_ok=True)
                await self._serve_until_told(sockets)
        except OSError as error:
            if self._up:
                raise
            raise StartError(f"{error.filename or 'start'}: {error.strerror}") from error

    async def _serve_until_told(self, sockets: Path) -> None:
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
        self._sockets = sockets
        async with contextlib.AsyncExitStack() as stack:
            self._url = await self._database(stack)
            await self._prepare(self._environment(self._given))
            metrics = sockets / "metrics"
            if self._settings.metrics_port:
                metrics.mkdir()
                stack.enter_context(_serve_metrics(self._settings.metrics_port, metrics))
            self._user = await asyncio.to_thread(self._find_user)
            environment = self._environment(self._given)
            self._cores = [
                Child(
                    f"core-{number}",
                    [*self._core_command, str(sockets / f"core-{number}.sock")],
                    environment,
                    self._logs / f"core-{number}.jsonl",
                    socket=sockets / f"core-{number}.sock",
                    become=self._user.become() if self._user else None,
                    ended=self._forget_metrics if self._settings.metrics_port else None,
                )
                for number in range(1, self._settings.workers + 1)
            ]
            low_port = self._settings.port < 1024
            self._front = self._read_front(self._settings)
            self._envoy = Child(
                "envoy",
                self._envoy_command(self._settings, self._front),
                dict(os.environ) | (self._user.environment if self._user else {}),
                self._logs / "envoy.log",
                become=self._user.become(low_port) if self._user else None,
            )
            children = (*self._cores, self._envoy)
            running = [asyncio.create_task(child.run(self._died)) for child in children]
            try:
                await self._until_ready(running)
                await stack.enter_async_context(listen(sockets, self.restart))
                self._announce()
                async for _ in _every(1.0):
                    await self._look_after(stack)
            finally:
                await self._stop_all()
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a core process and of the preparation."""
        ours = {"DATABASE_URL": self._url, "DATA_DIR": str(self._data)}
        if self._settings.metrics_port:
            ours["PROMETHEUS_MULTIPROC_DIR"] = str(self._sockets / "metrics")
        if self._user is not None:
            ours |= self._user.environment
        return {**_MALLOC, **given, **ours}

    def _find_user(self) -> unprivileged.User | None:
        """Return the user who runs core processes and Envoy, or None if we do.

        There is one only when root has started us. It is given the files that it needs.
        """
        if os.geteuid() != 0:
            return None
        settings = self._settings
        # A link here was made by the operator: its target is what the user needs.
        written = [] if settings.pictures_url else [(self._data / "pictures").resolve()]
        if settings.sms_url is None:
            written.append((self._data / "outbox").resolve())
        try:
            if settings.keep_root:
                raise unprivileged.CannotBecome("KEEP_ROOT is set")
            user = unprivileged.find_user([envoy_binary(), *self._files_to_read(settings)])
            # The sticky bit: it makes its sockets beside ours, but can't remove ours.
            unprivileged.let_in(self._sockets, user, 0o1770)
            if settings.metrics_port:
                os.chown(self._sockets / "metrics", user.uid, user.gid)
            unprivileged.let_in(self._logs, user)
            unprivileged.give_file(self._logs / "access.jsonl", user)
            if settings.token_keys is None:
                make_keys(self._data / "token-keys.json")
                unprivileged.give_file(self._data / "token-keys.json", user)
            for folder in written:
                unprivileged.give(folder, user)
            unprivileged.check_reads(user, written)
            return user
        except (unprivileged.CannotBecome, OSError) as error:
            self._progress(f"core processes and Envoy run as root: {error}")
            for folder in written:
                unprivileged.take_back(folder)
            return None

    def _files_to_read(self, settings: Settings) -> list[Path]:
        """Return the files that core processes read and somebody else has made."""
        named = [Path(path) for name in _FILE_VARIABLES if (path := self._given.get(name))]
        return [*named, *filter(None, (settings.token_keys, settings.store_endpoints))]

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
        """Make the tables and the demo, and show the lines of progress. Raises StartError."""
        self._progress("preparing the database")
        log = self._logs / "prepare.log"
        with append(log) as errors:
            process = await asyncio.create_subprocess_exec(
                *self._prepare_command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=in_the_child(),
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
                f"the database could not be prepared:\n{tail(log)}\n(all of it: {log})"
            )

    def _render(self, settings: Settings) -> str:
        front = Front(
            port=settings.port,
            host=settings.host,
            tls_certificate=settings.tls_certificate,
            tls_key=settings.tls_key,
            cors_origins=settings.cors_origins,
            rate_limit=settings.rate_limit,
            rate_limit_per_address=settings.rate_limit_per_address,
            trusted_proxies=settings.trusted_proxies,
        )
        return render(
            front,
            load_contract(SERVICES),
            descriptor=DESCRIPTOR,
            cores=[
                self._sockets / f"core-{number}.sock" for number in range(1, settings.workers + 1)
            ],
            admin=self._sockets / "admin.sock",
            access_log=self._logs / "access.jsonl",
            domain=DOMAIN,
        )

    def _read_front(self, settings: Settings) -> _Front:
        """Return what Envoy would be started with now. Raises StartError."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return _Front(self._render(settings), None, None)
        try:
            certificate, key = settings.tls_certificate.read_text(), settings.tls_key.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(f"TLS_CERTIFICATE, TLS_KEY: {error}", 2) from error
        return _Front(self._render(settings), certificate, key)

    def _envoy_command(self, settings: Settings, front: _Front) -> list[str]:
        """Return the command that starts Envoy with `front`.

        The command reads new copies of the files, because the files that settings name may be
        root's and may change.
        """
        self._fronts += 1
        folder = self._sockets / f"front-{self._fronts}"
        folder.mkdir(mode=0o700)
        files = {"envoy.yaml": front.config}
        if front.certificate is not None and front.key is not None:
            paths = {"tls_certificate": folder / "certificate.pem", "tls_key": folder / "key.pem"}
            files = {
                "envoy.yaml": self._render(settings.model_copy(update=paths)),
                "certificate.pem": front.certificate,
                "key.pem": front.key,
            }
        for name, content in files.items():
            write_private(folder / name, content)
            if self._user is not None:
                unprivileged.give_file(folder / name, self._user)
        if self._user is not None:
            unprivileged.let_in(folder, self._user)
        # One thread passes on about 5,000 calls per second. Core processes need the other CPUs.
        threads = max(1, min(self._settings.workers // 2, 8))
        return [
            str(envoy_binary()),
            *("--config-path", str(folder / "envoy.yaml")),
            *("--concurrency", str(threads)),
            "--disable-hot-restart",
            *("--drain-time-s", "10"),  # the supervisor ends it sooner
            *("--drain-strategy", "immediate"),
            *("--log-level", "warning"),
            *("--file-flush-interval-msec", "1000"),
        ]

    async def _until_ready(self, running: list[asyncio.Task[None]]) -> None:
        """Wait until Envoy serves and counts every core process as healthy."""
        self._progress(f"starting {self._settings.workers} core processes and Envoy")
        deadline = time.monotonic() + _READY_SECONDS
        while not await self._is_ready():
            for task in running:
                if task.done():
                    task.result()  # raises, because no process may die before all were ready once
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {_READY_SECONDS:.0f} s: see {self._logs}")
            await asyncio.sleep(0.05)
        self._up = True

    def _admin(self) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(uds=str(self._sockets / "admin.sock"))
        return httpx.AsyncClient(transport=transport, base_url="http://envoy")

    async def _is_ready(self) -> bool:
        return len(await self._healthy_cores()) == self._settings.workers

    async def _healthy_cores(self) -> set[str]:
        """Return the sockets of the core processes that Envoy calls; none before Envoy serves."""
        try:
            async with self._admin() as client:
                if (await client.get("/ready")).status_code != 200:
                    return set()
                clusters = (await client.get("/clusters", params={"format": "json"})).json()
        except httpx.TransportError:
            return set()
        return {
            host["address"]["pipe"]["path"]
            for cluster in clusters["cluster_statuses"]
            if cluster["name"] == "core"
            for host in cluster.get("host_statuses", [])
            if host["health_status"] == {"eds_health_status": "HEALTHY"}
        }

    def _died(self, child: Child, outcome: str, again: str) -> None:
        if not self._up:
            raise StartError(f"{child.name} {outcome}:\n{tail(child.log)}")
        self._progress(f"{child.name} {outcome}; {again}")

    def restart_soon(self) -> None:
        """Start to replace every core process, one at a time, with unchanged settings."""

        async def restart() -> None:
            try:
                await self.restart({}, lambda _: None)
            except RestartError as error:
                self._progress(f"restart: {error}")

        if self._up:
            self._told_to_restart = asyncio.create_task(restart())
        else:
            self._progress("restart: the service is still starting")

    async def restart(self, changes: Mapping[str, str], tell: Callable[[str], None]) -> None:
        """Replace the core processes one at a time, and then Envoy if its configuration changes.

        Each one is replaced when the one before it serves. `changes` are environment variables,
        which override those of the same name. `tell` gets lines of progress. Raises RestartError:
        with code 2 nothing has changed; with code 1 the processes that were not yet replaced go on
        serving as they are.
        """
        if self._restarting.locked():
            raise RestartError("another restart is under way", 2)
        async with self._restarting:

            def say(line: str) -> None:
                self._progress(line)
                tell(line)

            say("looking at the settings")
            try:
                given = {**self._given, **changes}
                settings = read_settings(given)
                self._check_change(settings)
                front = self._read_front(settings)
                command = None
                if front != self._front:
                    command = await self._new_front(settings, front)
                await self._prepare(self._environment(given))
            except SettingsError as error:
                raise RestartError(str(error), 2) from None
            except StartError as error:
                raise RestartError(str(error), 2) from None
            except OSError as error:
                raise RestartError(f"{error.filename}: {error.strerror}", 2) from None
            if len(self._cores) == 1:
                say("it is the only core process: calls are answered 503 until it is back")
            environment = self._environment(given)
            for core in self._cores:
                say(f"restarting {core.name}")
                await self._replace(core, environment, core.command)
            if command is not None:
                say("restarting Envoy: its configuration has changed")
                async with self._admin() as client:
                    with contextlib.suppress(httpx.TransportError):
                        await client.post("/drain_listeners?graceful&skip_exit")
                        await asyncio.sleep(_DRAIN_SECONDS)
                await self._replace(self._envoy, self._envoy.environment, command)
                self._front = front
            self._settings, self._given = settings, given
            say("every process is new")

    def _check_change(self, settings: Settings) -> None:
        for name in _FIXED:
            if getattr(settings, name) != getattr(self._settings, name):
                text = f"{name.upper()} must stay as it is until the service is stopped and started"
                raise StartError(text, 2)
        _check_token_keys(settings.token_keys_file)
        if self._user is not None:
            try:
                unprivileged.check_reads(self._user, self._files_to_read(settings))
            except unprivileged.CannotBecome as error:
                raise StartError(str(error), 2) from error

    async def _new_front(self, settings: Settings, front: _Front) -> list[str]:
        """Return the command for a new configuration. Raises StartError if Envoy rejects it."""
        command = self._envoy_command(settings, front)
        validation = await asyncio.create_subprocess_exec(
            *command,
            *("--mode", "validate"),
            env=dict(self._envoy.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=in_the_child(self._user.become() if self._user else None),
        )
        _, said = await validation.communicate()
        if validation.returncode:
            last = said.decode(errors="replace").strip().splitlines()[-1:]
            raise StartError("Envoy rejects this configuration: " + "".join(last), 2)
        return command

    async def _replace(
        self, child: Child, environment: Mapping[str, str], command: Sequence[str]
    ) -> None:
        """Replace a process and wait until the new one serves.

        If it does not, restore the old command and environment, and raise RestartError.
        """
        before, deaths = (child.environment, child.command), child.deaths
        child.environment, child.command = environment, command
        seconds = _ENVOY_STOP_SECONDS if child is self._envoy else _CORE_STOP_SECONDS
        await child.replace(seconds)
        deadline = time.monotonic() + _READY_SECONDS
        while not await self._serves(child):
            if self._stop.is_set():
                raise RestartError("the service is being stopped")
            if child.deaths > deaths or time.monotonic() > deadline:
                child.environment, child.command = before
                await child.replace(seconds)
                raise RestartError(
                    f"{child.name} does not come back:\n{tail(child.log, 5)}\n"
                    "It gets its former settings again; processes not yet restarted go on serving."
                )
            await asyncio.sleep(0.05)

    async def _serves(self, child: Child) -> bool:
        if child is self._envoy:
            return await self._is_ready()
        return child.listens() and str(child.socket) in await self._healthy_cores()

    async def _look_after(self, stack: contextlib.AsyncExitStack) -> None:
        if self._settings.database_url is None:
            try:
                if await asyncio.to_thread(self._postgres.ensure_running):
                    self._progress("the database had ended; it runs again")
            except (EmbeddedPostgresError, OSError, subprocess.SubprocessError) as error:
                # Whatever the cause (a full disk, for example): try again in a second.
                self._progress(f"the database: {error}")
        try:
            await asyncio.to_thread(set_aside, self._logs)
        except OSError as error:
            self._progress(f"the logs could not be packed away: {error.strerror}")

    async def _stop_all(self) -> None:
        if self._up:
            with contextlib.suppress(httpx.TransportError):
                async with self._admin() as client:
                    # First tell each client to open a new connection, then close the port.
                    await client.post("/drain_listeners?graceful&skip_exit")
                    await asyncio.sleep(_DRAIN_SECONDS)
                    await client.post("/drain_listeners")
                    await asyncio.sleep(_LAST_CALLS_SECONDS)
        await asyncio.gather(*(core.stop(_CORE_STOP_SECONDS) for core in self._cores))
        await self._envoy.stop(_ENVOY_STOP_SECONDS)

    def _forget_metrics(self, pid: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        metrics = str(self._sockets / "metrics")
        mark_process_dead(pid, path=metrics)  # type: ignore[no-untyped-call]

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


# A fixed threshold above which glibc maps each block by itself. By default it grows, up to 32 MiB,
# with each large block that is freed: uploads and pictures then lie between small blocks, and their
# memory is never given back.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
_PROMPT = "오늘 저녁 카레 땡기는데"


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise StartError(
            f"HOST must be an address of this machine, not {host} ({error})", 2
        ) from error
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
    """Hold the data directory for this supervisor alone, and make it if it does not exist."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_content(path)
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
    """Check the file as if it were a setting; a core process could only show a traceback."""
    try:
        check(path)
    except FileNotFoundError:
        return  # the first core makes it
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else error
        raise StartError(f"TOKEN_KEYS: {path} {problem}", 2) from error


def _check_content(data: Path) -> None:
    for name, is_directory in _CONTENT.items():
        path = data / name
        if path.exists() and path.is_dir() != is_directory:
            kind = "a directory" if is_directory else "a file"
            raise StartError(f"DATA_DIR: {path} is not {kind}: move it away", 2)


@contextlib.contextmanager
def _run_directory(data: Path) -> Iterator[Path]:
    """Make a new private directory for sockets, with a path short enough for them.

    If the path of DATA_DIR is too long, `run` is a link to a directory among the temporary files.
    """
    path = data / "run"
    _remove_run(path)
    if fits_a_socket(path, _LONGEST_SOCKET):
        path.mkdir(mode=0o700)
    else:
        path.symlink_to(make_short_directory(_RUN_PREFIX, _LONGEST_SOCKET))
    try:
        yield path.resolve()
    finally:
        _remove_run(path)


def _remove_run(path: Path) -> None:
    """Remove the run directory, including one that a killed supervisor has left."""
    if path.is_symlink():
        target = Path(os.readlink(path))
        if not target.name.startswith(_RUN_PREFIX):
            raise StartError(f"DATA_DIR: {path} is a link that is not ours: move it away", 2)
        # Somebody else may own that name by now; rmtree does not follow a link there.
        shutil.rmtree(target, ignore_errors=True)
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _serve_metrics(port: int, directory: Path) -> Iterator[None]:
    """Serve the Prometheus metrics of all core processes together, on a loopback port."""
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


async def _every(seconds: float) -> AsyncIterator[None]:
    while True:
        await asyncio.sleep(seconds)
        yield


def _relative(path: Path) -> str:
    """Return the path as a person would type it in the current directory."""
    try:
        return f"{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)
