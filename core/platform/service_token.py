"""Calls between services of ours: the authenticator of a secret that both are configured with."""

from __future__ import annotations

import hashlib
import hmac

from edge.serve.authenticators import Authenticator
from edge.serve.call import Call


def service_authenticator(token: str | None) -> Authenticator:
    """Make the authenticator of SERVICE_TOKEN; without one no service gets in."""
    known = _digest(token) if token else None

    async def authenticate(call: Call) -> str | None:
        # Digests, so that neither where two secrets differ nor how long ours is shows in the time.
        right = known is not None and hmac.compare_digest(_digest(call.bearer), known)
        return "service" if right else None

    return authenticate


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
