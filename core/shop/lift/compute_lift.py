"""Import order lines and compute a tenant's lift from them, or from a database that has them.

Only a one-shot process imports this module (Ibis, DuckDB, pyarrow).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from core.platform.database import Database
from core.shop.lift.compute import OrdersError, pairs_from_parquet, pairs_from_url
from core.shop.lift.port import Pair
from core.shop.lift.seed import orders_file
from core.shop.lift.sql import replace_pairs


@dataclass(frozen=True, slots=True)
class ImportOrders:
    """A tenant's order lines, as read_orders reads them, and whether there may be none."""

    tenant_id: UUID
    lines: pa.Table
    allow_empty: bool


@dataclass(frozen=True, slots=True)
class ComputeLift:
    """Where a tenant's order lines are, and whether there may be none.

    orders_url: an Ibis connection string, with the table; None means the lines imported last.
    """

    tenant_id: UUID
    orders_url: str | None
    table: str
    allow_empty: bool


async def import_orders(database: Database, data_dir: Path, command: ImportOrders) -> int:
    """Keep the lines in the data directory and compute the lift; return the number of pairs.

    Raises OrdersError.
    """
    path = orders_file(data_dir, command.tenant_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(command.lines, path)
    pairs = pairs_from_parquet(path, allow_empty=command.allow_empty)
    return await _replace(database, command.tenant_id, pairs)


async def compute_lift(database: Database, data_dir: Path, command: ComputeLift) -> int:
    """Compute the lift anew; return the number of pairs. Raises OrdersError."""
    if command.orders_url:
        pairs = pairs_from_url(command.orders_url, command.table, allow_empty=command.allow_empty)
        return await _replace(database, command.tenant_id, pairs)
    path = orders_file(data_dir, command.tenant_id)
    if not path.is_file():
        raise OrdersError("no orders were imported for this tenant, and no --orders-url given")
    pairs = pairs_from_parquet(path, allow_empty=command.allow_empty)
    return await _replace(database, command.tenant_id, pairs)


async def _replace(database: Database, tenant_id: UUID, pairs: list[Pair]) -> int:
    async with database.begin() as conn:
        return await replace_pairs(conn, tenant_id, pairs)
