"""Table: shoppers' profiles."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, SmallInteger, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

from core.platform.database import metadata

profiles = Table(
    "profiles",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text),
    Column("gender", Text),
    Column("age", SmallInteger),
    Column("locale", Text),
    Column("persona", Text),
    Column("extra", JSONB(none_as_null=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
