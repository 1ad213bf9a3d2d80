"""`onegenie tenant`: who uses the service."""

from __future__ import annotations

from typing import Annotated

import typer
from psycopg.errors import UniqueViolation

from core.cli.common import Table, fail, one_line, out, run_with_database, visible, whole
from core.platform.database import Database
from core.shop.recommend.language import choose_language
from core.shop.tenants.sql import create_tenant
from core.shop.tenants.sql import list_tenants as read_tenants

app = typer.Typer(help="Tenants: who uses the service.", no_args_is_help=True)


@app.command()
def create(
    name: str,
    locale: Annotated[str, typer.Option(help="Language of answers: ko, en or ja.")] = "ko",
) -> None:
    """Add a tenant, without credit, keys or a store."""
    one_line("NAME", name, 200)
    if choose_language(locale, None) != locale:
        fail(f"--locale: must be ko, en or ja, not {locale!r}")

    async def work(database: Database) -> str:
        async with database.begin() as conn:
            return str(await create_tenant(conn, name, locale))

    try:
        out.print(f"tenant {visible(name)}: {run_with_database(work, new=True)}")
    except UniqueViolation:
        fail(f"there is a tenant named {name!r} already")


@app.command("list")
def list_tenants() -> None:
    """Show all tenants with their credit."""

    async def work(database: Database) -> Table:
        table = Table(whole("id"), "name", "locale", "credits", "created")
        for row in await read_tenants(database):
            table.add_row(
                str(row.id), row.name, row.locale, f"{row.credits:,}", f"{row.created_at:%F %T}"
            )
        return table

    out.print(run_with_database(work))
