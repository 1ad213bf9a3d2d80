"""`onegenie store`: what a tenant's embedded store holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from onegenie.store.v1 import store_pb2

from core.cli.common import (
    AllowEmptyOption,
    Table,
    TenantOption,
    out,
    run_with_database,
    show_problems,
    tenant_id,
)
from core.platform.csv import ImportFailed
from core.platform.database import Database
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.import_catalogue import Counts, ImportCatalogue, import_catalogue

app = typer.Typer(help="Catalogue and floor of a tenant's store.", no_args_is_help=True)


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            exists=True, help="A folder of CSV files, or a file (docs/shop/catalogue.md)."
        ),
    ],
    tenant: TenantOption = None,
    allow_empty: AllowEmptyOption = False,
) -> None:
    """Replace the store's tables with what the files hold: all of them, or nothing."""

    async def work(database: Database) -> Counts:
        async with database.begin() as conn:
            command = ImportCatalogue(await tenant_id(conn, tenant), path, allow_empty)
            return await import_catalogue(conn, command)

    try:
        counts = run_with_database(work)
    except ImportFailed as failed:
        show_problems(failed)
        raise typer.Exit(1) from None
    table = Table("imported", "rows")
    for name, rows in counts.items():
        table.add_row(name, str(rows))
    out.print(table)


@app.command("list")
def list_products(
    tenant: TenantOption = None,
    search: Annotated[
        str | None, typer.Option(help="Only products with this in a name, the brand or barcode.")
    ] = None,
) -> None:
    """Show the store's products."""

    async def work(database: Database) -> list[store_pb2.Product]:
        owner = await tenant_id(database, tenant)
        return await EmbeddedStores(database).of_tenant(owner).list_products()

    products = [p for p in run_with_database(work) if search is None or _mentions(p, search)]
    table = Table("id", "barcode", "name", "brand", "price", "stock", "section")
    for product in products:
        table.add_row(
            str(product.id),
            product.barcode,
            product.name,
            product.brand,
            f"{product.price_unit}{product.price:,.0f}" if product.HasField("price") else "",
            str(product.quantity) if product.HasField("quantity") else "",
            f"{product.section_code} {product.section_name}".strip(),
        )
    out.print(table)
    out.print("1 product" if len(products) == 1 else f"{len(products)} products")


def _mentions(product: store_pb2.Product, text: str) -> bool:
    fields = (product.name, product.name_en, product.name_ja, product.brand, product.barcode)
    return any(text.casefold() in field.casefold() for field in fields)
