"""Who calls with an access token: the authenticator of signed-in users."""

from __future__ import annotations

import uuid

from cachetools import TTLCache

from core.platform.database import Database
from core.platform.signing import Signer
from core.room.accounts.tokens import User, is_live, read_access_token
from edge import Call, current_call

# An ended session's tokens work this long at most: every process forgets what it knew.
CACHE_SECONDS = 2.0


def user() -> User:
    """Return the signed-in user who makes the current call; only in methods of that access."""
    identity = current_call.get().identity
    assert isinstance(identity, User)
    return identity


class Sessions:
    """The sessions that are known; an authenticator for the access level of users."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database = database
        self._signer = signer
        # Who has which session, and whether it is live: a token's other user has none.
        self._live: TTLCache[User, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)
        self._ended: TTLCache[uuid.UUID, bool] = TTLCache(maxsize=50_000, ttl=CACHE_SECONDS)

    async def __call__(self, call: Call) -> User | None:
        """Return the user whose live session the call's token is of."""
        found = read_access_token(self._signer, call.bearer)
        if found is None:
            return None
        live = self._live.get(found)
        if live is None:
            live = await is_live(self._database, found)
            # Unless it was forgotten while we asked.
            live = self._live[found] = live and found.session_id not in self._ended
        return found if live and found.session_id not in self._ended else None

    def forget(self, session_id: uuid.UUID) -> None:
        """Refuse an ended session's tokens from here on, without waiting for the cache."""
        self._ended[session_id] = True
