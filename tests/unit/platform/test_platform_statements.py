"""SQL lives in the domains' `sql.py` and nowhere else, and every statement there compiles."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.platform.database import Statement

ROOT = Path(__file__).parents[3]
# The machine room, beside migrations: what makes tables, connections, queues and notifications.
MACHINE_ROOM = {
    "core/platform/database.py",
    "core/platform/events.py",
    "core/platform/jobs.py",
    "core/run/embedded_postgres.py",
    "core/run/migrate.py",
}
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "core").rglob("*.py")
    if "migrations" not in path.parts
)
SQL = [source for source in SOURCES if source.endswith("/sql.py")]
# Errors are what the rest of the program may know of the drivers.
ERRORS = {"psycopg", "psycopg.errors", "sqlalchemy.exc"}
STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT INTO\s|UPDATE \w+ SET\s|DELETE FROM\s|WITH \w+ AS|LOCK TABLE\s|COPY \w+ )"
)


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Modules and names that a source imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name


@pytest.mark.parametrize("source", sorted({*SOURCES} - {*SQL} - MACHINE_ROOM))
def test_no_sql_but_in_sql_files(source: str) -> None:
    tree = ast.parse((ROOT / source).read_text())
    for module, name in imported(tree):
        if module.split(".")[0] in ("sqlalchemy", "psycopg", "psycopg_pool"):
            assert module in ERRORS or source.endswith("/tables.py"), (module, name)
        if module == "core.platform.database":
            assert name not in ("Query", "Statement", "params"), name
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not STATEMENT.match(node.value), node.value


@pytest.mark.parametrize("source", SQL)
def test_statements_compile(source: str) -> None:
    module = importlib.import_module(source.removesuffix(".py").replace("/", "."))
    found = 0
    for value in vars(module).values():
        for one in value.values() if isinstance(value, dict) else (value,):
            if isinstance(one, Statement):
                assert one.text
                found += 1
    assert found


@pytest.mark.parametrize("source", SQL)
def test_statements_are_made_once(source: str) -> None:
    """Not in a function that runs with every call."""
    tree = ast.parse((ROOT / source).read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef):
            for node in ast.walk(function):
                called = (
                    node.func.id
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                    else ""
                )
                assert called not in ("Query", "Statement", "select", "text"), function.name
