"""the room"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "auth_code_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False, comment="E.164"),
        sa.Column("address", sa.Text(), nullable=False, comment="the caller's IP address"),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_code_requests")),
    )
    op.create_index(
        "ix_auth_code_requests_address_requested_at",
        "auth_code_requests",
        ["address", "requested_at"],
        unique=False,
    )
    op.create_index(
        "ix_auth_code_requests_phone_requested_at",
        "auth_code_requests",
        ["phone", "requested_at"],
        unique=False,
    )
    op.create_table(
        "auth_codes",
        sa.Column("phone", sa.Text(), nullable=False, comment="E.164"),
        sa.Column("code_hash", sa.Text(), nullable=False, comment="Argon2id, PHC string"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_auth_codes")),
    )
    op.create_table(
        "auth_failures",
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="SHA-256"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_auth_failures")),
    )
    op.create_table(
        "missions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="no longer suggested since",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missions")),
        sa.UniqueConstraint("content", name=op.f("uq_missions_content")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False, comment="E.164"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True, comment="in lower case"),
        sa.Column("birth", sa.Date(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="Argon2id, PHC string"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_users_phone")),
    )
    op.create_index("ix_users_name_created_at", "users", ["name", "created_at"], unique=False)
    op.create_table(
        "auth_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("app_token", sa.Text(), nullable=True, comment="push token"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_auth_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_sessions")),
        sa.UniqueConstraint(
            "user_id", "device_id", name=op.f("uq_auth_sessions_user_id_device_id")
        ),
    )
    op.create_index(
        op.f("ix_auth_sessions_refreshed_at"), "auth_sessions", ["refreshed_at"], unique=False
    )
    op.create_table(
        "friends",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("friend_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("user_id <> friend_id", name=op.f("ck_friends_another")),
        sa.ForeignKeyConstraint(
            ["friend_id"], ["users.id"], name=op.f("fk_friends_friend_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_friends_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "friend_id", name=op.f("pk_friends")),
    )
    op.create_index(op.f("ix_friends_friend_id"), "friends", ["friend_id"], unique=False)
    op.create_table(
        "media_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "used_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="part of something since; null: not yet",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_media_files_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_files")),
    )
    op.create_index(op.f("ix_media_files_owner_id"), "media_files", ["owner_id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "number", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="order"
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_posts_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("number", name=op.f("uq_posts_number")),
    )
    op.create_index("ix_posts_user_id_number", "posts", ["user_id", "number"], unique=False)
    op.create_table(
        "today_missions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mission_id", sa.Uuid(), nullable=True, comment="null: the person's own"),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="in the service's zone"),
        sa.Column("suggested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "listed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null: suggested, not accepted",
        ),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_today_missions_mission_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_today_missions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_today_missions")),
    )
    op.create_index(
        op.f("ix_today_missions_mission_id"), "today_missions", ["mission_id"], unique=False
    )
    op.create_index(
        "ix_today_missions_user_id_day", "today_missions", ["user_id", "day"], unique=False
    )
    op.create_index(
        "uq_today_missions_suggested",
        "today_missions",
        ["user_id", "day"],
        unique=True,
        postgresql_where=sa.text("listed_at IS NULL"),
    )
    op.create_table(
        "auth_refresh_tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token"),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["auth_sessions.id"],
            name=op.f("fk_auth_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_auth_refresh_tokens")),
    )
    op.create_index(
        op.f("ix_auth_refresh_tokens_expires_at"),
        "auth_refresh_tokens",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_auth_refresh_tokens_session_id"),
        "auth_refresh_tokens",
        ["session_id"],
        unique=False,
    )
    op.create_table(
        "post_comments",
        sa.Column(
            "number", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="order"
        ),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_post_comments_post_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_post_comments_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_post_comments")),
    )
    op.create_index(
        "ix_post_comments_post_id_number", "post_comments", ["post_id", "number"], unique=False
    )
    op.create_table(
        "post_files",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["media_files.id"], name=op.f("fk_post_files_file_id")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_post_files_post_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", "position", name=op.f("pk_post_files")),
        sa.UniqueConstraint("file_id", name=op.f("uq_post_files_file_id")),
    )


def downgrade() -> None:
    op.drop_table("post_files")
    op.drop_index("ix_post_comments_post_id_number", table_name="post_comments")
    op.drop_table("post_comments")
    op.drop_index(op.f("ix_auth_refresh_tokens_session_id"), table_name="auth_refresh_tokens")
    op.drop_index(op.f("ix_auth_refresh_tokens_expires_at"), table_name="auth_refresh_tokens")
    op.drop_table("auth_refresh_tokens")
    op.drop_index(
        "uq_today_missions_suggested",
        table_name="today_missions",
        postgresql_where=sa.text("listed_at IS NULL"),
    )
    op.drop_index("ix_today_missions_user_id_day", table_name="today_missions")
    op.drop_index(op.f("ix_today_missions_mission_id"), table_name="today_missions")
    op.drop_table("today_missions")
    op.drop_index("ix_posts_user_id_number", table_name="posts")
    op.drop_table("posts")
    op.drop_index(op.f("ix_media_files_owner_id"), table_name="media_files")
    op.drop_table("media_files")
    op.drop_index(op.f("ix_friends_friend_id"), table_name="friends")
    op.drop_table("friends")
    op.drop_index(op.f("ix_auth_sessions_refreshed_at"), table_name="auth_sessions")
    op.drop_table("auth_sessions")
    op.drop_index("ix_users_name_created_at", table_name="users")
    op.drop_table("users")
    op.drop_table("missions")
    op.drop_table("auth_failures")
    op.drop_table("auth_codes")
    op.drop_index("ix_auth_code_requests_phone_requested_at", table_name="auth_code_requests")
    op.drop_index("ix_auth_code_requests_address_requested_at", table_name="auth_code_requests")
    op.drop_table("auth_code_requests")
