"""A real Envoy with the rendered configuration, before echo cores."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from edge.envoy import config as envoy_config
from tests.e2e import echo_contract


@dataclass
class Front:
    """A running front; `cores` may be killed."""

    port: int
    directory: Path
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
    given: dict[str, Any] = {"port": free_port(), "cors_origins": ("*",)} | options
    settings = envoy_config.Front(**given)
    # Short, because Unix socket paths are: pytest's own directories are not always.
    with tempfile.TemporaryDirectory(prefix="og-") as name:
        directory = Path(name)
        descriptor = directory / "rest.pb"
        descriptor.write_bytes(echo_contract.rest_descriptors())
        sockets = [directory / f"core{number}.sock" for number in range(max(cores, 1))]
        config = directory / "envoy.yaml"
        config.write_text(
            envoy_config.render(
                settings,
                echo_contract.contract(),
                descriptor=descriptor,
                cores=sockets,
                admin=directory / "admin.sock",
                access_log=directory / "access.jsonl",
                domain="test",
            )
        )
        running = Front(settings.port, directory, "https" if settings.tls_key else "http")
        envoy = subprocess.Popen(
            [
                str(envoy_config.envoy_binary()), "-c", str(config), "--disable-hot-restart",
                "--concurrency", "1", "--log-level", "warning",
                "--log-path", str(directory / "envoy.log"), "--file-flush-interval-msec", "100",
            ]
        )  # fmt: skip
        try:
            for path in sockets[:cores]:
                program = Path(__file__).with_name("echo_core.py")
                command = [sys.executable, str(program), str(descriptor), str(path)]
                running.cores.append(subprocess.Popen(command))
            _wait(running, envoy, 200 if cores else 503)
            yield running
        finally:
            for process in (envoy, *running.cores):
                process.kill()
                process.wait()


def _wait(running: Front, envoy: subprocess.Popen[bytes], status: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert envoy.poll() is None, (running.directory / "envoy.log").read_text()
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
