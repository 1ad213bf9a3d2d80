"""What stands where no room-vision engine can."""

from __future__ import annotations

from typing import NoReturn

from core.vision.port import VisionUnavailable


class NoVision:
    """A RoomVision that has no answer to anything, for `reason`."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def analyze(self, *args: object) -> NoReturn:
        raise VisionUnavailable(self._reason)

    compare = analyze
    tidy = analyze

    async def close(self) -> None:
        """Nothing to let go of."""
