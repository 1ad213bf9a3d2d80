"""A real Envoy with the rendered configuration, before echo cores or a server of a test's own."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from edge.contract.model import Contract
from edge.envoy import config as envoy_config
from tests import edge_app
from tests.e2e import echo_contract


@dataclass
class Front:
    """A running front; `cores` may be killed."""

    port: int
    directory: Path
    envoy: subprocess.Popen[bytes]
    scheme: str = "http"
    cores: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def access_log(self) -> str:
        return (self.directory / "access.jsonl").read_text()


def free_port() -> int:
    """A port that stays free until the process it is meant for listens on it.

    The kernel gives none of these to anyone who asks for any, nor to connections, and each
    process of a test run has a thousand of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 12_000 + 1000 * (worker % 20)
    for port in random.sample(range(first, first + 1000), 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


@contextmanager
def front(cores: int = 1, **options: Any) -> Iterator[Front]:
    """Envoy before that many echo cores, all of them stopped at the end."""
    # Short, because Unix socket paths are: pytest's own directories are not always.
    with tempfile.TemporaryDirectory(prefix="og-") as name:
        directory = Path(name)
        descriptor = directory / "rest.pb"
        descriptor.write_bytes(echo_contract.rest_descriptors())
        sockets = [directory / f"core{number}.sock" for number in range(max(cores, 1))]
        options = {"cors_origins": ("*",)} | options
        with _envoy(
            directory, echo_contract.contract(), descriptor, sockets, domain="test", **options
        ) as running:
            try:
                for path in sockets[:cores]:
                    program = Path(__file__).with_name("echo_core.py")
                    command = [sys.executable, str(program), str(descriptor), str(path)]
                    running.cores.append(subprocess.Popen(command))
                _wait(running, 200 if cores else 503)
                yield running
            finally:
                for process in running.cores:
                    process.kill()
                    process.wait()


@asynccontextmanager
async def front_of_app(
    core: Path, contract: Contract, domain: str, **options: Any
) -> AsyncIterator[Front]:
    """Envoy before a server of tests/protos that this process serves at the socket `core`."""
    descriptor = edge_app.stubs() / "envoy" / "rest.pb"
    with _envoy(core.parent, contract, descriptor, [core], domain=domain, **options) as running:
        await asyncio.to_thread(_wait, running, 200)
        yield running


@contextmanager
def _envoy(
    directory: Path,
    contract: Contract,
    descriptor: Path,
    cores: Sequence[Path],
    *,
    domain: str,
    **options: Any,
) -> Iterator[Front]:
    """Envoy while the block runs, with its files in the directory."""
    given: dict[str, Any] = {"port": free_port()} | options
    settings = envoy_config.Front(**given)
    config = directory / "envoy.yaml"
    config.write_text(
        envoy_config.render(
            settings,
            contract,
            descriptor=descriptor,
            cores=cores,
            admin=directory / "admin.sock",
            access_log=directory / "access.jsonl",
            domain=domain,
        )
    )
    envoy = subprocess.Popen(
        [
            str(envoy_config.envoy_binary()), "-c", str(config), "--disable-hot-restart",
            "--concurrency", "1", "--log-level", "warning",
            "--log-path", str(directory / "envoy.log"), "--file-flush-interval-msec", "100",
        ]
    )  # fmt: skip
    try:
        yield Front(settings.port, directory, envoy, "https" if settings.tls_key else "http")
    finally:
        envoy.kill()
        envoy.wait()


def _wait(running: Front, status: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert running.envoy.poll() is None, (running.directory / "envoy.log").read_text()
        try:
            if httpx.get(running.url + "/healthz", verify=False).status_code == status:
                break
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the front is not ready"
        time.sleep(0.05)
    if len(running.cores) > 1:
        wait_for_hosts(running, len(running.cores))


def wait_for_hosts(running: Front, count: int) -> None:
    """Wait until Envoy counts that many healthy cores."""
    transport = httpx.HTTPTransport(uds=str(running.directory / "admin.sock"))
    deadline = time.monotonic() + 30
    with httpx.Client(transport=transport, base_url="http://admin") as admin:
        while True:
            text = admin.get("/stats?filter=cluster.core.membership_healthy").text
            if text.strip().endswith(f": {count}"):
                return
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
