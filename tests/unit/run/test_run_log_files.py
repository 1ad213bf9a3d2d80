"""Log files are packed away by size, kept by age, and never fill the disk."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from core.run import log_files
from core.run.log_files import set_aside


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "PIECE_BYTES", 1000)


def test_a_large_log_is_packed_away_and_goes_on(tmp_path: Path) -> None:
    log, other = tmp_path / "access.jsonl", tmp_path / "envoy.log"
    other.write_text("few")
    writer = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(3):
        os.write(writer, f"{number}\n".encode() * 600)
        set_aside(tmp_path)
        assert log.stat().st_size == 0
    os.close(writer)
    pieces = sorted(tmp_path.glob("access.jsonl.*.gz"))
    assert [gzip.decompress(piece.read_bytes())[:1] for piece in pieces] == [b"0", b"1", b"2"]
    assert {piece.stat().st_mode & 0o777 for piece in pieces} == {0o600}
    assert other.read_text() == "few"


def test_what_many_requests_wrote_takes_out_nothing(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    log.write_text("the trace\n" * 200)
    set_aside(tmp_path)
    for _ in range(50):
        log.write_text("noise\n" * 200)
        set_aside(tmp_path)
    (oldest, *others) = sorted(tmp_path.glob("*.gz"))
    assert gzip.decompress(oldest.read_bytes()).startswith(b"the trace")
    assert len(others) == 50


def test_pieces_go_by_age_and_by_what_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.log.1.gz", "a.log.2.gz", "a.log.3.gz", "b.log.1.gz"):
        (tmp_path / name).write_bytes(b"x" * 100)
    old = time.time() - log_files.KEPT_SECONDS - 10
    os.utime(tmp_path / "b.log.1.gz", (old, old))
    monkeypatch.setattr(log_files, "KEPT_BYTES", 250)
    set_aside(tmp_path)
    assert sorted(piece.name for piece in tmp_path.iterdir()) == ["a.log.2.gz", "a.log.3.gz"]


def test_what_cannot_be_packed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "access.jsonl"
    log.write_text("line\n" * 600)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_files.shutil, "copyfileobj", full)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="No space"):
        set_aside(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["access.jsonl"]
    assert log.stat().st_size == 3000
