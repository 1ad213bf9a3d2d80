"""The port: what a room-vision engine is, and what it says. Every text is Korean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # Pillow is imported where a picture is decoded, not by whoever holds an engine
    from PIL.Image import Image

Progress = Callable[[float, str], None]
"""Told the share of the work that is done (0 to 1) and the stage in Korean, from any thread.

It raises when nobody waits for the work any more: let that through, so that the work ends.
"""

COMPLETED = "미션 완료! 방이 깨끗하게 정리되었습니다."
"""The verdict on a mission that is done, whoever gives it: as documented, to the letter."""


class VisionUnavailable(Exception):
    """The engine can't be reached or gave nothing usable; the message says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mission is done, as far as two pictures show."""

    done: bool
    text: str
    """The verdict, and what is still to do when it isn't done."""
    estimated: bool = False
    """Whether it comes from measuring, not from looking."""


@dataclass(frozen=True, slots=True)
class TidyRoom:
    """A room as it would be tidied up."""

    picture: bytes
    """JPEG or PNG."""
    text: str
    """What was tidied."""


class RoomVision(Protocol):
    """Looks at rooms.

    Pictures come upright, in mode RGB, at most 1600 pixels on the longer side, without metadata.
    Every method but `close` raises VisionUnavailable.
    """

    async def analyze(self, room: Image) -> str:
        """Say how tidy the room is, and what there is to do first."""
        ...

    async def compare(self, before: Image, after: Image, mission: str) -> Verdict:
        """Judge whether `mission`, in the words of the person who has it, was done in between."""
        ...

    async def tidy(self, room: Image, progress: Progress) -> TidyRoom:
        """Tidy the room up in a picture. `progress` is told of it, last with a share of 1."""
        ...

    async def close(self) -> None:
        """Let go of what the engine holds."""
        ...
