"""Tables: chats and their rounds."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.platform.database import metadata

chats = Table(
    "chats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("api_key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    Column("profile_id", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(
        ["tenant_id", "profile_id"], ["profiles.tenant_id", "profiles.id"], ondelete="CASCADE"
    ),
    Index("ix_chats_listed", "tenant_id", "api_key_id", "profile_id", "created_at", "id"),
)

# What a round has become is `steps_done` and `status`; version, progress and back_list_status
# follow from them (see state.py).
rounds = Table(
    "rounds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "tenant_id",
        Uuid,
        comment="the chat's; null for rounds that were over before there was this column",
    ),
    Column("chat_id", ForeignKey("chats.id", ondelete="CASCADE"), nullable=False),
    Column("round_no", Integer, nullable=False),
    Column("api_key_id", Uuid, nullable=False),
    Column("idempotency_key", Text),
    Column("prompt", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="in_progress"),
    Column("steps_done", SmallInteger, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("meal", JSONB(none_as_null=True), comment="step 1's result"),
    Column(
        "results",
        LargeBinary,
        nullable=False,
        server_default=text("''::bytea"),
        comment="serialised onegenie.recommend.v1.Round parts, one appended by each step",
    ),
    Column(
        "analyst_comments",
        JSONB,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="by rec_id; kept for triggers, never in polls",
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("chat_id", "round_no"),
    CheckConstraint("status IN ('in_progress', 'completed', 'error')", name="status_known"),
    CheckConstraint("steps_done BETWEEN 0 AND 4", name="steps_done_range"),
    Index(
        "uq_rounds_idempotency_key",
        "api_key_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    # Of nothing that a step changes, so that steps leave the indexes alone.
    Index(
        "ix_rounds_in_flight",
        "tenant_id",
        postgresql_where=text("status = 'in_progress'"),
    ),
)
