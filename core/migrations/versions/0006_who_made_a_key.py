"""who made a key, and a grant once"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "api_keys",
        sa.Column("created_by", sa.Uuid(), nullable=True, comment="the admin key it was made with"),
    )
    op.create_foreign_key(
        op.f("fk_api_keys_created_by"),
        "api_keys",
        "api_keys",
        ["created_by"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_api_keys_created_by"), "api_keys", ["created_by"], unique=False)
    op.add_column("credit_ledger", sa.Column("idempotency_key", sa.Text(), nullable=True))
    op.create_index(
        "uq_credit_ledger_idempotency_key",
        "credit_ledger",
        ["tenant_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_credit_ledger_idempotency_key", table_name="credit_ledger")
    op.drop_column("credit_ledger", "idempotency_key")
    op.drop_index(op.f("ix_api_keys_created_by"), table_name="api_keys")
    op.drop_constraint(op.f("fk_api_keys_created_by"), "api_keys", type_="foreignkey")
    op.drop_column("api_keys", "created_by")
