"""Tables: tenants, their keys and their credit."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from core.platform.database import metadata

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("locale", Text, nullable=False),
    Column("credits", BigInteger, nullable=False, server_default="0"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("credits >= 0", name="credits_not_negative"),
    CheckConstraint("locale IN ('ko', 'en', 'ja')", name="locale_supported"),
)

# A key has a stable id and may have several secrets, so chats survive a rotation.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("signage_id", Text, comment="the device a signage key belongs to"),
    Column(
        "created_by",
        ForeignKey("api_keys.id", ondelete="SET NULL"),
        index=True,
        comment="the admin key it was made with",
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('sdk', 'admin', 'signage')", name="kind_known"),
)

api_key_secrets = Table(
    "api_key_secrets",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the secret"),
    Column("key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("hint", Text, nullable=False, comment="prefix and last four characters"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
)

# The balance in `tenants.credits` is the sum of a tenant's deltas.
credit_ledger = Table(
    "credit_ledger",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("round_id", Uuid, comment="the round that took or returned the credit"),
    Column("note", Text),
    Column("idempotency_key", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("round_id", "reason"),
    CheckConstraint("reason IN ('grant', 'round', 'refund')", name="reason_known"),
    Index("ix_credit_ledger_tenant_id_id", "tenant_id", "id"),
    Index(
        "uq_credit_ledger_idempotency_key",
        "tenant_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)
