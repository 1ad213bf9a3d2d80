"""Who calls with a tenant's key: the authenticators of the store's access levels."""

from __future__ import annotations

import asyncio

from cachetools import TTLCache

from core.platform.database import Database
from core.shop.tenants.key_secret import PREFIXES, digest_key
from core.shop.tenants.sql import Caller, KeyKind, caller_by_digest
from edge import Authenticator, Call, current_call

# A revoked key works this long at most: every process forgets what it knew.
CACHE_SECONDS = 2.0

KIND_OF_ACCESS: dict[str, KeyKind] = {
    "sdk_key": "sdk",
    "tenant_admin": "admin",
    "signage": "signage",
}


def caller() -> Caller:
    """Return who makes the current call; only in methods whose access level asks for a key."""
    identity = current_call.get().identity
    assert isinstance(identity, Caller)
    return identity


class Keys:
    """The keys that are known; one object for all access levels that ask for one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: TTLCache[bytes, Caller] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
        # Apart from the known ones, which made-up keys are not to push out.
        self._unknown: TTLCache[bytes, None] = TTLCache(maxsize=10_000, ttl=CACHE_SECONDS)
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}

    def authenticators(self) -> dict[str, Authenticator]:
        """Return an authenticator for each access level that asks for a key."""
        return {access: self._of_kind(kind) for access, kind in KIND_OF_ACCESS.items()}

    def _of_kind(self, kind: KeyKind) -> Authenticator:
        async def authenticate(call: Call) -> Caller | None:
            secret = call.bearer
            if not secret.startswith(PREFIXES[kind]):
                return None
            known = await self._look_up(digest_key(secret))
            return known if known is not None and known.kind == kind else None

        return authenticate

    async def _look_up(self, digest: bytes) -> Caller | None:
        known = self._known.get(digest)
        if known is not None or digest in self._unknown:
            return known
        # Many calls of one key, one query: those that come while it runs wait for it.
        task = self._lookups.get(digest)
        if task is None:
            task = asyncio.create_task(self._query(digest))
            self._lookups[digest] = task
            task.add_done_callback(lambda _: self._lookups.pop(digest, None))
        return await asyncio.shield(task)

    async def _query(self, digest: bytes) -> Caller | None:
        found = await caller_by_digest(self._database, digest)
        if found is not None:
            self._known[digest] = found
        else:
            self._unknown[digest] = None
        return found
