"""How many bytes of large requests are worked on at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest

RETRY_SECONDS = 5


class BodyBudget:
    """What requests beyond `small` bytes may have together: `most` bytes, or one of any size.

    Each is in memory as it came, as its parts and as what is made of them. Beyond that, another
    upload would only delay the ones in progress.
    """

    def __init__(self, small: int, most: int) -> None:
        self._small, self._most, self._taken = small, most, 0

    @contextmanager
    def taken(self, raw: object) -> Iterator[None]:
        """Take a request's bytes out of the budget; of a client stream nothing is known.

        Raises the surface's reason for too many requests, with the seconds to wait.
        """
        size = len(raw) if isinstance(raw, bytes) else 0
        if size <= self._small:
            size = 0
        elif self._taken and self._taken + size > self._most:
            raise ApiError(rest.CONDITION_RATE_LIMITED, retry_after=RETRY_SECONDS)
        self._taken += size
        try:
            yield
        finally:
            self._taken -= size
