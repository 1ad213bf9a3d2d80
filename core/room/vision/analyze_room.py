"""AnalyzeRoom."""

from __future__ import annotations

from core.platform.runtime import Runtime
from core.room.media.decode_upload import decode_upload
from core.room.media.pictures import open_picture
from core.room.vision.ask import ask
from core.room.vision.port import RoomVision


async def analyze_room(runtime: Runtime, vision: RoomVision, image: bytes) -> str:
    """Return what the engine says of a picture of a room.

    Raises INVALID_REQUEST and PAYLOAD_TOO_LARGE for the picture, RATE_LIMITED, UNAVAILABLE and
    DEADLINE_EXCEEDED.
    """
    room = await decode_upload(runtime.pictures, "image", image, open_picture)
    return await ask(vision.analyze(room), runtime.settings.vision_timeout)
