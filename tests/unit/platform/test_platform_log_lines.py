"""Lines that can't be written are lost, counted, and fail nobody."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from core.platform.log_lines import LogLines
from core.platform.telemetry import LINES_LOST, configure_logging, render


class Losses:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_lines_are_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as file:
        lines = LogLines(file)
        lines.write("한 줄\n")
        lines.flush()
        assert (tmp_path / "log").read_text() == "한 줄\n"


def full_disk(tmp_path: Path) -> Any:
    return open("/dev/full", "w")


def nobody_reads(tmp_path: Path) -> Any:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def closed_below(tmp_path: Path) -> Any:
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    stream = os.fdopen(descriptor, "w", closefd=False)
    os.close(descriptor)
    return stream


_readers: list[int] = []


def nobody_empties(tmp_path: Path) -> Any:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    _readers.append(reader)
    return os.fdopen(writer, "w")


@pytest.mark.parametrize("broken", [full_disk, nobody_reads, closed_below, nobody_empties])
def test_a_stream_that_takes_nothing(broken: Callable[[Path], Any], tmp_path: Path) -> None:
    if broken is full_disk and not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    losses = Losses()
    stream = broken(tmp_path)
    lines = LogLines(stream, losses)
    assert lines.write("line\n") == 5
    lines.write("line\n")
    assert losses.count == 2
    with contextlib.suppress(OSError):
        stream.close()


def test_no_stream_at_all() -> None:
    losses = Losses()
    LogLines(None, losses).write("line\n")
    assert losses.count == 1


def test_a_line_that_was_torn_is_ended_when_there_is_room_again(tmp_path: Path) -> None:
    losses = Losses()
    path = tmp_path / "log"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with path.open("a") as file:
        lines = LogLines(file, losses)
        lines.write("whole\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))
        try:
            lines.write("half is written\n")
            lines.write("nothing\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            signal.signal(signal.SIGXFSZ, handled)
        lines.write("again\n")
        lines.write("and again\n")
    assert path.read_text().splitlines() == ["whole", "half", "again", "and again"]
    assert losses.count == 2


def test_half_a_character_is_written_as_an_escape(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as file:
        LogLines(file).write(str(render(None, "info", {"event": "a\udc80"})) + "\n")
    assert json.loads((tmp_path / "log").read_text())["event"] == "a\udc80"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("value", [Unprintable(), {(1, 2): 3}])
def test_a_line_that_cannot_be_made(value: object) -> None:
    before = LINES_LOST._value.get()
    line = json.loads(render(None, "warning", {"event": "x", "value": value}))
    assert (line["event"], line["level"]) == ("log_line_lost", "warning")
    assert LINES_LOST._value.get() == before + 1


def test_a_circle_is_no_reason_to_raise() -> None:
    circle: list[object] = []
    circle.append(circle)
    render(None, "info", {"event": "x", "value": circle})


# Logs by both ways while nothing can be written, then again while it can.
_LOGS = """
import logging, os, resource, sys, structlog
from core.platform.telemetry import LINES_LOST, configure_logging
configure_logging("info")
log = structlog.get_logger("x")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
log.info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
try:
    1 / 0
except ZeroDivisionError:
    log.exception("unwritten")
    logging.getLogger("library").exception("unwritten")
logging.getLogger("library").warning("%s %s", "too few arguments")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
log.info("after", lost=LINES_LOST._value.get())
logging.getLogger("library").warning("after too")
"""


def test_a_process_whose_log_cannot_be_written_for_a_while(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as log, (tmp_path / "errors").open("a") as errors:
        code = subprocess.run(
            [sys.executable, "-c", _LOGS], stdout=log, stderr=errors, check=False
        ).returncode
    assert ((tmp_path / "errors").read_text(), code) == ("", 0)
    lines = (tmp_path / "log").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert [event["event"] for event in events] == ["before", "after", "after too"]
    assert events[1]["lost"] == 3


@pytest.fixture
def restored_logging() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_logging_without_a_standard_output(
    monkeypatch: pytest.MonkeyPatch, restored_logging: None
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    configure_logging("info")
    structlog.get_logger("y").info("nobody hears it")
    logging.getLogger("library").error("nor this")
