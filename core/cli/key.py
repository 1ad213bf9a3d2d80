"""`onegenie key`: what callers prove themselves with."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Column

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
from core.shop.catalogue.sql import signage_numbers
from core.shop.tenants import sql
from core.shop.tenants.issue_key import IssuedKey, IssueKey, issue_key
from core.shop.tenants.revoke_key import revoke_key
from core.shop.tenants.rotate_key import rotate_key

app = typer.Typer(
    help="Keys of apps (sdk), staff (admin) and screens (signage).", no_args_is_help=True
)


class Kind(StrEnum):
    """Whom a key is for."""

    sdk = "sdk"
    admin = "admin"
    signage = "signage"


@app.command()
def create(
    kind: Kind,
    name: Annotated[str, typer.Option(help="What it is for.")],
    tenant: TenantOption = None,
    signage: Annotated[str | None, typer.Option(help="The screen a signage key is for.")] = None,
) -> None:
    """Make a key and show its secret, this once."""
    one_line("--name", name, 200)
    if (kind == Kind.signage) != (signage is not None):
        fail("--signage: a signage key needs it, other keys have none")

    async def work(database: Database) -> IssuedKey:
        async with database.begin() as conn:
            owner = await tenant_id(conn, tenant)
            if signage is not None:
                screens = await signage_numbers(conn, owner)
                if signage not in (known := sorted(str(one.id) for one in screens)):
                    raise LookupError(f"--signage: the store's screens are {known or 'none'}")
            return await issue_key(conn, IssueKey(owner, kind.value, name, signage_id=signage))

    issued = run_with_database(work)
    _show_secret(issued.id, issued.secret)


@app.command("list")
def list_keys(tenant: TenantOption = None) -> None:
    """Show a tenant's keys; secrets only by their last characters.

    "made by" is the admin key that a key was made with; it ends with that one.
    """

    async def work(database: Database) -> Table:
        table = Table(
            whole("id"),
            "kind",
            "name",
            "secrets",
            "created",
            "revoked",
            Column("made by", overflow="fold"),
        )
        for key in await sql.list_keys(database, await tenant_id(database, tenant)):
            table.add_row(
                str(key.id),
                key.kind,
                key.name,
                ", ".join(key.hints or ()),
                f"{key.created_at:%F %T}",
                f"{key.revoked_at:%F %T}" if key.revoked_at else "",
                str(key.created_by or ""),
            )
        return table

    out.print(run_with_database(work))


@app.command()
def rotate(
    key_id: uuid.UUID,
    revoke_old: Annotated[
        bool, typer.Option("--revoke-old", help="End the secrets the key had.")
    ] = False,
    tenant: TenantOption = None,
) -> None:
    """Give a key one more secret; its chats stay."""

    async def work(database: Database) -> str:
        async with database.begin() as conn:
            owner = await tenant_id(conn, tenant)
            return await rotate_key(conn, owner, key_id, revoke_old=revoke_old)

    _show_secret(key_id, run_with_database(work))
    if not revoke_old:
        out.print("The key's other secrets still work; the next --revoke-old ends them.")


@app.command()
def revoke(
    key_id: uuid.UUID,
    keep_made: Annotated[
        bool, typer.Option("--keep-made", help="Leave the keys that were made with it.")
    ] = False,
    tenant: TenantOption = None,
) -> None:
    """End a key, and the keys that were made with it; they stop working within seconds."""

    async def work(database: Database) -> list[uuid.UUID]:
        async with database.begin() as conn:
            owner = await tenant_id(conn, tenant)
            return await revoke_key(conn, owner, key_id, keep_made=keep_made)

    for ended in run_with_database(work):
        out.print(f"revoked {ended}")


def _show_secret(key_id: uuid.UUID, secret: str) -> None:
    out.print(f"key:    {key_id}\nsecret: {secret}", soft_wrap=True)
    out.print("Keep the secret now: only its hash is stored.")
