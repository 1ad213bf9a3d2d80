"""Tables: what each screen was told to show, and which devices are there."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)

from core.platform.database import metadata

# One row a signage that was ever subscribed to or shown anything. `last_sequence` numbers its
# frames; `subscription_id` is the newest subscription, which alone is live.
signage_devices = Table(
    "signage_devices",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("signage_id", Text, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False, server_default="0"),
    Column("subscription_id", Uuid),
    Column("last_seen_at", DateTime(timezone=True)),
)

signage_frames = Table(
    "signage_frames",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("signage_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("frame", LargeBinary, nullable=False, comment="serialised onegenie.signage.v1.Frame"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), comment="when a recognised screen turns idle"),
)
