"""Access tokens: who is signed in, and on which device's session."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from core.platform.database import Reader
from core.platform.ids import parse_uuid
from core.platform.signing import Signer
from core.room.accounts.sql import session_is_live

AUDIENCE = "access"


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user."""

    id: uuid.UUID
    session_id: uuid.UUID


def make_access_token(signer: Signer, user: User, expires: datetime) -> str:
    """Make a token that stands for the user and the session until `expires`."""
    claims = {"sub": str(user.id), "sid": str(user.session_id)}
    return signer.sign(AUDIENCE, claims, expires)


def read_access_token(signer: Signer, token: str) -> User | None:
    """Return whom a token stands for, or None if it is not ours or has expired."""
    claims = signer.read(AUDIENCE, token) or {}
    user_id, session_id = (_uuid(claims.get(name)) for name in ("sub", "sid"))
    return User(user_id, session_id) if user_id and session_id else None


def _uuid(claim: object) -> uuid.UUID | None:
    return parse_uuid(claim) if isinstance(claim, str) else None


async def is_live(reader: Reader, user: User) -> bool:
    """Return whether the session has not ended."""
    return await session_is_live(reader, user.id, user.session_id)
