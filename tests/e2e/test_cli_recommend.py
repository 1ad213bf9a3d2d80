"""`onegenie recommend` against the running service: progress, results, and what it cannot do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.up_process import Up

ONEGENIE = Path(sys.executable).parent / "onegenie"


def recommend(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("SDK_KEY", "PORT")}
    return subprocess.run(
        [ONEGENIE, "recommend", *arguments],
        env=clean | {"COLUMNS": "160"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_round_and_its_follow_up(up: Up) -> None:
    shown = recommend(
        "오늘 저녁 카레 땡기는데", "--follow", "와인 추가", DATA_DIR=str(up.directory)
    )
    assert shown.returncode == 0, shown.stderr
    first, second = shown.stdout.split("“와인 추가”")
    for part in (first, second):
        for title in (
            "✔ Meal",
            "✔ Offers",
            "Shopping list",
            "Goes well with it",
            "카레",
            "coupon spot",
        ):
            assert title in part
        assert "total" in part
    assert "와인" in second


def test_what_it_says_when_it_cannot(up: Up, tmp_path: Path) -> None:
    nowhere = recommend("카레", DATA_DIR=str(tmp_path))
    assert nowhere.returncode == 1
    assert "make run" in nowhere.stderr
    down = recommend("카레", DATA_DIR=str(up.directory), BASE_URL="http://127.0.0.1:1")
    assert "does not answer" in down.stderr
    refused = recommend("카레", DATA_DIR=str(up.directory), SDK_KEY="osk_wrong")
    assert "[UNAUTHORIZED]" in refused.stderr
    empty = recommend(" ", DATA_DIR=str(up.directory))
    assert "[INVALID_REQUEST]" in empty.stderr
    assert "prompt" in empty.stderr
