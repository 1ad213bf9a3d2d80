"""Wait for an engine's answer; raise the error that clients see in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from core.room.vision.port import VisionUnavailable
from edge import ApiError
from edge.v1 import annotations_pb2 as rest

T = TypeVar("T")

RETRY_SECONDS = 5

log = structlog.get_logger(__name__)


async def ask(answer: Awaitable[T], timeout: float) -> T:
    """Return what the engine answers within `timeout` seconds.

    Raises UNAVAILABLE when it has no answer, DEADLINE_EXCEEDED when it takes longer.
    """
    try:
        async with asyncio.timeout(timeout):
            return await answer
    except VisionUnavailable as error:
        raise unavailable(str(error)) from error
    except TimeoutError as error:
        log.warning("vision_too_slow", seconds=timeout)
        raise ApiError(rest.CONDITION_DEADLINE_EXCEEDED, retry_after=RETRY_SECONDS) from error


def unavailable(reason: str) -> ApiError:
    """Log why an engine has no answer. Return the error for clients, who are told to retry."""
    log.warning("vision_unavailable", reason=reason)
    return ApiError(rest.CONDITION_UNAVAILABLE, retry_after=RETRY_SECONDS)
