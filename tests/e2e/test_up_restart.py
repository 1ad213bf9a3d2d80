"""`onegenie restart`: new processes and settings while calls go on."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.e2e.room import sign_up
from tests.e2e.test_up_run import read_demo
from tests.e2e.up_process import ROOT, WITH_HEALTH_CORE, Up, wait_until

ONEGENIE = Path(sys.prefix) / "bin" / "onegenie"


def restart(directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PORT", "WORKERS")}
    return subprocess.run(
        [ONEGENIE, "restart"],
        cwd=ROOT,
        env=environment | {"DATA_DIR": str(directory)} | settings,
        capture_output=True,
        text=True,
        timeout=200,
    )


def pids(up: Up, kind: str) -> set[int]:
    return {process.pid for process in up.processes()[kind]}


async def minutes_of_a_token(up: Up) -> float:
    """How long an access token works that somebody gets now."""
    async with httpx.AsyncClient(base_url=up.url) as http:
        account = await sign_up(http, up.directory / "outbox" / "sms.jsonl")
    payload = account.access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return (claims["exp"] - time.time()) / 60


async def test_no_call_is_lost_and_a_setting_is_another(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        up.ready()
        demo = read_demo(tmp_path)
        key = {"Authorization": f"Bearer {demo['SDK_KEY']}"}
        url = f"{up.url}/v1/chat/{demo['PROFILE_ID']}/recommend"
        cores, envoy = pids(up, "core"), pids(up, "envoy")
        statuses: list[int] = []
        done = asyncio.Event()

        async def keep_reading(client: httpx.AsyncClient) -> None:
            while not done.is_set() and len(statuses) < 10_000:
                statuses.append((await client.get(url)).status_code)
                await asyncio.sleep(0.05)

        async with httpx.AsyncClient(headers=key, timeout=30) as client:
            readers = [asyncio.create_task(keep_reading(client)) for _ in range(3)]
            while len(statuses) < 20:
                await asyncio.sleep(0.01)
            before = len(statuses)
            ended = await asyncio.to_thread(restart, tmp_path, ACCESS_TOKEN_MINUTES="1000")
            done.set()
            await asyncio.gather(*readers)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.splitlines()[-1] == "every process is new"
        assert len(statuses) > before
        assert set(statuses) == {200}
        assert len(pids(up, "core")) == 2
        assert not pids(up, "core") & cores
        assert pids(up, "envoy") == envoy  # nothing of it has changed
        assert await minutes_of_a_token(up) > 500


def test_envoy_is_restarted_when_its_configuration_is_another(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        envoy = pids(up, "envoy")
        ended = restart(tmp_path, CORS_ORIGINS="https://shop.example")
        assert ended.returncode == 0, ended.stderr
        assert pids(up, "envoy") != envoy
        origin = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        allowed = httpx.options(up.url + "/v1/x", headers=origin)
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
        # Of the next one all settings but those it names stay.
        assert restart(tmp_path, LOG_LEVEL="debug").returncode == 0
        (core, _) = up.processes()["core"]
        assert core.environ()["LOG_LEVEL"] == "debug"
        assert core.environ()["CORS_ORIGINS"] == "https://shop.example"
        # An empty one is unset.
        assert restart(tmp_path, LOG_LEVEL="").returncode == 0
        assert not up.processes()["core"][0].environ().get("LOG_LEVEL")


def test_what_cannot_be_changes_nothing(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        before = pids(up, "core") | pids(up, "envoy")
        wrong = {
            "RATE_LIMIT": ("many", "RATE_LIMIT must be a whole number (it is 'many')"),
            "WORKERS": ("3", "WORKERS must stay as it is"),
            "PORT": ("1", "PORT must stay as it is"),
            "DATABASE_URL": ("postgresql://x/y", "DATABASE_URL must stay as it is"),
            "TLS_KEY": (
                str(tmp_path / "lock"),
                "TLS_CERTIFICATE and TLS_KEY must both be set, or neither",
            ),
            "TOKEN_KEYS": (str(tmp_path / "lock"), "TOKEN_KEYS must be a JWK Set"),
        }
        for name, (value, said) in wrong.items():
            ended = restart(tmp_path, **{name: value})
            assert ended.returncode == 2
            assert f"onegenie: {said}" in ended.stderr
        no_pem = {"TLS_KEY": str(tmp_path / "lock"), "TLS_CERTIFICATE": str(tmp_path / "lock")}
        ended = restart(tmp_path, **no_pem)
        assert ended.returncode == 2
        assert "Envoy rejects this configuration" in ended.stderr
        assert pids(up, "core") | pids(up, "envoy") == before


def test_one_that_does_not_come_back_stops_it(tmp_path: Path) -> None:
    """The others are as they were, and it gets its former settings again."""
    with Up(tmp_path, small=True) as up:
        up.ready()
        before = pids(up, "core")
        ended = restart(tmp_path, OPENAI_MODEL="health-core-exits")
        assert ended.returncode == 1
        assert "onegenie: core-1 does not come back:" in ended.stderr
        assert "nothing works" in ended.stderr
        wait_until(lambda: len(pids(up, "core")) == 2)
        assert len(pids(up, "core") & before) == 1
        assert httpx.get(up.url + "/healthz").status_code == 200
        assert restart(tmp_path).returncode == 0  # with settings that work it goes on


def test_a_hang_up_restarts(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        cores = pids(up, "core")
        up.process.send_signal(signal.SIGHUP)
        up.until("every process is new")
        assert not pids(up, "core") & cores
        assert up.stop() == 0


# A terminal of its own, which SIGUSR1 closes.
IN_A_TERMINAL = """
import fcntl, os, pty, signal, termios
window, terminal = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGUSR1, lambda *_: os.close(window))
"""


def test_closing_its_terminal_stops_it(tmp_path: Path) -> None:
    program = [sys.executable, "-c", IN_A_TERMINAL + WITH_HEALTH_CORE]
    with Up(tmp_path, program=program) as up:
        up.ready()
        cores = pids(up, "core")
        up.process.send_signal(signal.SIGHUP)  # it has a terminal, still
        up.until("every process is new")
        assert not pids(up, "core") & cores
        assert up.stop(signal.SIGUSR1) == 0
    assert up.left() == []


def test_it_can_be_stopped_while_it_restarts(tmp_path: Path) -> None:
    with Up(tmp_path, small=True) as up:
        up.ready()
        up.process.send_signal(signal.SIGHUP)
        up.until("restarting core-1")
        assert up.stop() == 0
    assert up.left() == []


def test_nothing_to_restart(tmp_path: Path) -> None:
    ended = restart(tmp_path / "none")
    assert ended.returncode == 1
    assert "nothing is up there" in ended.stderr


def test_a_long_data_directory(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 70) / ("e" * 70)
    with Up(directory, small=True) as up:
        up.ready()
        run = (directory / "run").resolve()
        assert restart(directory).returncode == 0
        up.process.kill()
        wait_until(lambda: up.left() == [])
        assert run.exists()
    with Up(directory, small=True) as up:
        up.ready()
        assert not run.exists()  # what a killed one had left among the temporary files
        assert (directory / "run").resolve() != run
        up.stop()
    assert not (directory / "run").is_symlink()
