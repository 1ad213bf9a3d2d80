"""Lift of the demo store: orders are generated, kept as Parquet, computed, stored.

Run it in a process of its own (`onegenie lift demo`): what it imports weighs some 150 MB.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import yaml

from core.platform.database import Database
from core.shop.lift.compute import pairs_from_parquet
from core.shop.lift.orders import DemoOrders, demo_orders, read_catalogue
from core.shop.lift.sql import replace_pairs

_SHOP = Path(__file__).resolve().parent.parent
CATALOGUE = _SHOP / "catalogue" / "demo" / "products.csv"
MEAL_DATA = _SHOP / "meal" / "data"
INGREDIENTS = MEAL_DATA / "ingredients.yaml"


async def seed_demo_lift(database: Database, tenant_id: UUID, data_dir: Path) -> int:
    """Make the tenant's lift from demo orders; return how many pairs there are.

    The orders stay in DATA_DIR/orders/<tenant>.parquet.
    """
    path = orders_file(data_dir, tenant_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(orders_of_demo_store().lines, path)
    pairs = pairs_from_parquet(path)
    async with database.begin() as conn:
        return await replace_pairs(conn, tenant_id, pairs)


def orders_of_demo_store() -> DemoOrders:
    """Generate orders over the demo store's catalogue, some of them for the engine's dishes."""
    return demo_orders(read_catalogue(CATALOGUE), dishes_by_term())


def orders_file(data_dir: Path, tenant_id: UUID) -> Path:
    """Return where a tenant's order lines are kept."""
    return data_dir / "orders" / f"{tenant_id}.parquet"


def dishes_by_term() -> list[list[str]]:
    """Read, for each dish of the meal engine's catalogue, the Korean names of its ingredients."""
    if not INGREDIENTS.is_file():
        return []
    korean = {entry["key"]: entry["ko"] for entry in _read(INGREDIENTS)}
    return [
        # An ingredient reads "key quantity"; the shopper buys a pack whatever the quantity.
        [korean[key] for line in dish["ingredients"] if (key := line.split()[0]) in korean]
        for file in sorted(MEAL_DATA.glob("dishes_*.yaml"))
        for dish in _read(file)
    ]


def _read(path: Path) -> list[dict[str, Any]]:
    # The C loader: the files are long, and the first start waits for them.
    return list(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
