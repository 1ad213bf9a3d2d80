"""`onegenie key`: what callers prove themselves with."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Column
from sqlalchemy import func, select

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
from core.shop.catalogue.tables import store_signage
from core.shop.tenants.sql import add_secret, create_key, revoke_key, revoke_other_secrets
from core.shop.tenants.tables import api_key_secrets, api_keys

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

    async def work(database: Database) -> tuple[uuid.UUID, str]:
        async with database.begin() as conn:
            owner = await tenant_id(conn, tenant)
            if signage is not None:
                screens = await conn.scalars(
                    select(store_signage.c.id).where(store_signage.c.tenant_id == owner)
                )
                if signage not in (known := sorted(map(str, screens))):
                    raise LookupError(f"--signage: the store's screens are {known or 'none'}")
            return await create_key(conn, owner, kind.value, name, signage)

    key_id, secret = run_with_database(work)
    out.print(f"key:    {key_id}\nsecret: {secret}", soft_wrap=True)
    out.print("Keep the secret now: only its hash is stored.")


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
        async with database.connect() as conn:
            hints = func.string_agg(api_key_secrets.c.hint, ", ").filter(
                api_key_secrets.c.revoked_at.is_(None)
            )
            query = (
                select(api_keys, hints.label("hints"))
                .outerjoin(api_key_secrets)
                .where(api_keys.c.tenant_id == await tenant_id(conn, tenant))
                .group_by(api_keys.c.id)
                .order_by(api_keys.c.created_at)
            )
            for row in await conn.execute(query):
                revoked = f"{row.revoked_at:%F %T}" if row.revoked_at else ""
                created = f"{row.created_at:%F %T}"
                table.add_row(
                    str(row.id),
                    row.kind,
                    row.name,
                    row.hints or "",
                    created,
                    revoked,
                    str(row.created_by or ""),
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
            query = select(api_keys.c.kind).where(
                api_keys.c.id == key_id,
                api_keys.c.tenant_id == await tenant_id(conn, tenant),
                api_keys.c.revoked_at.is_(None),
            )
            kind = await conn.scalar(query)
            if kind is None:
                raise LookupError(f"the tenant has no living key {key_id}")
            secret = await add_secret(conn, key_id, kind)
            if revoke_old:
                await revoke_other_secrets(conn, key_id, keep=secret)
        return secret

    secret = run_with_database(work)
    out.print(f"key:    {key_id}\nsecret: {secret}", soft_wrap=True)
    out.print("Keep the secret now: only its hash is stored.")
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
            ended = await revoke_key(conn, owner, key_id, keep_made=keep_made)
            if not ended:
                raise LookupError(f"the tenant has no living key {key_id}")
            return ended

    for ended in run_with_database(work):
        out.print(f"revoked {ended}")
