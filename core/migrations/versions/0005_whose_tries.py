"""whose tries a code had"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What names no longer have, so that searches find those of before; what a script may need stays.
_UNSEEN = "[\u00ad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_SPACES = "[\t\n\r\u00a0\u115f\u1160\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]"


def upgrade() -> None:
    op.add_column(
        "auth_codes",
        sa.Column(
            "tried_from",
            sa.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="the caller's IP address, of each try",
        ),
    )
    # Codes live for minutes: one that is under way has its tries again.
    op.drop_column("auth_codes", "tries")
    op.add_column(
        "auth_code_requests",
        sa.Column("complete", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_index(
        op.f("ix_auth_code_requests_requested_at"),
        "auth_code_requests",
        ["requested_at"],
        unique=False,
    )
    op.execute(
        sa.text(
            "UPDATE users SET name = coalesce(nullif(btrim(regexp_replace("
            "regexp_replace(name, :unseen, '', 'g'), :spaces, ' ', 'g')), ''), name)"
            " WHERE name ~ :unseen OR name ~ :spaces"
        ).bindparams(unseen=_UNSEEN, spaces=_SPACES)
    )
