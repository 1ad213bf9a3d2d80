"""`onegenie store` against a real database."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.cli.common import err, out
from core.cli.store import app
from core.platform.database import open_database
from core.shop.tenants.sql import create_tenant

DEMO = Path(__file__).parents[4] / "core" / "shop" / "catalogue" / "demo"


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command; tenants "shop" and "other shop" are there."""
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgresql+psycopg", "postgresql"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for console in (out, err):
        monkeypatch.setattr(console, "width", 200)

    async def prepare() -> None:
        async with open_database(database_url) as database, database.begin() as conn:
            for name in ("shop", "other shop"):
                await create_tenant(conn, name, "ko")

    asyncio.run(prepare())

    def run(*arguments: Any) -> Any:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def test_import_a_folder_then_a_file_then_look(run: Any, tmp_path: Path) -> None:
    result = run("import", DEMO, "--tenant", "shop")
    assert result.exit_code == 0, result.output
    assert "products" in result.output
    assert "914" in result.output

    result = run("list", "--tenant", "shop", "--search", "국산콩 두부")
    assert "₩3,480" in result.output
    assert "PA 식료품" in result.output
    assert "2 products" in result.output
    assert "0 products" in run("list", "--tenant", "other shop").output

    one = tmp_path / "products.csv"
    one.write_text("id,name\n7,[새] 두부\n")
    assert run("import", one, "--tenant", "shop").exit_code == 0
    result = run("list", "--tenant", "shop")
    assert "[새] 두부" in result.output
    assert "1 products" not in result.output
    assert "1 product" in result.output


def test_errors_are_shown_and_nothing_is_imported(run: Any, tmp_path: Path) -> None:
    bad = tmp_path / "products.csv"
    bad.write_text("id,name,price\n1,두부,1\nx,콩,-5\n")
    result = run("import", bad, "--tenant", "shop")
    assert result.exit_code == 1
    for text in ("products.csv", "3", "is not a whole number", "is negative", "-5"):
        assert text in result.stderr
    assert "2 errors. Nothing was imported." in result.stderr
    assert "0 products" in run("list", "--tenant", "shop").output


def test_a_header_alone_empties_the_table_only_when_told(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "Products.CSV"
    file.write_text("id,name\n7,두부\n")
    assert run("import", file, "--tenant", "shop").exit_code == 0
    file.write_text("id,name\n")
    for path in (file, tmp_path):
        result = run("import", path, "--tenant", "shop")
        assert result.exit_code == 1
        assert "--allow-empty" in result.stderr
    assert "1 product" in run("list", "--tenant", "shop").output
    assert run("import", file, "--tenant", "shop", "--allow-empty").exit_code == 0
    assert "0 products" in run("list", "--tenant", "shop").output


def test_a_missing_path_and_an_unknown_tenant(run: Any, tmp_path: Path) -> None:
    assert run("import", tmp_path / "nowhere").exit_code == 2
    result = run("list", "--tenant", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.stderr
