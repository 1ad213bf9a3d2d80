"""`onegenie lift`: which products are bought together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.common import (
    AllowEmptyOption,
    Table,
    TenantOption,
    fail,
    out,
    run_with_database,
    shown,
    tenant_id,
)
from core.platform.database import Database
from core.platform.settings import load_settings
from core.shop.lift.port import MIN_CO_COUNT, MIN_CUSTOMERS, Pair
from core.shop.lift.sql import pairs_for

app = typer.Typer(
    help="Co-purchase lift: which products are bought together.", no_args_is_help=True
)

# Ibis and DuckDB come with an extra and are imported only by the commands that compute.
_MISSING = "this needs the 'lift' extra: pip install 'onegenie[lift]'"


@app.command("import")
def import_(
    orders: Path, tenant: TenantOption = None, allow_empty: AllowEmptyOption = False
) -> None:
    """Read order lines from a .csv or .parquet file and compute the lift from them.

    Columns: order_id, customer_id, product_id, and if there are, ordered_at and quantity.
    All or nothing: errors are listed by line and column.
    """
    try:
        from core.shop.lift.compute import OrdersError, read_orders
        from core.shop.lift.compute_lift import ImportOrders, import_orders
    except ImportError:
        fail(_MISSING)
    try:
        lines = read_orders(orders, allow_empty=allow_empty)
    except OrdersError as error:
        fail(str(error))

    async def work(database: Database) -> int:
        command = ImportOrders(await tenant_id(database, tenant), lines, allow_empty)
        return await import_orders(database, load_settings().data_dir, command)

    count = run_with_database(work)
    out.print(f"{lines.num_rows:,} order lines, {count:,} pairs")
    if not count:
        out.print(f"A pair takes {MIN_CO_COUNT} baskets and {MIN_CUSTOMERS} customers at least.")


@app.command()
def compute(
    tenant: TenantOption = None,
    orders_url: Annotated[
        str | None,
        typer.Option(
            help="Ibis connection string of the database with the order lines, for example "
            "duckdb:///data/shop.duckdb; without it the lines imported last."
        ),
    ] = None,
    table: Annotated[str, typer.Option(help="Its table.")] = "order_lines",
    allow_empty: AllowEmptyOption = False,
) -> None:
    """Compute the lift anew, from the imported lines or where the lines are."""
    try:
        from core.shop.lift.compute import OrdersError
        from core.shop.lift.compute_lift import ComputeLift, compute_lift
    except ImportError:
        fail(_MISSING)

    async def work(database: Database) -> int:
        command = ComputeLift(await tenant_id(database, tenant), orders_url, table, allow_empty)
        return await compute_lift(database, load_settings().data_dir, command)

    try:
        out.print(f"{run_with_database(work):,} pairs")
    except OrdersError as error:
        fail(str(error))


@app.command()
def demo(
    tenant: TenantOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the lines there are.")] = False,
) -> None:
    """Generate demo orders over the demo store's catalogue and compute the lift from them."""
    try:
        from core.shop.lift.seed import orders_file, seed_demo_lift
    except ImportError:
        fail(_MISSING)

    async def work(database: Database) -> int:
        owner = await tenant_id(database, tenant)
        if not force and orders_file(load_settings().data_dir, owner).exists():
            raise LookupError("the tenant has order lines already; --force replaces them")
        return await seed_demo_lift(database, owner, load_settings().data_dir)

    out.print(f"{run_with_database(work):,} pairs")


@app.command()
def show(
    product: Annotated[int, typer.Argument(help="The store's number of the product.")],
    tenant: TenantOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most pairs to show.")] = 10,
) -> None:
    """Show what is bought together with a product, the highest lift first."""
    from core.shop.catalogue.embedded import EmbeddedStores

    async def work(database: Database) -> tuple[list[Pair], dict[int, str]]:
        owner = await tenant_id(database, tenant)
        pairs = (await pairs_for(database, owner, [product]))[:limit]
        products = (
            await EmbeddedStores(database)
            .of_tenant(owner)
            .batch_get_products([product, *(pair.other_id for pair in pairs)])
        )
        return pairs, {p.id: p.name for p in products}

    pairs, names = run_with_database(work)
    if not pairs:
        fail(
            f"no pairs of product {product}" + ("" if names else ": the store has no such product")
        )
    pairs_table = Table("product", "name", "lift", "CVR", "support", "baskets", "customers")
    pairs_table.title = shown(f"{product} {names.get(product, '')}".strip())
    for pair in pairs:
        pairs_table.add_row(
            str(pair.other_id),
            names.get(pair.other_id, ""),
            f"{pair.lift:.2f}",
            f"{pair.confidence:.1%}",
            f"{pair.support:.2%}",
            f"{pair.co_count:,}",
            f"{pair.customers:,}",
        )
    out.print(pairs_table)
