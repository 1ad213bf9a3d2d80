"""What the commands share: the database they work on, and how they say what went wrong."""

from __future__ import annotations

import asyncio
import os
import sys
import unicodedata
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich import table as rich_table
from rich.console import Console, RenderableType
from rich.table import Column
from rich.text import Text

from core.platform.csv import ImportFailed
from core.platform.database import Database, Reader, open_database
from core.platform.settings import Settings, load_settings
from core.run.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from core.run.migrate import upgrade
from core.shop.tenants.sql import find_tenant
from edge import CONTROLS

T = TypeVar("T")

# A pipe has no width of its own: nothing is folded for it.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 250
# No text is markup: those that others wrote would be read as such, too.
out = Console(width=_WIDTH, markup=False, emoji=False, highlight=False)
err = Console(width=_WIDTH, stderr=True, markup=False, emoji=False, highlight=False)

# Categories of characters that a terminal obeys, or that turn or hide what stands beside them; and
# letters and signs that show nothing.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"

TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="Id or name; without it the only tenant there is.")
]
AllowEmptyOption = Annotated[
    bool,
    typer.Option("--allow-empty", help="Take a file without rows, and empty what it replaces."),
]


def whole(title: str) -> Column:
    """Return a column whose values are never shortened: ids are there to be copied."""
    return Column(title, no_wrap=True, min_width=36)


def visible(text: str, keep: str = "") -> str:
    """The text with what a terminal would obey, or would not show, as `\\x1b` or `\\u202e`; all but
    the characters of `keep`."""
    return "".join(
        repr(sign)[1:-1].encode("ascii", "backslashreplace").decode()
        if sign not in keep and (sign in _BLANK or unicodedata.category(sign) in _HIDDEN)
        else sign
        for sign in text
    )


def shown(text: str, style: str = "") -> Text:
    """Return a text that others wrote, as it is: never markup, never an order to the terminal."""
    return Text(visible(text), style=style)


class Table(rich_table.Table):
    """A table whose cells are shown as they are; see `shown`."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """As Rich does it, each text by `shown`."""
        super().add_row(*(shown(c) if isinstance(c, str) else c for c in cells), **options)


def one_line(option: str, text: str, most: int) -> str:
    """Return a name or a note as the contract wants it, else `fail` naming the option."""
    if not text.strip():
        fail(f"{option}: must not be empty")
    if CONTROLS.search(text):
        fail(f"{option}: must not contain control characters")
    if not _is_utf_8(text):
        fail(f"{option}: must be UTF-8")
    if len(text) > most:
        fail(f"{option}: must have at most {most} characters")
    return text


def fail(message: str) -> NoReturn:
    """Say what is wrong and end with exit code 1."""
    err.print(Text.assemble(("onegenie:", "red"), " ", visible(message, keep="\n")))
    raise typer.Exit(1)


def run_with_database(
    work: Callable[[Database], Awaitable[T]], connections: int = 2, new: bool = False
) -> T:
    """Run `work` on the database that the settings name, embedded or real, migrated.

    With `new` an embedded one may be made; otherwise a mistaken DATA_DIR would show an empty one.
    """
    settings = load_settings()
    made = Path(embedded_directory(settings)).exists()
    if settings.database_url is None and not made and not new:
        where = settings.data_dir.resolve()
        fail(f"{where}: no database here. Start the service once, or set DATA_DIR or DATABASE_URL.")
    try:
        if settings.database_url is not None:
            return _run(settings.database_url.get_secret_value(), work, connections)
        with EmbeddedPostgres(embedded_directory(settings)) as server:
            return _run(server.url, work, connections)
    except (EmbeddedPostgresError, LookupError) as error:
        fail(str(error.args[0]))


def embedded_directory(settings: Settings) -> str:
    """Return where the embedded Postgres lives."""
    return str(settings.data_dir / "postgres")


def show_problems(failed: ImportFailed) -> None:
    """Show what kept files from being imported."""
    table = Table("file", "line", "column", "what is wrong", "value")
    for problem in failed.problems:
        table.add_row(
            problem.file,
            "" if problem.line is None else str(problem.line),
            problem.column or "",
            problem.message,
            problem.value or "",
        )
    err.print(table)
    errors = "error" if failed.total == 1 else "errors"
    shown = len(failed.problems)
    more = f", the first {shown} shown" if failed.total > shown else ""
    err.print(f"{failed.total} {errors}{more}. Nothing was imported.")


async def tenant_id(reader: Reader, tenant: str | None) -> uuid.UUID:
    """Return the tenant that --tenant names."""
    if tenant is not None and not _is_utf_8(tenant):
        raise LookupError(f"no tenant has the id or name {tenant!r}")
    return await find_tenant(reader, tenant)


def _is_utf_8(text: str) -> bool:
    # Arguments that are not come as halves of surrogate pairs, which no database takes.
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _run(url: str, work: Callable[[Database], Awaitable[T]], connections: int) -> T:
    upgrade(url)

    async def with_database() -> T:
        async with open_database(url, pool_size=connections) as database:
            return await work(database)

    return asyncio.run(with_database())
