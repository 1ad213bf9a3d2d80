"""A tenant's rounds that are not over can be counted.

The index it replaces held `updated_at`: each step had to write to all indexes of its round,
and no query used it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "rounds",
        sa.Column(
            "tenant_id",
            sa.Uuid(),
            nullable=True,
            comment="the chat's; null for rounds that were over before there was this column",
        ),
    )
    op.execute(
        "UPDATE rounds SET tenant_id = chats.tenant_id FROM chats "
        "WHERE chats.id = rounds.chat_id AND rounds.status = 'in_progress'"
    )
    op.drop_index("ix_rounds_in_progress", table_name="rounds")
    op.create_index(
        "ix_rounds_in_flight",
        "rounds",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("status = 'in_progress'"),
    )
