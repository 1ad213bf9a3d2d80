"""Who is calling: keys in the Authorization header, checked against the method's access level."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cachetools import TTLCache
from onegenie.rest.v1 import annotations_pb2 as rest

from core.platform.database import Database
from core.tenant.store import PREFIXES, Caller, KeyKind, caller_by_hash, hash_secret
from edge.errors import ApiError
from edge.server import Call, current_call

# A revoked key works this long at most: every process forgets what it knew of a key.
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


class Identity:
    """The interceptor that lets a call in, or refuses it. Deny by default."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: TTLCache[bytes, Caller] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Set `call.identity`, or raise the surface's reason for a missing credential."""
        if call.method.access != rest.ACCESS_PUBLIC:
            call.identity = await self._caller(call)
        yield

    async def _caller(self, call: Call) -> Caller:
        kind = _KIND_OF_ACCESS.get(call.method.access)
        scheme, _, secret = call.metadata.get("authorization", "").partition(" ")
        secret = secret.strip()
        if (
            kind is None
            or scheme.lower() != "bearer"
            or not secret.startswith(PREFIXES[kind])
            or len(secret) > 200
        ):
            raise ApiError("UNAUTHORIZED")
        known = await self._look_up(hash_secret(secret))
        if known is None or known.kind != kind:
            raise ApiError("UNAUTHORIZED")
        return known

    async def _look_up(self, hashed: bytes) -> Caller | None:
        known = self._known.get(hashed)
        if known is not None:
            return known
        # Many calls of one key, one query: those that come while it runs wait for it.
        task = self._lookups.get(hashed)
        if task is None:
            task = asyncio.create_task(self._query(hashed))
            self._lookups[hashed] = task
            task.add_done_callback(lambda _: self._lookups.pop(hashed, None))
        return await asyncio.shield(task)

    async def _query(self, hashed: bytes) -> Caller | None:
        async with self._database.connect() as conn:
            found = await caller_by_hash(conn, hashed)
        if found is not None:
            self._known[hashed] = found
        return found
