"""What is kept in files while the disk is full: whole or not at all, and never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.platform.clock import utc_now
from core.room.accounts.sms import OutboxSms, SmsUnavailable
from core.room.media.objects import ObjectsUnavailable, open_objects
from tests.disk import SmallDisk, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 2) as mounted:
        yield mounted


async def test_a_message_is_whole_or_tried_again(disk: SmallDisk) -> None:
    outbox = disk.path / "outbox" / "sms.jsonl"
    sms = OutboxSms(outbox, utc_now)
    # Until the line's page is full: the last of these was written in part.
    await sms.send("+821012345678", "first")
    disk.fill()
    sent = 1
    refused = None
    while refused is None:
        try:
            await sms.send("+821012345678", "x" * 100)
            sent += 1
        except SmsUnavailable as error:
            refused = error
    assert str(refused) == "outbox: No space left on device"
    assert len(outbox.read_text().splitlines()) == sent
    disk.free()
    await sms.send("+821012345678", "last")
    texts = [json.loads(line)["text"] for line in outbox.read_text().splitlines()]
    assert len(texts) == sent + 1
    assert texts[-1] == "last"


async def test_a_picture_is_whole_or_not_kept(disk: SmallDisk) -> None:
    folder = disk.path / "pictures"
    objects = open_objects(None, folder)
    await objects.put("a/picture", b"a" * 1000)
    disk.fill()
    for size in (1, 10_000, 1_000_000):
        with pytest.raises(ObjectsUnavailable):
            await objects.put(f"b{size}/picture", b"b" * size)
        with pytest.raises(ObjectsUnavailable):
            await objects.put("a/picture", b"c" * size)
    assert await objects.get("a/picture") == b"a" * 1000
    left = [path for path in folder.rglob("*") if path.is_file()]
    assert [path.relative_to(folder) for path in left] == [Path("a/picture")]
    disk.free()
    await objects.put("b/picture", b"b" * 1000)
    assert await objects.get("b/picture") == b"b" * 1000


# Counts while there is room, while there is none, and again; values beyond one file's first pages
# and a kind of metric that has no file yet among them.
_COUNTS = """
import sys
from core.platform import telemetry
from tests.disk import SmallDisk
from pathlib import Path
disk = SmallDisk(Path(sys.argv[1]))
if sys.argv[2] == "full":
    disk.fill()
telemetry.LINES_LOST.inc()
telemetry.CALLS.labels("m", "rest", "OK").inc()
disk.fill()
for number in range(2000):
    telemetry.CALLS.labels(f"full {number}" + "x" * 100, "rest", "OK").inc()
telemetry.STREAMS.labels("m").inc()
telemetry.SECONDS.labels("m", "rest").observe(0.1)
telemetry.LINES_LOST.inc()
disk.free()
telemetry.LINES_LOST.inc()
for number in range(2000):
    telemetry.CALLS.labels(f"free {number}" + "x" * 100, "rest", "OK").inc()
"""
_COLLECTS = """
import sys
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry, path=sys.argv[1])
print(generate_latest(registry).decode())
"""


@pytest.mark.parametrize("at_the_start", ["full", "free"])
def test_counting_ends_no_process(disk: SmallDisk, at_the_start: str) -> None:
    directory = disk.path / "metrics"
    directory.mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    arguments = [sys.executable, "-c", _COUNTS, str(disk.path), at_the_start]
    counted = subprocess.run(arguments, env=environment, capture_output=True, check=False)
    assert (counted.returncode, counted.stderr) == (0, b"")
    arguments = [sys.executable, "-c", _COLLECTS, str(directory)]
    collected = subprocess.run(arguments, env=environment, capture_output=True, check=True)
    if at_the_start == "free":
        assert b"onegenie_log_lines_lost_total 3.0" in collected.stdout
        assert collected.stdout.count(b'method="free ') == 2000
