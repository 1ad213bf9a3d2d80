"""VisionService: messages in, use cases, messages out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc
from onegenie.vision.v1 import vision_pb2 as pb
from onegenie.vision.v1 import vision_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.room.accounts.identity import user
from core.room.media.files import Media, read
from core.room.media.pictures import open_picture
from core.room.vision.ask import ask
from core.room.vision.port import RoomVision
from core.room.vision.tidy_room import TidyRooms, choice
from core.room.vision.verify_mission import verify_mission


class VisionService(pb_grpc.VisionServiceServicer):
    """Serves onegenie.vision.v1.VisionService."""

    def __init__(self, runtime: Runtime, vision: RoomVision, media: Media) -> None:
        self._database = runtime.database
        self._vision = vision
        self._pool = runtime.pictures
        self._clock = runtime.clock
        self._timeout = runtime.settings.vision_timeout
        self._rooms = TidyRooms(vision, media, self._timeout, runtime.stopping)

    async def AnalyzeRoom(
        self, request: pb.AnalyzeRoomRequest, context: grpc.aio.ServicerContext
    ) -> pb.AnalyzeRoomResponse:
        room = await read(self._pool, "image", request.image.content, open_picture)
        text = await ask(self._vision.analyze(room), self._timeout)
        return pb.AnalyzeRoomResponse(choices=[choice(text)])

    async def VerifyMission(
        self, request: pb.VerifyMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.VerifyMissionResponse:
        return await verify_mission(
            self._database,
            self._vision,
            self._pool,
            self._clock,
            self._timeout,
            user().id,
            request,
        )

    async def GenerateTidyRoom(
        self, request: pb.GenerateTidyRoomRequest, context: grpc.aio.ServicerContext
    ) -> pb.GenerateTidyRoomResponse:
        answer = await self._rooms.tidy(user().id, request.image.content)
        return pb.GenerateTidyRoomResponse(choices=[answer])

    async def StreamTidyRoom(
        self, request: pb.StreamTidyRoomRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.StreamTidyRoomResponse]:
        events = self._rooms.stream(user().id, request.image.content)
        async with contextlib.aclosing(events):
            async for event in events:
                yield event
