"""VerifyMission: a mission is completed by a picture from before and one from after it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from onegenie.error.v1.reasons import AppReason

from core.platform.runtime import Runtime
from core.room.media.decode_upload import decode_upload
from core.room.media.pictures import open_picture
from core.room.mission import sql as missions
from core.room.vision.ask import ask
from core.room.vision.port import RoomVision, Verdict
from edge import ApiError

ALREADY_DONE = "이미 완료한 미션입니다."


@dataclass(frozen=True, slots=True)
class VerifyMission:
    """A mission of the person's lists, and its pictures as they were uploaded."""

    mission_id: str
    before: bytes
    after: bytes


async def verify_mission(
    runtime: Runtime, vision: RoomVision, user_id: uuid.UUID, command: VerifyMission
) -> Verdict:
    """Complete the mission if the pictures show that it is done. Return the engine's verdict.

    One that was completed before is not looked at again. Raises MISSION_NOT_FOUND,
    INVALID_REQUEST and PAYLOAD_TOO_LARGE for the pictures, RATE_LIMITED, UNAVAILABLE and
    DEADLINE_EXCEEDED.
    """
    mission = await missions.find_listed(runtime.database, user_id, command.mission_id)
    if mission is None:
        raise ApiError(AppReason.MISSION_NOT_FOUND)
    if mission.completed_at is not None:
        return Verdict(done=True, text=ALREADY_DONE)
    pool = runtime.pictures
    before = await decode_upload(pool, "beforeImage", command.before, open_picture)
    after = await decode_upload(pool, "afterImage", command.after, open_picture)
    verdict = await ask(
        vision.compare(before, after, mission.content), runtime.settings.vision_timeout
    )
    if verdict.done:
        async with runtime.database.begin() as conn:
            # Whoever verified it at the same time may have been faster: completed it is.
            await missions.complete(conn, user_id, mission.id, runtime.clock())
    return verdict
