"""Sign tokens and recognise them again: JWTs (RFC 7519) with the keys of a JWK Set (RFC 7517).

The first key whose time has come signs: from its `nbf` on (a Unix time), or at once without one.
Tokens of every key in the set are recognised, so that a key can be replaced while its tokens are
still in use. Every process reads the file again when it has changed.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, OctKey

from core.platform.clock import Clock
from core.platform.files import write_private

ISSUER = "onegenie"
# Keys that a set keeps when one is added.
KEPT = 3
_ALGORITHM = "HS256"
_KEY_BYTES = 32

log = structlog.get_logger(__name__)


class Signer:
    """Signs and recognises tokens with the keys of a file; makes the file if it is missing."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._seen: tuple[int, int] | None = None
        self._warned = False
        self._keys = KeySet([])
        make_keys(path)
        self._read()

    def sign(self, audience: str, claims: dict[str, Any], expires: datetime) -> str:
        """Return a token for `audience` that holds `claims` until `expires`."""
        self._read()
        key = self._signing_key()
        header = {"alg": _ALGORITHM, "kid": key.kid}
        payload = {"iss": ISSUER, "aud": audience, "exp": int(expires.timestamp()), **claims}
        return jwt.encode(header, payload, key, algorithms=[_ALGORITHM])

    def read(self, audience: str, token: str) -> dict[str, Any] | None:
        """Return the claims of a token, or None if it is not valid.

        It is valid if we signed it for `audience`, its `nbf` (if any) has come, and its `exp` has
        not.
        """
        self._read()
        try:
            claims = jwt.decode(token, self._keys, algorithms=[_ALGORITHM]).claims
        # RecursionError: claims nested as deeply as only our own key could sign.
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return None
        if claims.get("iss") != ISSUER or claims.get("aud") != audience:
            return None
        now, expires, begins = self._clock().timestamp(), claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires, int) or expires <= now:
            return None
        if not isinstance(begins, int | float) or isinstance(begins, bool) or not begins <= now:
            return None
        return claims

    def _signing_key(self) -> Key:
        now = self._clock().timestamp()
        return next((key for key in self._keys.keys if _begins(key) <= now), self._keys.keys[-1])

    def _read(self) -> None:
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino)
            if seen == self._seen:
                return
            self._keys = _load(self._path)
            self._seen = seen
        except (OSError, ValueError) as error:
            # Perhaps somebody is copying the file right now: keep working with the keys we know.
            if self._seen is None:
                raise
            if not self._warned:
                log.error("token_keys_unreadable", error=type(error).__name__)
            self._warned = True
            return
        self._warned = False


def add_key(path: Path, begins: datetime | None = None) -> str:
    """Put a new key first in the set, drop the oldest ones, and return the new key's `kid`.

    The key signs from `begins` on; None means at once. Raises OSError.
    """
    keys = json.loads(path.read_text())["keys"]
    fresh = _new_key()
    if begins is not None:
        fresh["nbf"] = int(begins.timestamp())
    write_private(path, _set([fresh, *keys][:KEPT]))
    return str(fresh["kid"])


def check(path: Path) -> None:
    """Raise ValueError, which says what the file must be, unless we can sign with its keys."""
    _load(path)


def _load(path: Path) -> KeySet:
    try:
        found = KeySet.import_key_set(json.loads(path.read_text()))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        # Not the error's text, which may hold a part of a key.
        raise ValueError(f"must be a JWK Set ({type(error).__name__})") from None
    keys = found.keys
    if not all(isinstance(key, OctKey) for key in keys):
        raise ValueError("must hold only keys of the type oct")
    # RFC 7518, 3.2: a key must be at least as long as the hash.
    if not all(len(key.raw_value) >= _KEY_BYTES for key in keys if isinstance(key, OctKey)):
        raise ValueError(f"must hold only keys of at least {8 * _KEY_BYTES} bits")
    if not all(isinstance(_begins(key), int) for key in keys):
        raise ValueError("must have a whole number for nbf (a Unix time), or no nbf")
    try:
        for key in keys:  # its alg, use or key_ops may forbid it
            token = jwt.encode({"alg": _ALGORITHM}, {}, key, algorithms=[_ALGORITHM])
            jwt.decode(token, key, algorithms=[_ALGORITHM])
    except JoseError:
        raise ValueError(f"must hold only keys that may sign and verify by {_ALGORITHM}") from None
    return found


def _begins(key: Key) -> int:
    begins: int = key.as_dict(private=True).get("nbf", 0)  # type: ignore[assignment]
    return begins


def make_keys(path: Path) -> None:
    """Make the file unless it exists, also when several processes start. Raises OSError."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, _set([_new_key()]), replace=False)


def _new_key() -> dict[str, Any]:
    key = OctKey.generate_key(8 * _KEY_BYTES, {"kid": secrets.token_urlsafe(8), "alg": _ALGORITHM})
    return dict(key.as_dict(private=True))


def _set(keys: list[dict[str, Any]]) -> str:
    return json.dumps({"keys": keys})
