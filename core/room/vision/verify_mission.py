"""VerifyMission: a mission is completed by a picture from before and one from after it."""

from __future__ import annotations

import uuid

from onegenie.error.v1.reasons import AppReason
from onegenie.vision.v1 import vision_pb2 as pb

from core.platform.clock import Clock
from core.platform.database import Database
from core.platform.pool import WorkPool
from core.room.media.files import read
from core.room.media.pictures import open_picture
from core.room.mission import sql as missions
from core.room.vision.ask import ask
from core.room.vision.port import RoomVision
from edge.reply.errors import ApiError

ALREADY_DONE = "이미 완료한 미션입니다."


async def verify_mission(
    database: Database,
    vision: RoomVision,
    pool: WorkPool,
    clock: Clock,
    timeout: float,
    user_id: uuid.UUID,
    request: pb.VerifyMissionRequest,
) -> pb.VerifyMissionResponse:
    """Complete the mission when the pictures show that it is done; say what is missing when not.

    One that was completed before is not looked at again. `timeout` is seconds for the engine.
    Raises MISSION_NOT_FOUND, INVALID_REQUEST and PAYLOAD_TOO_LARGE for the pictures, UNAVAILABLE
    and DEADLINE_EXCEEDED.
    """
    mission = await missions.find_listed(database, user_id, request.today_mission_id)
    if mission is None:
        raise ApiError(AppReason.MISSION_NOT_FOUND)
    if mission.completed_at is not None:
        return pb.VerifyMissionResponse(text=ALREADY_DONE, completed=True)
    before = await read(pool, "beforeImage", request.before_image.content, open_picture)
    after = await read(pool, "afterImage", request.after_image.content, open_picture)
    verdict = await ask(vision.compare(before, after, mission.content), timeout)
    if verdict.done:
        async with database.begin() as conn:
            # Whoever verified it at the same time may have been faster: completed it is.
            await missions.complete(conn, user_id, mission.id, clock())
    return pb.VerifyMissionResponse(
        text=verdict.text, completed=verdict.done, estimated=verdict.estimated
    )
