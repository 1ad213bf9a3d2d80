"""Tables: the registered missions, and what people were suggested and put on their lists."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, text

from core.platform.database import metadata

missions = Table(
    "missions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("content", Text, nullable=False, unique=True),
    Column("category", Text, nullable=False),
    Column("minutes", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("retired_at", DateTime(timezone=True), comment="no longer suggested since"),
)

# One row from the suggestion (or the person's own idea) to the proof.
today_missions = Table(
    "today_missions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("mission_id", ForeignKey("missions.id"), index=True, comment="null: the person's own"),
    Column("content", Text, nullable=False),
    Column("day", Date, nullable=False, comment="in the service's zone"),
    Column("suggested_at", DateTime(timezone=True)),
    Column("listed_at", DateTime(timezone=True), comment="null: suggested, not accepted"),
    Column("completed_at", DateTime(timezone=True)),
    Index("ix_today_missions_user_id_day", "user_id", "day"),
    # At most one suggestion waits for its answer.
    Index(
        "uq_today_missions_suggested",
        "user_id",
        "day",
        unique=True,
        postgresql_where=text("listed_at IS NULL"),
    ),
)
