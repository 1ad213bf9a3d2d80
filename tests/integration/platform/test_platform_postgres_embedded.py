"""The embedded Postgres: starting, sharing, and what is left behind by crashes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from core.platform.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError


def one(pg: EmbeddedPostgres, query: str):
    with psycopg.connect(pg.conninfo, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def gone(pid: int, seconds: float = 15) -> bool:
    """The process ends within the time (a zombie has ended)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_starts_keeps_data_and_stops(tmp_path: Path):
    with EmbeddedPostgres(tmp_path / "pg", database="shop") as pg:
        first = pg.pid
        assert first is not None
        assert one(pg, "select current_database()") == "shop"
        assert one(pg, "show max_connections") == "200"
        assert one(pg, "show fsync") == "on"
        one(pg, "create table t as select '오이' as name")
    assert gone(first)
    with EmbeddedPostgres(tmp_path / "pg", database="shop") as pg:
        assert pg.pid != first
        assert one(pg, "select name from t") == "오이"


def test_its_log_has_no_values_of_rows(tmp_path: Path):
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        one(pg, "create table t (email text default 'someone@example.com' unique)")
        one(pg, "insert into t default values")
        with pytest.raises(psycopg.errors.UniqueViolation):
            one(pg, "insert into t default values")
    log = (tmp_path / "pg" / "log").read_text()
    assert "duplicate key" in log
    assert "someone@example.com" not in log


def test_url_is_for_sqlalchemy(tmp_path: Path):
    from sqlalchemy import create_engine, text

    with EmbeddedPostgres(tmp_path / "a dir", database="shop", durable=False) as pg:
        engine = create_engine(pg.url)
        with engine.connect() as connection:
            assert connection.execute(text("show fsync")).scalar() == "off"
            assert connection.execute(text("select current_database()")).scalar() == "shop"
        engine.dispose()


def test_no_network_port(tmp_path: Path):
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        assert one(pg, "show listen_addresses") == ""


def test_two_users_share_one_server(tmp_path: Path):
    first = EmbeddedPostgres(tmp_path / "pg", durable=False)
    second = EmbeddedPostgres(tmp_path / "pg", durable=False)
    with first:
        pid = first.pid
        second.start()
        assert second.pid == pid
    assert one(second, "select 1") == 1
    second.stop()
    assert pid is not None
    assert gone(pid)


def test_a_killed_user_process_leaves_no_server_behind(tmp_path: Path):
    program = (
        "import sys, time; from core.platform.embedded_postgres import EmbeddedPostgres\n"
        "pg = EmbeddedPostgres(sys.argv[1], durable=False); pg.start()\n"
        "print(pg.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pg")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        pid = int(user.stdout.readline())
        with EmbeddedPostgres(tmp_path / "pg", durable=False) as other:
            user.kill()
            user.wait()
            assert other.pid == pid
            assert one(other, "select 1") == 1
            other._release()  # as if this process had been killed too
            assert gone(pid)


def test_starts_again_after_kill_9(tmp_path: Path):
    with EmbeddedPostgres(tmp_path / "pg") as pg:
        one(pg, "create table t as select 7 as n")
        killed = pg.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert gone(killed)
        assert pg.pid is None
        assert pg.ensure_running() is True
        assert pg.ensure_running() is False
        assert pg.pid != killed
        assert one(pg, "select n from t") == 7


def test_a_pid_file_that_names_a_stranger_is_dropped(tmp_path: Path):
    with EmbeddedPostgres(tmp_path / "pg") as pg:
        data = pg.directory / "data"
        lines = (data / "postmaster.pid").read_text().splitlines()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with EmbeddedPostgres(tmp_path / "pg") as pg:
            assert pg.pid not in (None, stranger.pid)
            assert one(pg, "select 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def test_a_long_path_gets_a_short_socket(tmp_path: Path):
    directory = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(directory, durable=False) as pg:
        sockets = pg.socket_directory
        assert len(str(sockets)) < 100
        assert one(pg, "select 1") == 1
    assert not sockets.exists()


def test_an_interrupted_first_start_is_repeated(tmp_path: Path):
    half = tmp_path / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        assert one(pg, "select 1") == 1


def test_data_of_another_version_is_refused(tmp_path: Path):
    (tmp_path / "pg" / "data").mkdir(parents=True)
    (tmp_path / "pg" / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedPostgresError, match=r"version 9\.6"):
        EmbeddedPostgres(tmp_path / "pg").start()
