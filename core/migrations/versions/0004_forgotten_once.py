"""forgotten once a trigger; what analytics count an event under"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Both may be null, so no row is written anew; events from before keep their own forgotten.
    op.add_column(
        "trigger_events",
        sa.Column(
            "forgotten_at",
            sa.BigInteger(),
            nullable=True,
            comment="the event of the trigger that has forgotten",
        ),
    )
    op.add_column(
        "trigger_events",
        sa.Column(
            "counted_as",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="the round's item_id, item_name and reason_type, where item has none",
        ),
    )


def downgrade() -> None:
    # The former code looks for forgotten in each event.
    op.execute(
        """
        UPDATE trigger_events AS event SET forgotten = holder.forgotten
        FROM trigger_events AS holder
        WHERE event.forgotten IS NULL AND holder.tenant_id = event.tenant_id
            AND holder.sequence = event.forgotten_at
        """
    )
    op.drop_column("trigger_events", "counted_as")
    op.drop_column("trigger_events", "forgotten_at")
