"""GenerateTidyRoom: a picture of the room as it would be tidied up."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core.platform.runtime import Runtime
from core.room.media.decode_upload import decode_upload
from core.room.media.files import Media
from core.room.media.pictures import BadPicture, TooLarge, open_picture, prepare
from core.room.vision.ask import ask, unavailable
from core.room.vision.port import Progress, RoomVision

# The engine's part of the work; what is left is saving the picture.
ENGINE_SHARE = 0.9
SAVING = "사진을 저장하는 중"


class NobodyWaits(Exception):
    """Raised by the progress of a call that is over, so that its work ends with the next stage."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What tidying rooms works with."""

    runtime: Runtime
    vision: RoomVision
    media: Media


@dataclass(frozen=True, slots=True)
class TidiedRoom:
    """The link to the tidied room's picture, which is the user's, and what was tidied."""

    link: str
    text: str


async def generate_tidy_room(
    ports: Ports,
    user_id: uuid.UUID,
    image: bytes,
    progress: Progress = lambda share, stage: None,
) -> TidiedRoom:
    """Tidy the room in a picture, and save the result.

    Raises INVALID_REQUEST and PAYLOAD_TOO_LARGE for the picture, RATE_LIMITED, UNAVAILABLE and
    DEADLINE_EXCEEDED.
    """
    runtime = ports.runtime
    room = await decode_upload(runtime.pictures, "image", image, open_picture)
    over = False

    def tell(share: float, stage: str) -> None:
        if over:
            raise NobodyWaits
        if share < 1:  # when the engine is done, the picture is still to be saved
            progress(round(ENGINE_SHARE * share, 2), stage)

    try:
        tidied = await ask(ports.vision.tidy(room, tell), runtime.settings.vision_timeout)
    finally:
        over = True
    progress(ENGINE_SHARE, SAVING)
    return TidiedRoom(await _save(ports, user_id, tidied.picture), tidied.text)


async def _save(ports: Ports, user_id: uuid.UUID, picture: bytes) -> str:
    """Save a picture that the engine made. Return the link to it."""
    try:
        prepared = await ports.runtime.pictures.run(prepare, picture)
    except (BadPicture, TooLarge) as error:
        raise unavailable(f"the engine's picture {error}") from error
    # Nothing but this link leads to it: it goes when the link ends.
    ids = await ports.media.save(user_id, [prepared], unused_for=ports.media.longest_link)
    return ports.media.link(ids[0])
