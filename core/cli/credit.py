"""`onegenie credit`: what a tenant may spend."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.common import (
    Table,
    TenantOption,
    fail,
    one_line,
    out,
    run_with_database,
    tenant_id,
    whole,
)
from core.platform.database import Database
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.sql import list_ledger, read_balance

app = typer.Typer(help="Credit: one a round.", no_args_is_help=True)


@app.command(context_settings={"ignore_unknown_options": True})
def grant(
    amount: Annotated[
        int,
        typer.Argument(
            help="Credits to add; negative takes some away.", min=-1_000_000_000, max=1_000_000_000
        ),
    ],
    tenant: TenantOption = None,
    note: Annotated[str | None, typer.Option(help="Why, for the ledger.")] = None,
) -> None:
    """Add to a tenant's credit."""
    if amount == 0:
        fail("0 credits change nothing")
    if note is not None:
        one_line("--note", note, 500)

    async def work(database: Database) -> int:
        async with database.begin() as conn:
            command = GrantCredit(await tenant_id(conn, tenant), amount, note)
            return await grant_credit(conn, command)

    try:
        out.print(f"balance: {run_with_database(work):,}")
    except ValueError as error:
        fail("the tenant has less credit than that" if amount < 0 else f"AMOUNT: {error}")


@app.command()
def show(
    tenant: TenantOption = None,
    last: Annotated[int, typer.Option(help="Entries of the ledger to show.", min=1)] = 20,
) -> None:
    """Show a tenant's balance and the latest entries of its ledger."""

    async def work(database: Database) -> Table:
        identifier = await tenant_id(database, tenant)
        balance = await read_balance(database, identifier)
        table = Table(
            "when", "change", "reason", whole("round"), "note", title=f"balance {balance:,}"
        )
        for entry in await list_ledger(database, identifier, None, last):
            table.add_row(
                f"{entry.created_at:%F %T}",
                f"{entry.delta:+,}",
                entry.reason,
                str(entry.round_id or ""),
                entry.note or "",
            )
        return table

    out.print(run_with_database(work))
