"""The registered missions: `onegenie mission`, and the demo's."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from core.cli.common import err, out
from core.cli.mission import app
from core.platform.clock import utc_now
from core.platform.database import Database, open_database
from core.room.mission.tables import missions
from core.run.demo import ensure_missions
from tests.support import tables

HEADER = "content,category,minutes\n"


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command."""
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgresql+psycopg", "postgresql"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for console in (out, err):
        monkeypatch.setattr(console, "width", 200)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def rows(database_url: str) -> Any:
    """Reads the missions by content."""

    async def read() -> Any:
        async with open_database(database_url) as database, tables(database) as conn:
            return {row.content: row for row in await conn.execute(select(missions))}

    return lambda: asyncio.run(read())


def counts(result: Any) -> Any:
    """added, changed, unchanged, retired, as the import shows them."""
    assert result.exit_code == 0, result.output
    numbers = [word for word in result.output.replace("│", " ").split() if word.isdigit()]
    return [int(number) for number in numbers]


def test_a_file_is_the_set_of_registered_missions(run: Any, rows: Any, tmp_path: Path) -> None:
    file = tmp_path / "missions.csv"
    # As a spreadsheet program saves it.
    file.write_bytes(f"{HEADER}방 청소,바닥,20\r\n빨래 개기,빨래,\r\n".encode("utf-8-sig"))
    assert counts(run("import", file)) == [2, 0, 0, 0]
    first = rows()
    assert {one.content: (one.category, one.minutes) for one in first.values()} == {
        "방 청소": ("바닥", 20),
        "빨래 개기": ("빨래", None),
    }

    file.write_text("content,category\n방  청소,청소\n창문 닦기,창\n")
    assert counts(run("import", file)) == [1, 1, 0, 1]
    second = rows()
    assert second["방 청소"].id == first["방 청소"].id
    assert (second["방 청소"].category, second["방 청소"].minutes) == ("청소", None)
    assert second["빨래 개기"].retired_at is not None
    assert second["창문 닦기"].retired_at is None
    assert counts(run("import", file)) == [0, 0, 2, 0]

    shown = run("list").output
    assert "창문 닦기" in shown
    assert "빨래 개기" not in shown
    assert "2 missions" in shown
    retired = run("list", "--retired").output
    assert "빨래 개기" in retired
    assert "1 mission" in retired

    # What was retired may come back, as what it was.
    file.write_text("content,category\n빨래 개기,빨래\n")
    assert counts(run("import", file)) == [1, 0, 0, 2]
    third = rows()
    assert third["빨래 개기"].id == first["빨래 개기"].id
    assert third["빨래 개기"].retired_at is None


def test_errors_are_shown_and_nothing_changes(run: Any, rows: Any, tmp_path: Path) -> None:
    file = tmp_path / "missions.csv"
    file.write_text(
        f"{HEADER}방 청소,바닥,20\nTV 닦기,창,0\n,바닥,5\nTV  닦기,창,5\ntv 닦기,창,5\n"
        f"{'가' * 201},창,5\n설거지,,\n"
    )
    result = run("import", file)

    assert result.exit_code == 1
    lines = [line.split() for line in result.stderr.replace("│", " ").splitlines()]
    problems = [line[1:3] for line in lines if line and line[0] == "missions.csv"]
    assert problems == [
        ["3", "minutes"],
        ["4", "content"],
        ["6", "content"],
        ["7", "content"],
        ["8", "category"],
    ]
    assert "is less than 1" in result.stderr
    assert "is already on line 5" in result.stderr
    assert "is longer than 200 characters" in result.stderr
    assert rows() == {}


def test_a_header_alone_retires_nothing_unless_told(run: Any, rows: Any, tmp_path: Path) -> None:
    file = tmp_path / "MISSIONS.CSV"
    file.write_text(f"{HEADER}방 청소,바닥,20\n")
    assert counts(run("import", file)) == [1, 0, 0, 0]
    file.write_text(HEADER)
    result = run("import", file)
    assert (result.exit_code, "--allow-empty" in result.stderr) == (1, True)
    assert rows()["방 청소"].retired_at is None
    assert counts(run("import", file, "--allow-empty")) == [0, 0, 0, 1]
    assert rows()["방 청소"].retired_at is not None


def test_no_such_file(run: Any, tmp_path: Path) -> None:
    assert run("import", tmp_path / "missions.csv").exit_code == 2


async def test_the_demos_missions_come_once(database: Database) -> None:
    await ensure_missions(database)
    async with tables(database) as conn:
        made = (await conn.execute(select(missions))).all()
        assert len(made) >= 120
        assert all(row.minutes for row in made)
        assert 8 <= len({row.category for row in made}) <= 15
        await conn.execute(update(missions).values(retired_at=utc_now()))

    await ensure_missions(database)

    async with tables(database) as conn:
        assert await conn.scalar(select(missions.c.id).filter_by(retired_at=None).limit(1)) is None
