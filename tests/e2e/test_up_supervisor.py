"""`onegenie up`: starting, what it does about deaths, and stopping; with a health-only core."""

import os
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from core.run import embedded_postgres, supervisor
from tests.e2e.envoy_front import free_port
from tests.e2e.up_process import Up, alive, wait_until


def test_starts_serves_and_stops(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        assert any("making the demo" in line for line in up.lines)
        assert httpx.get(up.url + "/healthz").status_code == 200
        running = up.processes()
        assert (len(running["core"]), len(running["envoy"]), len(running["postgres"])) == (2, 1, 1)
        code = up.stop()
    assert code == 0
    assert up.left() == []
    assert not (tmp_path / "run").exists()
    log = (tmp_path / "logs" / "core-1.jsonl").read_text()
    assert "DATABASE_URL=postgresql://" in log
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0


def test_a_deaf_core_does_not_hold_the_stop_up(tmp_path: Path) -> None:
    with Up(tmp_path, small=True, CORE_FAULT="deaf") as up:
        up.ready()
        code = up.stop()
    assert code == 0
    assert up.left() == []


def test_whatever_is_deaf_it_waits_less_than_ten_seconds() -> None:
    """What gives up on the others is added up, not timed: a busy machine takes longer."""
    waits = (
        supervisor._DRAIN_SECONDS,
        supervisor._LAST_CALLS_SECONDS,
        supervisor._CORE_STOP_SECONDS,
        supervisor._ENVOY_STOP_SECONDS,
        embedded_postgres._STOP_SECONDS,
    )
    assert sum(waits) < 10


def test_what_dies_is_started_again(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        core = up.processes()["core"][0]
        core.kill()
        up.until("core-[12] ended with signal SIGKILL; starting it again")
        wait_until(lambda: len(up.processes()["core"]) == 2)
        assert httpx.get(up.url + "/healthz").status_code == 200
        up.processes()["envoy"][0].kill()
        up.until("envoy ended with signal SIGKILL")

        def healthy() -> bool:
            try:
                return httpx.get(up.url + "/healthz").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(healthy)
        up.processes()["postgres"][0].kill()
        up.until("the database had ended; it runs again")


def test_nothing_is_left_when_it_is_killed(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        up.process.kill()
        wait_until(lambda: up.left() == [])
    with Up(tmp_path, small=True) as again:
        again.ready()


def test_it_can_be_stopped_while_it_starts(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.until("starting the database")
        code = up.stop()
        assert code == 0
    pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    wait_until(lambda: not pid_file.exists())


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with Up(tmp_path / "data", small=True, PORT=port) as up:
            line = up.until("onegenie: ")
            assert up.process.wait() == 2
    assert f"PORT: cannot listen on 127.0.0.1:{port} (Address already in use)" in line
    assert not (tmp_path / "data").exists()  # nothing was started


def test_a_data_directory_in_use(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as first:
        first.until("starting the database")
        with Up(tmp_path, small=True) as second:
            line = second.until("onegenie: ")
            assert second.process.wait() == 2
        assert f"in use by another `onegenie up` (process {first.process.pid})" in line
        first.ready()


def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Up(tmp_path / "file" / "data", small=True) as up:
        assert "DATA_DIR: cannot use" in up.until("onegenie: ")
        assert up.process.wait() == 2


@pytest.mark.parametrize("name", ["run", "logs", "pictures", "outbox", "orders", "postgres"])
def test_a_file_in_the_way(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with Up(tmp_path, small=True) as up:
        line = up.until("onegenie: ")
        assert up.process.wait() == 2
    assert f"DATA_DIR: {tmp_path / name} is not a directory: move it away" in line


@pytest.mark.parametrize("name", ["demo.env", "lock", "token-keys.json"])
def test_a_directory_in_the_way(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with Up(tmp_path, small=True) as up:
        line = up.until("onegenie: ")
        assert up.process.wait() == 2
    assert f"DATA_DIR: {tmp_path / name} is not a file: move it away" in line


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs" / "prepare.log").mkdir(parents=True)
    with Up(tmp_path, small=True) as up:
        line = up.until("onegenie: ")
        assert up.process.wait() == 1
    assert line == f"onegenie: {tmp_path / 'logs' / 'prepare.log'}: Is a directory"


def test_a_link_in_the_place_of_sockets_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "kept").touch()
    (tmp_path / "run").symlink_to(tmp_path / "else")
    with Up(tmp_path, small=True) as up:
        assert "run is a link that is not ours" in up.until("onegenie: ")
        assert up.process.wait() == 2
    assert (tmp_path / "else" / "kept").exists()


def test_keys_that_are_none(tmp_path: Path) -> None:
    keys = tmp_path / "token-keys.json"
    keys.write_text("{")
    with Up(tmp_path, small=True) as up:
        assert f"TOKEN_KEYS: {keys} must be a JWK Set" in up.until("onegenie: ")
        assert up.process.wait() == 2
    assert not (tmp_path / "postgres").exists()  # nothing was started


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("WORKERS", "0"), ("RATE_LIMIT", "x")]
)
def test_a_bad_setting(tmp_path: Path, name: str, value: str) -> None:
    with Up(tmp_path, small=True, **{name: value}) as up:
        assert name in up.until("onegenie: ")
        up.until("configuration.md")
        assert up.process.wait() == 2


def test_a_core_that_cannot_start(tmp_path: Path) -> None:
    with Up(tmp_path, small=True, CORE_FAULT="exit") as up:
        up.until("onegenie: core-[12] ended with exit code 1")
        up.until("nothing works")
        assert up.process.wait() == 1
    postgres = tmp_path / "postgres" / "data" / "postmaster.pid"
    assert not postgres.exists()


def test_a_long_data_directory(tmp_path: Path) -> None:
    with Up(tmp_path / ("d" * 70) / ("e" * 70), small=True) as up:
        up.ready()
        assert httpx.get(up.url + "/healthz").status_code == 200


def test_tls(tmp_path: Path) -> None:
    # Made for these tests; good for 127.0.0.1 only.
    certificate, key = (Path(__file__).parent / "tls" / f"{n}.pem" for n in ("certificate", "key"))
    tls = {"TLS_CERTIFICATE": str(certificate), "TLS_KEY": str(key)}
    with Up(tmp_path, small=True, **tls) as up:
        up.ready()
        assert up.url.startswith("https://")
        context = ssl.create_default_context(cafile=certificate)
        assert httpx.get(up.url + "/healthz", verify=context).status_code == 200


def test_metrics(tmp_path: Path) -> None:
    port = free_port()
    with Up(tmp_path, small=True, METRICS_PORT=str(port)) as up:
        up.ready()
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_children_are_not_in_the_terminals_group(tmp_path: Path) -> None:
    """Ctrl-C reaches only the supervisor, which stops the others in order."""
    with Up(tmp_path, small=True) as up:
        up.ready()
        for processes in up.processes().values():
            for process in processes:
                assert alive(process)
                assert os.getpgid(process.pid) != os.getpgid(up.process.pid)
