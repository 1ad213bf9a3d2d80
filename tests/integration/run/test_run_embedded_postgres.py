"""The embedded Postgres: starting, sharing, and what is left behind by crashes."""

import hashlib
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from core.run import embedded_postgres
from core.run.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError


def one(pg: EmbeddedPostgres, query: str) -> Any:
    with psycopg.connect(pg.conninfo, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]


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


def test_starts_keeps_data_and_stops(tmp_path: Path) -> None:
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


def test_its_log_has_no_values_of_rows(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        one(pg, "create table t (email text default 'someone@example.com' unique)")
        one(pg, "insert into t default values")
        with pytest.raises(psycopg.errors.UniqueViolation):
            one(pg, "insert into t default values")
    log = (tmp_path / "pg" / "log").read_text()
    assert "duplicate key" in log
    assert "someone@example.com" not in log


def test_url_is_for_sqlalchemy(tmp_path: Path) -> None:
    from sqlalchemy import create_engine, text

    with EmbeddedPostgres(tmp_path / "a dir", database="shop", durable=False) as pg:
        engine = create_engine(pg.url)
        with engine.connect() as connection:
            assert connection.execute(text("show fsync")).scalar() == "off"
            assert connection.execute(text("select current_database()")).scalar() == "shop"
        engine.dispose()


def test_no_network_port(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        assert one(pg, "show listen_addresses") == ""


def test_two_users_share_one_server(tmp_path: Path) -> None:
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


def test_a_killed_user_process_leaves_no_server_behind(tmp_path: Path) -> None:
    program = (
        "import sys, time; from core.run.embedded_postgres import EmbeddedPostgres\n"
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


def test_starts_again_after_kill_9(tmp_path: Path) -> None:
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


def test_a_pid_file_that_names_a_stranger_is_dropped(tmp_path: Path) -> None:
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


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(directory, durable=False) as pg:
        sockets = pg.socket_directory
        assert len(str(sockets)) < 100
        assert one(pg, "select 1") == 1
    assert not sockets.exists()


def long(tmp_path: Path) -> Path:
    return tmp_path / ("d" * 60) / ("e" * 60)


def guessed(directory: Path) -> Path:
    """Where a release before this one put the socket: known to everybody beforehand."""
    digest = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"onegenie-pg-{digest}"


def kept(directory: Path) -> Path:
    return directory / "socket-directory"


def keep(directory: Path, sockets: Path) -> None:
    """As an earlier start would have left it."""
    directory.mkdir(mode=0o700, parents=True)
    kept(directory).write_text(str(sockets))


def is_served_safely(directory: Path, planted: Path) -> None:
    """Its socket is not where somebody else put a directory, which stays as it was."""
    before = planted.lstat()
    with EmbeddedPostgres(directory, durable=False) as pg:
        sockets = pg.socket_directory
        assert sockets != planted
        assert sockets.stat().st_mode & 0o077 == 0
        assert stat.S_IMODE(kept(directory).stat().st_mode) == 0o600
        assert one(pg, "select 1") == 1
    after = planted.lstat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)


def test_a_directory_of_the_guessed_name_is_not_used(tmp_path: Path) -> None:
    planted = guessed(long(tmp_path))
    planted.mkdir(mode=0o777)
    planted.chmod(0o777)
    try:
        is_served_safely(long(tmp_path), planted)
    finally:
        planted.rmdir()


def test_a_kept_directory_that_others_may_enter_is_not_used_again(tmp_path: Path) -> None:
    planted = tmp_path / "open"
    planted.mkdir()
    for mode in (0o777, 0o755, 0o710):
        planted.chmod(mode)
        keep(long(tmp_path / str(mode)), planted)
        is_served_safely(long(tmp_path / str(mode)), planted)


def test_a_kept_directory_that_is_a_link_is_not_used_again(tmp_path: Path) -> None:
    """A link, say, to a directory that root would have given away."""
    (tmp_path / "target").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    before = (tmp_path / "target").stat()
    keep(long(tmp_path), tmp_path / "link")
    is_served_safely(long(tmp_path), tmp_path / "link")
    assert (tmp_path / "target").stat().st_uid == before.st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
@pytest.mark.parametrize("mode", [0o777, 0o700])
def test_a_directory_of_somebody_else_is_not_used_again(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(0o755)
    planted = Path(tempfile.mkdtemp(prefix="onegenie-pg-"))
    nobody = pwd.getpwnam("nobody")
    try:
        planted.chmod(mode)
        os.chown(planted, nobody.pw_uid, nobody.pw_gid)
        keep(long(tmp_path), planted)
        is_served_safely(long(tmp_path), planted)
    finally:
        planted.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_somebody_else_does_not_get_to_the_socket(tmp_path: Path) -> None:
    with EmbeddedPostgres(long(tmp_path), durable=False) as pg:
        tried = subprocess.run(
            ["ls", str(pg.socket_directory)], user="nobody", extra_groups=[], capture_output=True
        )
        assert tried.returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_a_server_directory_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    (tmp_path / "pg").mkdir(mode=0o777)
    os.chown(tmp_path / "pg", nobody.pw_uid, nobody.pw_gid)
    with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
        EmbeddedPostgres(tmp_path / "pg").start()
    assert (tmp_path / "pg").stat().st_uid == nobody.pw_uid


def test_a_server_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg").chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="others may write to"):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_the_socket_of_a_killed_server_is_found_again(tmp_path: Path) -> None:
    with EmbeddedPostgres(long(tmp_path), durable=False) as pg:
        first = pg.socket_directory
        crash(pg)
        assert pg.ensure_running()
        assert pg.socket_directory == first
        # Another process, that has only the directory: a command beside the service.
        assert one(EmbeddedPostgres(long(tmp_path)), "select 1") == 1
    assert not first.exists()


def test_a_temporary_directory_with_a_long_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ("t" * 90)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("t" * 90)))
    with EmbeddedPostgres(long(tmp_path), durable=False) as pg:
        assert one(pg, "select 1") == 1


def crash(pg: EmbeddedPostgres) -> None:
    pid = pg.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)


def keepers(directory: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(directory) in (process.info["cmdline"] or []) and "-I" in process.info["cmdline"]
    ]


def test_one_keeper_however_often_the_server_dies(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        for _ in range(3):
            crash(pg)
            assert pg.ensure_running()
        (keeper,) = keepers(tmp_path / "pg")
        keeper.kill()  # the next server gets a new one
        keeper.wait(10)
        crash(pg)
        assert pg.ensure_running()
        assert len(keepers(tmp_path / "pg")) == 1
        pid = pg.pid
        assert pid is not None
        pg._release()  # as if this process had been killed
        assert gone(pid)


def test_a_server_that_dies_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a dead one: not even the first connection is tried for long."""
    launch = EmbeddedPostgres._launch
    launched: list[int | None] = []

    def launch_and_kill_twice(self: EmbeddedPostgres, deadline: float) -> None:
        launch(self, deadline)
        launched.append(self.pid)
        if len(launched) <= 2:
            crash(self)

    monkeypatch.setattr(EmbeddedPostgres, "_launch", launch_and_kill_twice)
    with EmbeddedPostgres(tmp_path / "pg") as pg:
        assert len(launched) == 3
        assert one(pg, "select 1") == 1


def test_a_server_that_ends_each_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = EmbeddedPostgres._launch

    def launch_and_kill(self: EmbeddedPostgres, deadline: float) -> None:
        launch(self, deadline)
        crash(self)

    monkeypatch.setattr(EmbeddedPostgres, "_launch", launch_and_kill)
    monkeypatch.setattr(embedded_postgres, "_START_SECONDS", 0.0)
    with pytest.raises(EmbeddedPostgresError, match="ends as soon as it has started"):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_an_interrupted_first_start_is_repeated(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path / "pg", durable=False) as pg:
        assert one(pg, "select 1") == 1


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pg" / "data").mkdir(parents=True)
    (tmp_path / "pg" / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedPostgresError, match=r"version 9\.6"):
        EmbeddedPostgres(tmp_path / "pg").start()
