"""Check idempotency keys: a repeated call with the same key does nothing new."""

from __future__ import annotations

import re

from edge import ApiError, FieldViolation
from edge.v1.annotations_pb2 import CONDITION_INVALID_ARGUMENT

# A header over REST, metadata over gRPC.
IDEMPOTENCY_HEADER = "idempotency-key"
_VISIBLE_ASCII = re.compile("[!-~]{1,255}")


def check_key(key: str | None) -> None:
    """Raise INVALID_REQUEST, naming the header, unless the key is valid or absent."""
    if key is not None and not _VISIBLE_ASCII.fullmatch(key):
        raise _invalid_key("must be 1 to 255 visible ASCII characters")


def used_for_another_request() -> ApiError:
    """Return the error for a key that was already used with other contents."""
    return _invalid_key("was used for another request")


def _invalid_key(description: str) -> ApiError:
    return ApiError(
        CONDITION_INVALID_ARGUMENT,
        f"{IDEMPOTENCY_HEADER}: {description}",
        fields=(FieldViolation(IDEMPOTENCY_HEADER, description),),
    )
