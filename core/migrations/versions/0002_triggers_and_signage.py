"""triggers and signage"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "signage_devices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("signage_id", sa.Text(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_signage_devices_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "signage_id", name=op.f("pk_signage_devices")),
    )
    op.create_table(
        "signage_frames",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("signage_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "frame",
            sa.LargeBinary(),
            nullable=False,
            comment="serialised onegenie.signage.v1.Frame",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a recognised screen turns idle",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_signage_frames_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "signage_id", "sequence", name=op.f("pk_signage_frames")
        ),
    )
    op.create_table(
        "store_triggers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column(
            "trigger", sa.LargeBinary(), nullable=False, comment="serialised ReportTriggerRequest"
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_store_triggers_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "trigger_id", name=op.f("pk_store_triggers")),
    )
    op.create_table(
        "trigger_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column(
            "signage_ids", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("analyst_comment", sa.Text(), nullable=True),
        sa.Column(
            "forgotten", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('signage', 'recommend', 'issued', 'redeemed', 'dismissed')",
            name=op.f("ck_trigger_events_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_trigger_events_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "sequence", name=op.f("pk_trigger_events")),
        sa.UniqueConstraint("id", name=op.f("uq_trigger_events_id")),
    )
    op.create_index(
        "ix_trigger_events_tenant_id_created_at",
        "trigger_events",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "trigger_sequences",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_trigger_sequences_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_trigger_sequences")),
    )
    op.create_table(
        "store_slides",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("signage_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "signage_id"],
            ["store_signage.tenant_id", "store_signage.id"],
            name=op.f("fk_store_slides_tenant_id_signage_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_store_slides_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "signage_id", "position", name=op.f("pk_store_slides")
        ),
    )
    op.create_table(
        "trigger_calls",
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column(
            "request", sa.LargeBinary(), nullable=False, comment="SHA-256 of method and request"
        ),
        sa.Column("response", sa.LargeBinary(), nullable=False, comment="the serialised reply"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["api_keys.id"],
            name=op.f("fk_trigger_calls_api_key_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("api_key_id", "idempotency_key", name=op.f("pk_trigger_calls")),
    )


def downgrade() -> None:
    op.drop_table("trigger_calls")
    op.drop_table("store_slides")
    op.drop_table("trigger_sequences")
    op.drop_index("ix_trigger_events_tenant_id_created_at", table_name="trigger_events")
    op.drop_table("trigger_events")
    op.drop_table("store_triggers")
    op.drop_table("signage_frames")
    op.drop_table("signage_devices")
