"""Decode pictures that clients upload."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.platform.pool import WorkPool
from core.room.media.pictures import BadPicture, TooLarge
from edge import ApiError, FieldViolation, invalid
from edge.v1 import annotations_pb2 as rest

T = TypeVar("T")


async def decode_upload(
    pool: WorkPool, field: str, content: bytes, decode: Callable[[bytes], T]
) -> T:
    """Return what `decode`, a function of `pictures`, makes of an upload; it runs in the pool.

    Raises INVALID_REQUEST for a bad picture and PAYLOAD_TOO_LARGE for one of too many bytes, both
    naming `field`; RATE_LIMITED when the pool is full.
    """
    try:
        return await pool.run(decode, content)
    except BadPicture as error:
        raise invalid(FieldViolation(field, str(error))) from error
    except TooLarge as error:
        violation = FieldViolation(field, str(error))
        raise ApiError(rest.CONDITION_TOO_LARGE, fields=[violation]) from error
