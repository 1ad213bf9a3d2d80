"""Tables: posts, their pictures and comments."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)

from core.platform.database import metadata

posts = Table(
    "posts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(), nullable=False, unique=True, comment="order"),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text),
    Column("content", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_posts_user_id_number", "user_id", "number"),
)

post_files = Table(
    "post_files",
    metadata,
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("file_id", ForeignKey("media_files.id"), nullable=False, unique=True),
)

post_comments = Table(
    "post_comments",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True, comment="order"),
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_post_comments_post_id_number", "post_id", "number"),
)
