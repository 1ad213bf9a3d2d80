"""Passwords and codes as Argon2id hashes. Slow by design: run these in a WorkPool."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# What OWASP's Password Storage Cheat Sheet recommends first: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


# Characters of a password (CreatePassword). A longer one is nobody's, and would take long.
LONGEST = 200


def hash_password(secret: str) -> str:
    """Return a salted Argon2id hash of a password or code, as a PHC string."""
    return _HASHER.hash(_normal(secret))


def matches(hashed: str, secret: str) -> bool:
    """Return whether the hash is of the secret; compares in constant time."""
    if len(secret) > LONGEST:
        return False
    try:
        return _HASHER.verify(hashed, _normal(secret))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Return whether the hash was made with other parameters than hashes are made with now."""
    return _HASHER.check_needs_rehash(hashed)


def _normal(secret: str) -> str:
    # One keyboard sends é as one character, another as two (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", secret)
