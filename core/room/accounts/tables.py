"""Tables: accounts, codes on their way, sessions and their tokens, failed log-ins."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from core.platform.database import metadata

# An account; without a password it is not complete and its number may sign up again.
users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("phone", Text, nullable=False, unique=True, comment="E.164"),
    Column("name", Text, nullable=False),
    Column("email", Text, unique=True, comment="in lower case"),
    Column("birth", Date),
    Column("password_hash", Text, comment="Argon2id, PHC string"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_users_name_created_at", "name", "created_at"),
)

# The one code a number may sign up with.
auth_codes = Table(
    "auth_codes",
    metadata,
    Column("phone", Text, primary_key=True, comment="E.164"),
    Column("code_hash", Text, nullable=False, comment="Argon2id, PHC string"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column(
        "tried_from",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="the caller's IP address, of each try",
    ),
)

# When codes were asked for, for the cool-down and the caps of a day. Whoever asked for the code of
# a complete account got none, but was told something.
auth_code_requests = Table(
    "auth_code_requests",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("phone", Text, nullable=False, comment="E.164"),
    Column("address", Text, nullable=False, comment="the caller's IP address"),
    Column("requested_at", DateTime(timezone=True), nullable=False, index=True),
    Column("complete", Boolean, nullable=False, server_default="false"),
    Index("ix_auth_code_requests_phone_requested_at", "phone", "requested_at"),
    Index("ix_auth_code_requests_address_requested_at", "address", "requested_at"),
)

# A session is a row: ending it deletes the row and its tokens.
auth_sessions = Table(
    "auth_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("device_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("app_token", Text, comment="push token"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("refreshed_at", DateTime(timezone=True), nullable=False, index=True),
    UniqueConstraint("user_id", "device_id"),
)

auth_refresh_tokens = Table(
    "auth_refresh_tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the token"),
    Column(
        "session_id",
        ForeignKey("auth_sessions.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("used_at", DateTime(timezone=True)),
)

# Log-ins that failed, by what they have in common: an e-mail, an address, or both.
auth_failures = Table(
    "auth_failures",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="SHA-256"),
    Column("failures", Integer, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
)
