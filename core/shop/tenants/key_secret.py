"""Secrets of keys: made here, shown once, stored as a digest."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from core.platform.database import Connection
from core.shop.tenants import sql
from core.shop.tenants.sql import KeyKind

PREFIXES: dict[KeyKind, str] = {"sdk": "osk_", "admin": "oat_", "signage": "osg_"}


def digest_key(secret: str) -> bytes:
    """Return what is stored of a secret.

    Secrets are 256 random bits, so one SHA-256 is as hard to turn back as any slow hash.
    """
    return hashlib.sha256(secret.encode()).digest()


async def add_secret(conn: Connection, key_id: uuid.UUID, kind: KeyKind) -> str:
    """Give a key one more secret and return it; those it has go on working."""
    secret = PREFIXES[kind] + secrets.token_urlsafe(32)
    hint = f"{PREFIXES[kind]}…{secret[-4:]}"
    await sql.add_secret(conn, key_id, digest_key(secret), hint)
    return secret


async def revoke_other_secrets(conn: Connection, key_id: uuid.UUID, keep: str) -> int:
    """End every secret of a key but `keep`; return how many ended."""
    return await sql.revoke_other_secrets(conn, key_id, digest_key(keep))
