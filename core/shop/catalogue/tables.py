"""Tables of the embedded store. Every row belongs to one tenant."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from core.platform.database import metadata


def _tenant_id() -> Column[Any]:
    return Column("tenant_id", Uuid, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)


def _place(nullable: bool = False) -> list[Column[Any]]:
    """A place in metres from the store's origin."""
    return [Column(name, Double, nullable=nullable) for name in ("x", "y", "radius")]


# Grows with every change of a tenant's store. Processes keep what they have
# read until it does, so whatever writes to the tables below must bump it
# (sql.bump_revision) in the same transaction.
store_revisions = Table(
    "store_revisions",
    metadata,
    _tenant_id(),
    Column("revision", BigInteger, nullable=False),
)

store_sections = Table(
    "store_sections",
    metadata,
    _tenant_id(),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("zone_id", BigInteger),
    Column("zone_name", Text),
    *_place(),
)

store_products = Table(
    "store_products",
    metadata,
    _tenant_id(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("barcode", Text),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("name_ja", Text),
    Column("brand", Text),
    Column("price", Double),
    Column("price_unit", Text),
    Column("src_url", Text),
    Column("quantity", Integer),
    # No foreign key: sections and products are replaced independently. The
    # import checks the codes.
    Column("section_code", Text),
    *_place(nullable=True),
    Column("pack_size", Double),
    Column("pack_unit", Text),
    Column("discount_pct", Double),
    Column("terms", ARRAY(Text), nullable=False, server_default=text("'{}'")),
)

store_coupon_spots = Table(
    "store_coupon_spots",
    metadata,
    _tenant_id(),
    Column("spot_no", Integer, primary_key=True, autoincrement=False),
    # May name a product the catalogue no longer has.
    Column("product_id", BigInteger),
    Column("item_name", Text),
    Column("item_name_en", Text),
    Column("discount_value", Double, nullable=False),
    *_place(),
)

store_signage = Table(
    "store_signage",
    metadata,
    _tenant_id(),
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    *_place(),
    Column("orientation", Text, nullable=False),
)

store_signage_events = Table(
    "store_signage_events",
    metadata,
    _tenant_id(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("text", Text),
    Column("image_url", Text),
    Column("enabled", Boolean, nullable=False),
)

store_slides = Table(
    "store_slides",
    metadata,
    _tenant_id(),
    Column("signage_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("image_url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "signage_id"],
        ["store_signage.tenant_id", "store_signage.id"],
        ondelete="CASCADE",
    ),
)

# What the store was told of triggers; the same trigger told again changes nothing.
store_triggers = Table(
    "store_triggers",
    metadata,
    _tenant_id(),
    Column("trigger_id", Text, primary_key=True),
    Column("trigger", LargeBinary, nullable=False, comment="serialised ReportTriggerRequest"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
