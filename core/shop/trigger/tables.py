"""Tables: what shoppers did, and the calls that said so."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.platform.database import metadata

# A tenant's events are numbered one after another: whoever stores one holds the tenant's row here
# until the commit, so a reader that has seen a number has seen all before it.
trigger_sequences = Table(
    "trigger_sequences",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

trigger_events = Table(
    "trigger_events",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("profile_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("round_id", Uuid, nullable=False),
    Column("signage_ids", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("item", JSONB, nullable=False),
    Column("analyst_comment", Text),
    Column("forgotten", JSONB(none_as_null=True)),
    Column("forgotten_at", BigInteger, comment="the event of the trigger that has forgotten"),
    Column(
        "counted_as",
        JSONB(none_as_null=True),
        comment="the round's item_id, item_name and reason_type, where item has none",
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(
        "kind IN ('signage', 'recommend', 'issued', 'redeemed', 'dismissed')", name="kind_known"
    ),
    Index("ix_trigger_events_tenant_id_created_at", "tenant_id", "created_at"),
)

# The first answer to each idempotency key.
trigger_calls = Table(
    "trigger_calls",
    metadata,
    Column("api_key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False, comment="SHA-256 of method and request"),
    Column("response", LargeBinary, nullable=False, comment="the serialised reply"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
