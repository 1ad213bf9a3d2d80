"""Who is calling: the Authorization header, checked against the method's access."""

from __future__ import annotations

import asyncio
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cachetools import TTLCache

from core.platform.database import Database
from core.platform.signing import Signer
from core.room.accounts.tokens import User, read_access_token
from core.room.accounts.tokens import is_live as session_is_live
from core.shop.tenants.sql import PREFIXES, Caller, KeyKind, caller_by_hash, hash_secret
from edge.reply.errors import ApiError
from edge.serve.interceptor import Call, current_call
from edge.v1 import annotations_pb2 as rest

# A revoked key or an ended session works this long at most: every process forgets what it knew.
CACHE_SECONDS = 2.0

_KIND_OF_ACCESS: dict[int, KeyKind] = {
    rest.ACCESS_SDK_KEY: "sdk",
    rest.ACCESS_TENANT_ADMIN: "admin",
    rest.ACCESS_SIGNAGE: "signage",
}


def caller() -> Caller:
    """Who makes the current call; only in methods whose access level asks for a key."""
    identity = current_call.get().identity
    assert isinstance(identity, Caller)
    return identity


def user() -> User:
    """The signed-in user who makes the current call; only in methods of that access level."""
    identity = current_call.get().identity
    assert isinstance(identity, User)
    return identity


class Identity:
    """The interceptor that lets a call in, or refuses it. Deny by default."""

    def __init__(
        self,
        database: Database | None,
        service_token: str | None = None,
        signer: Signer | None = None,
    ) -> None:
        """Without a database nobody has a key; without `service_token` no other service gets in,
        without `signer` no user."""
        self._database = database
        self._signer = signer
        # Who has which session, and whether it is live: a token's other user has none.
        self._sessions: TTLCache[User, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
        self._ended: TTLCache[uuid.UUID, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
        self._service = hash_secret(service_token) if service_token else None
        self._known: TTLCache[bytes, Caller] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
        # Apart from the known ones, which made-up keys are not to push out.
        self._unknown: TTLCache[bytes, None] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Set `call.identity`, or raise the surface's reason for a missing credential."""
        if call.method.access == rest.ACCESS_SERVICE:
            self._check_service(_bearer(call))
        elif call.method.access == rest.ACCESS_USER:
            call.identity = await self._user(_bearer(call))
        elif call.method.access != rest.ACCESS_PUBLIC:
            call.identity = await self._caller(call)
        yield

    def _check_service(self, secret: str) -> None:
        # Hashes, so that neither where two secrets differ nor how long ours is shows in the time.
        if self._service is None or not hmac.compare_digest(hash_secret(secret), self._service):
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)

    async def _user(self, token: str) -> User:
        found = read_access_token(self._signer, token) if self._signer else None
        if found is None or self._database is None:
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
        live = self._sessions.get(found)
        if live is None:
            async with self._database.connect() as conn:
                live = await session_is_live(conn, found)
            # Unless it was forgotten while we asked.
            live = self._sessions[found] = live and found.session_id not in self._ended
        if not live or found.session_id in self._ended:
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
        return found

    def forget_session(self, session_id: uuid.UUID) -> None:
        """Refuse an ended session's tokens from here on, without waiting for the cache."""
        self._ended[session_id] = True

    async def _caller(self, call: Call) -> Caller:
        kind = _KIND_OF_ACCESS.get(call.method.access)
        secret = _bearer(call)
        if kind is None or not secret.startswith(PREFIXES[kind]):
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
        known = await self._look_up(hash_secret(secret))
        if known is None or known.kind != kind:
            raise ApiError(rest.CONDITION_UNAUTHENTICATED)
        return known

    async def _look_up(self, hashed: bytes) -> Caller | None:
        known = self._known.get(hashed)
        if known is not None or hashed in self._unknown:
            return known
        # Many calls of one key, one query: those that come while it runs wait for it.
        task = self._lookups.get(hashed)
        if task is None:
            task = asyncio.create_task(self._query(hashed))
            self._lookups[hashed] = task
            task.add_done_callback(lambda _: self._lookups.pop(hashed, None))
        return await asyncio.shield(task)

    async def _query(self, hashed: bytes) -> Caller | None:
        if self._database is None:
            return None
        async with self._database.connect() as conn:
            found = await caller_by_hash(conn, hashed)
        if found is not None:
            self._known[hashed] = found
        else:
            self._unknown[hashed] = None
        return found


def _bearer(call: Call) -> str:
    """The bearer secret the call came with; empty without a sane one."""
    scheme, _, secret = call.metadata.get("authorization", "").partition(" ")
    secret = secret.strip()
    return secret if scheme.lower() == "bearer" and len(secret) <= 1000 else ""
