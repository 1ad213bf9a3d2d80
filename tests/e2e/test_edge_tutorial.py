"""The tutorial, step by step: the kit's wheel in an environment of its own, without onegenie."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from tests.e2e.envoy_front import free_port

ROOT = Path(__file__).parents[2]
SERVICE = "library.v1.LibraryService"
GUARDED = ("CreateBook", "UploadCover", "WatchBooks")
# Names each method of server.py's servicer that is entered. Python runs it at each start.
NOTE_CALLS = """
import sys

entered = set()  # a generator is called again each time it goes on

def note(frame, event, argument):
    name = frame.f_code.co_qualname
    if event == "call" and name.startswith("Library.") and not set(name) & set("_<"):
        if frame in entered:
            return
        entered.add(frame)
        with open("reached", "a") as file:
            file.write(name.removeprefix("Library.") + "\\n")

sys.setprofile(note)
"""


@dataclass
class Block:
    """One fenced block: ```language name."""

    language: str
    name: str
    text: str


def blocks() -> list[Block]:
    """The tutorial's blocks, in order."""
    page = (ROOT / "docs/edge-tutorial.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", page, re.M | re.S)
    return [Block(*parts) for parts in found]


class Reader:
    """Somebody who follows the tutorial in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "library"
        self.folder.mkdir()
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._each = ""
        # Ours and not the reader's: a free port, a folder of the test's, and packages by uv, which
        # keeps them, from where this machine has them.
        self._ours = {
            "8080": str(self.port),
            "/tmp/edge-kit": str(folder / "edge-kit"),
            "python3 -m pip wheel": f"{sys.executable} -m pip wheel --quiet --no-build-isolation",
            "python3 -m venv": f"{sys.executable} -m uv venv --quiet --python {sys.executable}",
            ".venv/bin/pip install": (
                f"{sys.executable} -m uv pip install --quiet --python .venv/bin/python"
            ),
        }

    def follow(self, block: Block) -> str:
        """Do what a block says; what it prints."""
        if block.name == "each":
            self._each = block.text
            return ""
        if block.language != "sh":
            if block.name:
                (self.folder / block.name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / block.name).write_text(self._made_ours(block.text))
            return ""
        if block.name in ("server", "envoy"):
            self.start(block)
            return ""
        return self.run(block.text, ROOT if block.name == "repository" else self.folder)

    def run(self, script: str, folder: Path) -> str:
        """Run commands in a shell; what they print."""
        ran = subprocess.run(
            self._shell(script), cwd=folder, env=_environment(),
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        # 28: curl left a stream when it was told to.
        assert ran.returncode in (0, 28), f"{script}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def start(self, block: Block) -> None:
        """Leave a command running; again, where it ran before."""
        if before := self.processes.pop(block.name, None):
            _stop(before)
        self.processes[block.name] = subprocess.Popen(
            self._shell("exec " + block.text), cwd=self.folder, env=_environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    async def until_ready(self) -> None:
        """Wait until Envoy has found the server healthy."""
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while True:
                for name, process in self.processes.items():
                    assert process.poll() is None, f"{name}: {process.communicate()[1]}"
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(f"http://127.0.0.1:{self.port}/healthz")
                    if answer.status_code == 200:
                        return
                await asyncio.sleep(0.05)

    def reached(self) -> set[str]:
        """The servicer's methods that calls have reached since this was asked before."""
        file = self.folder / "reached"
        names = set(file.read_text().split()) if file.exists() else set()
        file.unlink(missing_ok=True)
        return names

    def _shell(self, script: str) -> list[str]:
        each = self._each if (self.folder / ".venv").is_dir() else ""
        return ["bash", "-u", "-c", self._made_ours(f"set -e\n{each}{script}")]

    def _made_ours(self, text: str) -> str:
        for theirs, ours in self._ours.items():
            text = text.replace(theirs, ours)
        return text


def _environment() -> dict[str, str]:
    """A stranger's: nothing of this repository can be imported."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if key not in hidden}


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        _, told = process.communicate(timeout=30)
        assert process.returncode == 0, told
    finally:
        process.kill()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    for process in reader.processes.values():
        _stop(process)


async def test_the_tutorial_is_true(reader: Reader) -> None:
    steps = blocks()
    printed = ""
    for block in steps:
        if block.language == "text":
            assert printed.strip() == block.text.strip()
            continue
        if block.name == "restarted":
            for again in steps:
                if again.name in ("server", "envoy"):
                    reader.start(again)
            await reader.until_ready()
        try:
            printed = reader.follow(block)
        except AssertionError as error:
            unreachable = re.search("Failed to fetch|network was disabled", str(error))
            if "pip install" in block.text and unreachable:
                pytest.skip("the kit's dependencies can't be had here")
            raise
        if "pip install" in block.text:
            _note_calls(reader)
        if block.name == "envoy":
            await reader.until_ready()
        if block.name == "client.py":
            assert reader.reached() == {"GetBook", *GUARDED}
            await _nobody_gets_in(reader)
    assert {"server", "envoy"} == reader.processes.keys()


def _note_calls(reader: Reader) -> None:
    """See that only the kit is there, and have the servicer's calls noted."""
    python = reader.folder / ".venv/bin/python"
    places = "import edge, sysconfig; print(edge.__file__, sysconfig.get_path('purelib'))"
    where = subprocess.run(
        [python, "-c", places],
        env=_environment(), cwd=reader.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    kit, packages = where.stdout.split()
    assert Path(kit).is_relative_to(packages)
    for name in ("core", "onegenie"):
        tried = subprocess.run(
            [python, "-c", f"import {name}"],
            env=_environment(), cwd=reader.folder, capture_output=True, text=True,
        )  # fmt: skip
        assert f"No module named '{name}'" in tried.stderr
    (Path(packages) / "sitecustomize.py").write_text(NOTE_CALLS)


async def _nobody_gets_in(reader: Reader) -> None:
    """Call what needs a librarian without being one, over each transport."""
    url = f"127.0.0.1:{reader.port}"
    async with (
        httpx.AsyncClient(base_url=f"http://{url}") as http,
        grpc.aio.insecure_channel(url) as channel,
    ):
        for headers in ({}, {"authorization": "Bearer wrong"}):
            for answer in (
                await http.post("/v1/books", json={"isbn": "1"}, headers=headers),
                await http.post("/v1/books/1/cover", files={"cover": b"1"}, headers=headers),
                await http.get("/v1/events", headers=headers),
            ):
                assert (answer.status_code, answer.json()["success"]) == (401, False)
                assert answer.json()["error"]["code"] == "UNAUTHENTICATED"
            for name in GUARDED:
                call = channel.unary_stream(f"/{SERVICE}/{name}")
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call(b"", metadata=tuple(headers.items())).read()
                assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
                web = await http.post(
                    f"/{SERVICE}/{name}",
                    content=bytes(5),  # an empty message
                    headers={"content-type": "application/grpc-web", "x-grpc-web": "1", **headers},
                )
                status = web.headers.get("grpc-status") or web.text
                assert re.search(r"(^|grpc-status: ?)16\b", status), (web.headers, web.content)
    assert reader.reached() == set()
