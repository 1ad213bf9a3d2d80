"""`onegenie mission`: the missions that people are suggested."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.common import AllowEmptyOption, Table, out, run_with_database, show_problems, whole
from core.platform.clock import utc_now
from core.platform.csv import ImportFailed
from core.platform.database import Database
from core.room.mission import sql
from core.room.mission.importer import Counts, import_missions

app = typer.Typer(help="Missions that people are suggested.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="A CSV file (docs/room/mission.md)."),
    ],
    allow_empty: AllowEmptyOption = False,
) -> None:
    """Make the file's missions the registered ones: all of them, or nothing changes."""

    async def work(database: Database) -> Counts:
        async with database.begin() as conn:
            return await import_missions(conn, file, utc_now(), allow_empty=allow_empty)

    try:
        counts = run_with_database(work)
    except ImportFailed as failed:
        show_problems(failed)
        raise typer.Exit(1) from None
    table = Table("added", "changed", "unchanged", "retired")
    table.add_row(*map(str, (counts.added, counts.changed, counts.unchanged, counts.retired)))
    out.print(table)


@app.command("list")
def list_missions(
    retired: Annotated[bool, typer.Option("--retired", help="Those retired, instead.")] = False,
) -> None:
    """Show the registered missions."""
    rows = run_with_database(lambda database: sql.list_missions(database, retired=retired))
    table = Table(whole("id"), "category", "content", "minutes")
    for row in rows:
        minutes = "" if row.minutes is None else str(row.minutes)
        table.add_row(str(row.id), row.category, row.content, minutes)
    out.print(table)
    out.print("1 mission" if len(rows) == 1 else f"{len(rows)} missions")
