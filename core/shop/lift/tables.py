"""Table of the computed pairs."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    Table,
    Uuid,
    func,
)

from core.platform.database import metadata

# No foreign key to products: the store may be somebody else's.
lift_pairs = Table(
    "lift_pairs",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("other_id", BigInteger, primary_key=True, autoincrement=False),
    Column("lift", Double, nullable=False),
    Column("support", Double, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("co_count", Integer, nullable=False),
    Column("customers", Integer, nullable=False),
    Column("computed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
