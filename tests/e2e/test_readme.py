"""The README's commands, as they stand there, against the running service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.service import Service
from tests.e2e.up_process import Up

ROOT = Path(__file__).parents[2]


def blocks() -> list[str]:
    """The README's shell blocks, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)


def test_the_two_commands_are_targets() -> None:
    """`make run` and `make test` stand first; the rest of this file needs what they do."""
    commands = re.findall(r"^make (\w+)", blocks()[0], re.M)
    assert commands == ["run", "test"]
    for command in commands:
        planned = subprocess.run(
            ["make", "--dry-run", command], cwd=ROOT, capture_output=True, text=True
        )
        assert planned.returncode == 0, planned.stderr
        assert {"run": "onegenie up", "test": "pytest"}[command] in planned.stdout


def test_its_commands_work(service: Service, up: Up) -> None:
    """Every block after `make run`, in one shell; only the data directory is another.

    What a reader does by hand between the blocks is done here: CHAT_ID and ROUND_ID are taken from
    the first answer.
    """
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    # A newcomer's shell knows nothing of the service, but for DATA_DIR, which is its place.
    known = {key: value for key, value in os.environ.items() if key not in service.demo}
    environment = known | {"DATA_DIR": str(up.directory)}
    rest, poll, grpc, terminal, near, room = blocks()[1:]

    started = json.loads(_run(rest, up, environment))
    assert started["success"] is True
    environment |= service.demo
    environment |= {key.upper(): value for key, value in started["data"].items()}

    answer, events = _run(poll, up, environment).split("event: ", 1)
    assert json.loads(answer)["data"]["chat_id"] == started["data"]["chat_id"]
    last = json.loads(events.rsplit("data: ", 1)[1])
    assert (last["round_id"], last["status"]) == (started["data"]["round_id"], "completed")

    typed = json.loads(_run(grpc, up, environment))
    assert typed.keys() == {"chatId", "roundId"}

    shown = _run(terminal, up, environment)
    assert "₩" in shown
    assert json.loads(_run(near, up, environment))["data"]["accepted"] is True

    sent, mission = _run(room, up, environment).split("}{", 1)
    assert json.loads(sent + "}")["data"] == {"message": "성공"}
    assert json.loads("{" + mission)["data"].keys() == {"missionId", "content"}


def _run(block: str, up: Up, environment: dict[str, str]) -> str:
    """What a block prints; fails when one of its commands does."""
    script = block.replace("var/", f"{up.directory}/")
    ran = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
