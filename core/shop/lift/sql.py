"""SQL of the computed pairs."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import Database
from core.shop.lift.port import Pair
from core.shop.lift.tables import lift_pairs
from core.shop.tenants.sql import replace_rows

FIELDS = tuple(Pair.__dataclass_fields__)


async def replace_pairs(conn: AsyncConnection, tenant_id: UUID, rows: Iterable[Pair]) -> int:
    """Put these pairs in the place of all the tenant had; returns how many there are now.

    Needs a transaction: readers see the old pairs until it commits.
    """
    # Two at a time would both delete the old rows and then collide on the new.
    await conn.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"lift {tenant_id}"))))
    values = ([getattr(row, name) for name in FIELDS] for row in rows)
    return await replace_rows(conn, tenant_id, lift_pairs, FIELDS, values)


async def pairs_for(
    conn: AsyncConnection, tenant_id: UUID, product_ids: Sequence[int]
) -> list[Pair]:
    """The tenant's pairs that start at one of these products, the highest lift first."""
    rows = await conn.execute(
        select(*(lift_pairs.c[name] for name in FIELDS))
        .where(lift_pairs.c.tenant_id == tenant_id, lift_pairs.c.product_id.in_(product_ids))
        .order_by(lift_pairs.c.lift.desc(), lift_pairs.c.product_id, lift_pairs.c.other_id)
    )
    return [Pair(*row) for row in rows]


class TenantLiftPairs:
    """LiftPairs of one tenant, read from the database."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._database = database
        self._tenant_id = tenant_id

    async def pairs_for(self, product_ids: Sequence[int]) -> list[Pair]:
        """See LiftPairs."""
        if not product_ids:
            return []
        async with self._database.connect() as conn:
            return await pairs_for(conn, self._tenant_id, product_ids)
