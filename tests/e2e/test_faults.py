"""A full disk, and logs that can't be written: what was accepted is worked on once it is over."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from dotenv import dotenv_values

from core.run.embedded_postgres import EmbeddedPostgres
from tests.disk import SmallDisk, small_disk
from tests.e2e.up_process import Up, wait_until


class Shop:
    """The demo tenant of a running service: kick-offs, and the books behind them."""

    def __init__(self, up: Up) -> None:
        demo = {
            name: value or "" for name, value in dotenv_values(up.directory / "demo.env").items()
        }
        self._url = f"/v1/chat/{demo['PROFILE_ID']}/recommend"
        self.http = httpx.Client(
            base_url=up.url,
            headers={"Authorization": f"Bearer {demo['SDK_KEY']}"},
            timeout=30,
        )
        self._database = EmbeddedPostgres(up.directory / "postgres")
        self.accepted: set[str] = set()
        self.refused: list[tuple[int, Any]] = []

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.http.close()

    def kick_off(self) -> bool:
        """One kick-off, kept under `accepted` or `refused`."""
        answer = self.http.post(self._url, json={"prompt": "카레"})
        if answer.status_code == 202:
            self.accepted.add(answer.json()["data"]["round_id"])
            return True
        self.refused.append((answer.status_code, answer.json()["error"]["code"]))
        return False

    def healthy(self) -> bool:
        return self.http.get("/healthz").status_code == 200

    def sql(self, query: str) -> Any:
        with psycopg.connect(self._database.conninfo, autocommit=True) as conn:
            cursor = conn.execute(query)
            return cursor.fetchall() if cursor.description else None

    def over(self) -> dict[str, str]:
        """The rounds that are over, and how they ended."""
        with contextlib.suppress(psycopg.OperationalError):
            rows = self.sql("SELECT id::text, status FROM rounds WHERE status <> 'in_progress'")
            return dict(rows)
        return {}

    def check_books(self) -> None:
        """Each round that was accepted is over, and paid for once if it was completed."""
        wait_until(lambda: self.accepted <= self.over().keys(), 90)
        assert self.sql("SELECT count(*) FROM rounds WHERE status = 'in_progress'") == [(0,)]
        completed = list(self.over().values()).count("completed")
        ((balance,),) = self.sql("SELECT sum(credits) FROM tenants")
        ((ledger, grants),) = self.sql(
            "SELECT sum(delta), sum(delta) FILTER (WHERE reason = 'grant') FROM credit_ledger"
        )
        assert balance == ledger == grants - completed
        wait_until(lambda: self.sql("SELECT count(*) FROM procrastinate_jobs") == [(0,)])


@contextlib.contextmanager
def kept_full(disk: SmallDisk) -> Iterator[None]:
    """The disk is full, and whatever is freed is taken at once."""
    ended = threading.Event()

    def fill() -> None:
        while not ended.wait(0.2):
            disk.fill()

    disk.fill()
    filler = threading.Thread(target=fill)
    filler.start()
    try:
        yield
    finally:
        ended.set()
        filler.join()
        disk.free()


def test_a_full_disk(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", 300) as disk,
        Up(disk.path / "data") as up,
        Shop(up.ready()) as shop,
    ):
        reader = threading.Thread(target=up.process.stdout.read, daemon=True)  # type: ignore[union-attr]
        reader.start()
        for _ in range(10):
            assert shop.kick_off()
        with kept_full(disk):
            until = time.monotonic() + 10
            while time.monotonic() < until:
                shop.kick_off()
                time.sleep(0.2)
        wait_until(shop.kick_off, 60)
        # While it was full callers were told to come back.
        assert shop.refused
        assert {status for status, _ in shop.refused} <= {503, 504}, failures(up)
        assert len(shop.accepted) >= 11
        wait_until(shop.healthy)
        for _ in range(10):
            assert shop.kick_off()
        shop.check_books()
        living = (
            "SELECT count(*) >= 2 FROM procrastinate_workers "
            "WHERE last_heartbeat > now() - interval '8 s'"
        )
        wait_until(lambda: shop.sql(living) == [(True,)])
        up.process.terminate()
        assert up.process.wait(30) == 0


def failures(up: Up) -> list[str]:
    """What calls failed of, as the cores wrote it down."""
    logs = (up.directory / "logs").glob("core-*.jsonl")
    lines = [line for log in logs for line in log.read_text().splitlines()]
    return [line[-1000:] for line in lines if "call_failed" in line]


def lines_written(up: Up) -> int:
    return sum(path.stat().st_size for path in (up.directory / "logs").glob("core-*.jsonl"))


def limit_files(cores: list[psutil.Process], size: int) -> None:
    for core in cores:
        resource.prlimit(core.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def unless_refused(limit: Callable[[], None]) -> None:
    try:
        limit()
    except PermissionError:
        pytest.skip("a process' limits can't be set from outside here")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits can't be set from outside")
def test_logs_that_cannot_be_written_while_the_database_is_away(tmp_path: Path) -> None:
    with Up(tmp_path, LOG_LEVEL="debug") as up, Shop(up.ready()) as shop:
        assert shop.kick_off()
        cores = up.processes()["core"]
        unless_refused(lambda: limit_files(cores, 0))
        written = lines_written(up)
        # The queue is away, then the whole database.
        shop.sql("ALTER TABLE procrastinate_jobs RENAME TO gone")
        for _ in range(5):
            assert not shop.kick_off()
            time.sleep(0.5)
        shop.sql("ALTER TABLE gone RENAME TO procrastinate_jobs")
        up.processes()["postgres"][0].kill()
        up.until("the database had ended; it runs again")
        wait_until(shop.kick_off)
        for _ in range(15):
            assert shop.kick_off()
        shop.check_books()
        assert lines_written(up) == written
        assert [core for core in cores if core.is_running()] == cores
        assert shop.healthy()
        limit_files(cores, resource.RLIM_INFINITY)
        for _ in range(10):
            assert shop.kick_off()
        wait_until(lambda: lines_written(up) > written)
        shop.check_books()
        assert up.stop() == 0
        assert os.path.exists(tmp_path / "logs")
