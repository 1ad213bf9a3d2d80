"""`make bench`: how fast and how large onegenie is on this machine, beside a plain alternative.

`python -m tests.bench [kickoff] [rounds] [watch] [polls] [room] [memory] [start]` runs some of it.
What each figure means, and in whose favour what is not alike counts: docs/performance.md.
"""

from __future__ import annotations

import asyncio
import io
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from PIL import Image, ImageChops
from rich.console import Console
from rich.table import Table

from tests.bench import load, watch
from tests.bench.load import Load, Result, percentile, request
from tests.bench.stack import PROCESSES, PROMPTS, Service, running
from tests.bench.startup import start_ups
from tests.rooms import Room

CONNECTIONS = 32
ROUNDS = 200
WATCHED = 20
PHOTOS = 15
MEMORY_LIMIT_MB = 250
START_LIMITS = (90.0, 10.0, 10.0)
MB = 1 << 20

console = Console(width=max(Console().width, 110))


class Report:
    """The table: a figure, ours, the alternative's, and how much better ours is."""

    def __init__(self) -> None:
        self.table = Table("figure", "onegenie", "plain alternative", "ratio", title_justify="left")
        for column in self.table.columns[1:]:
            column.justify = "right"

    def add(
        self, figure: str, ours: float, plain: float, unit: str, *, more_is_better: bool
    ) -> None:
        """A row; the ratio is above 1 where ours is better."""
        ratio = ours / plain if more_is_better else plain / ours
        self.table.add_row(
            figure, f"{_short(ours)} {unit}", f"{_short(plain)} {unit}", f"{ratio:.1f}×"
        )

    def limit(self, figure: str, ours: float, limit: float, unit: str, plain: str = "") -> None:
        """A row with a limit that must be kept."""
        verdict = "[green]ok[/]" if ours <= limit else "[red]over[/]"
        self.table.add_row(
            figure, f"{_short(ours)} {unit}", plain, f"{verdict} (≤ {limit:g} {unit})"
        )

    def section(self) -> None:
        """A line below what was added last."""
        self.table.add_section()


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


async def _put_load(service: Service, wanted: int, requests: list[str], **options: float) -> Result:
    """Put load on a service. Raises RuntimeError when it answers anything else than it should."""
    values = {"seconds": 5.0, "connections": CONNECTIONS, **options}
    result = await load.run(Load(service.port, requests, **values))  # type: ignore[arg-type]
    if set(result.statuses) != {wanted}:
        raise RuntimeError(f"{service.name} answered {result.statuses}, not {wanted}")
    return result


def _kick_off_request(service: Service) -> list[str]:
    body = orjson.dumps({"prompt": PROMPTS[0]})
    return [request("POST", service.path, service.headers, body)]


async def kickoff(report: Report, ours: Service, plain: Service) -> None:
    """1. Kick-offs, with the rounds they start running behind them."""
    for who, options in (
        ("some 8 kick-offs a second", {"connections": 1, "pause": 0.12}),
        (f"kick-offs, {CONNECTIONS} callers", {}),
    ):
        results = []
        for service in (ours, plain):
            results.append(await _put_load(service, 202, _kick_off_request(service), **options))
            await service.settle()
        mine, other = results
        for percent in (50, 99):
            report.add(
                f"{who}: p{percent}", mine.percentile(percent), other.percentile(percent), "ms",
                more_is_better=False,
            )  # fmt: skip
        if not options:
            report.add(f"{who}: rate", mine.rate, other.rate, "/s", more_is_better=True)


async def rounds(report: Report, ours: Service, plain: Service) -> None:
    """2. Rounds from their kick-off until all are completed."""
    rates = []
    for service in (ours, plain):
        began = service.sql("SELECT now()")[0][0]
        await _put_load(service, 202, _kick_off_request(service), count=ROUNDS, seconds=20.0)
        query = (
            "SELECT count(*), extract(epoch FROM max(updated_at) - min(created_at)) FROM rounds"
            f" WHERE status = 'completed' AND created_at >= '{began.isoformat()}'"
        )
        deadline = time.monotonic() + 30
        while (done := service.sql(query)[0])[0] < ROUNDS and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        if done[0] < ROUNDS:
            console.print(f"{service.name}: only {done[0]} of {ROUNDS} rounds completed in time")
        rates.append(done[0] / float(done[1]))
        await service.settle()
    figure = f"rounds through the whole pipeline ({ROUNDS})"
    report.add(figure, rates[0], rates[1], "/s", more_is_better=True)


async def watched(report: Report, ours: Service, plain: Service) -> None:
    """3. From a step's commit to who waits for it."""
    found = await watch.watched(ours, WATCHED)
    often = await watch.polled(plain, WATCHED, 0.1)
    seldom = await watch.polled(plain, WATCHED, 2.0)
    await plain.settle()
    for way, values in found.items():
        for every, polled in (("2 s", seldom), ("0.1 s", often)):
            for percent in (50, 99):
                report.add(
                    f"commit → {way}, or a poll every {every}: p{percent}",
                    percentile(values, percent),
                    percentile(polled, percent),
                    "ms",
                    more_is_better=False,
                )


async def polls(report: Report, ours: Service, plain: Service) -> None:
    """4. Polls of a finished chat of two rounds."""
    results = []
    for service in (ours, plain):
        async with service.client() as client:
            chat = await service.finished_chat(client)
        get = request("GET", f"{service.path}/{chat['chat_id']}", service.headers)
        await _put_load(service, 200, [get], seconds=1.0)
        results.append(await _put_load(service, 200, [get], seconds=6.0))
    mine, other = results
    figure = f"polls of a finished chat ({mine.bytes / 1000:.0f} and {other.bytes / 1000:.0f} kB)"
    report.add(f"{figure}: rate", mine.rate, other.rate, "/s", more_is_better=True)
    report.add(
        f"{figure}: p99", mine.percentile(99), other.percentile(99), "ms", more_is_better=False
    )
    ceiling = await _put_load(ours, 200, [request("GET", "/healthz")], seconds=2.0)
    report.table.add_row(
        "load generator against Envoy's /healthz", f"{_short(ceiling.rate)} /s", "",
        f"busy {mine.cpu:.0%} in polls",
    )  # fmt: skip


async def room(report: Report, ours: Service, plain: Service) -> None:
    """5. The app: today's missions, and a post with a phone's photo."""
    results = []
    for service in (ours, plain):
        bearer = {"Authorization": f"Bearer {service.token}"}
        get = request("GET", "/api/today-mission", bearer)
        await _put_load(service, 200, [get], seconds=1.0)
        results.append(await _put_load(service, 200, [get]))
    mine, other = results
    report.add("today's missions: rate", mine.rate, other.rate, "/s", more_is_better=True)
    report.add(
        "today's missions: p99", mine.percentile(99), other.percentile(99), "ms",
        more_is_better=False,
    )  # fmt: skip
    photo = _photo()
    times: list[list[float]] = []
    for service, sent in ((ours, {"files": {"files": photo}}), (plain, {"content": photo})):
        times.append([])
        async with service.client() as client:
            client.headers["Authorization"] = f"Bearer {service.token}"
            for _ in range(PHOTOS):
                began = time.perf_counter()
                answer = await client.post("/api/post", **sent)
                answer.raise_for_status()
                times[-1].append((time.perf_counter() - began) * 1000)
    figure = f"post of a 12-megapixel photo ({len(photo) / 1e6:.1f} MB): p50"
    report.add(figure, *(percentile(each, 50) for each in times), "ms", more_is_better=False)  # type: ignore[arg-type, misc]


def _photo() -> bytes:
    """What a phone takes, in size and detail."""
    picture = Room(1).picture(Room(1).clutter(20)).resize((4000, 3000))
    grain = Image.effect_noise(picture.size, 12).convert("RGB")
    file = io.BytesIO()
    ImageChops.add(picture, grain, scale=1, offset=-128).save(file, "JPEG", quality=90)
    return file.getvalue()


def _megabytes(service: Service) -> float:
    """Resident memory of the largest serving process."""
    return max(process.memory_info().rss for process in service.workers()) / MB


Measure = Callable[[Report, Service, Service], Awaitable[None]]
MEASURES: dict[str, Measure] = {
    "kickoff": kickoff,
    "rounds": rounds,
    "watch": watched,
    "polls": polls,
    "room": room,
}


async def main(names: list[str]) -> None:
    """Measure, and print the table as far as it came."""
    if unknown := set(names) - {*MEASURES, "memory", "start"}:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(MEASURES)}, memory, start")
    report, began = Report(), time.monotonic()
    wanted = [name for name in MEASURES if name in names or not names]
    try:
        with tempfile.TemporaryDirectory(prefix="og-bench-") as directory:
            if wanted or "memory" in names:
                console.print("starting onegenie and the plain alternative")
                await _side_by_side(report, wanted, Path(directory))
            if "start" in names or not names:
                console.print("start")
                times = await start_ups(Path(directory))
                for (name, seconds), limit in zip(times, START_LIMITS, strict=True):
                    report.limit(f"`make run` until ready, {name}", seconds, limit, "s")
    finally:
        cores = os.cpu_count()
        report.table.title = (
            f"{cores} cores shared by load, proxy, {PROCESSES} processes and Postgres; "
            f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; "
            f"took {time.monotonic() - began:.0f} s"
        )
        console.print(report.table)
        console.print("ratio: how many times better onegenie is; below 1 it is worse")


async def _side_by_side(report: Report, wanted: list[str], directory: Path) -> None:
    async with running(directory) as (ours, plain):
        began = time.monotonic()
        at_start = _megabytes(ours), _megabytes(plain)
        for name in wanted:
            console.print(name)
            await MEASURES[name](report, ours, plain)
            report.section()
        used = time.monotonic() - began
        for when, mine, other in (
            ("after the start", *at_start),
            (f"after {used:.0f} s of use", _megabytes(ours), _megabytes(plain)),
        ):
            report.limit(
                f"memory of a core process {when}", mine, MEMORY_LIMIT_MB, "MB",
                f"{_short(other)} MB",
            )  # fmt: skip
        report.section()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
