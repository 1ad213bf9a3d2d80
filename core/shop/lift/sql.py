"""SQL of the computed pairs."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
)

from core.platform.database import Connection, Database, Query, Reader, Statement
from core.shop.lift.port import Pair
from core.shop.lift.tables import lift_pairs

FIELDS = tuple(Pair.__dataclass_fields__)

_TAKE_TURNS = Statement(
    select(
        func.pg_advisory_xact_lock(
            func.hashtext(literal("lift ") + cast(bindparam("tenant", type_=Uuid), Text))
        )
    )
)
_PAIRS = Query(
    select(*(lift_pairs.c[name] for name in FIELDS))
    .where(
        lift_pairs.c.tenant_id == bindparam("tenant"),
        lift_pairs.c.product_id == any_(bindparam("products", type_=ARRAY(BigInteger))),
    )
    .order_by(lift_pairs.c.lift.desc(), lift_pairs.c.product_id, lift_pairs.c.other_id),
    Pair,
)
_ONE = Query(
    select(lift_pairs.c.product_id).where(lift_pairs.c.tenant_id == bindparam("tenant")).limit(1),
    int,
)


async def replace_pairs(conn: Connection, tenant_id: UUID, rows: Iterable[Pair]) -> int:
    """Replace all of the tenant's pairs by these; return how many there are now.

    Readers see the old pairs until the transaction commits.
    """
    # Two at a time would both delete the old rows and then collide on the new.
    await conn.run(_TAKE_TURNS, tenant=tenant_id)
    values = ([getattr(row, name) for name in FIELDS] for row in rows)
    return await conn.replace_rows(lift_pairs, tenant_id, FIELDS, values)


async def has_pairs(reader: Reader, tenant_id: UUID) -> bool:
    """Tell whether the tenant's lift has been computed."""
    return await reader.first(_ONE, tenant=tenant_id) is not None


async def pairs_for(reader: Reader, tenant_id: UUID, product_ids: Sequence[int]) -> list[Pair]:
    """Read the tenant's pairs that start at one of these products, the highest lift first."""
    return await reader.all(_PAIRS, tenant=tenant_id, products=list(product_ids))


class TenantLiftPairs:
    """LiftPairs of one tenant, read from the database."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._database = database
        self._tenant_id = tenant_id

    async def pairs_for(self, product_ids: Sequence[int]) -> list[Pair]:
        """See LiftPairs."""
        if not product_ids:
            return []
        return await pairs_for(self._database, self._tenant_id, product_ids)
