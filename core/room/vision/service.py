"""VisionService: messages in, use cases, messages out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc
from onegenie.vision.v1 import vision_pb2 as pb
from onegenie.vision.v1 import vision_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.room.accounts.identity import user
from core.room.media.files import Media
from core.room.vision.analyze_room import analyze_room
from core.room.vision.generate_tidy_room import Ports, TidiedRoom, generate_tidy_room
from core.room.vision.port import RoomVision
from core.room.vision.stream_tidy_room import TidyRoomEvent, stream_tidy_room
from core.room.vision.verify_mission import VerifyMission, verify_mission


class VisionService(pb_grpc.VisionServiceServicer):
    """Serves onegenie.vision.v1.VisionService."""

    def __init__(self, runtime: Runtime, vision: RoomVision, media: Media) -> None:
        self._runtime = runtime
        self._vision = vision
        self._ports = Ports(runtime, vision, media)

    async def AnalyzeRoom(
        self, request: pb.AnalyzeRoomRequest, context: grpc.aio.ServicerContext
    ) -> pb.AnalyzeRoomResponse:
        text = await analyze_room(self._runtime, self._vision, request.image.content)
        return pb.AnalyzeRoomResponse(choices=[_choice(text)])

    async def VerifyMission(
        self, request: pb.VerifyMissionRequest, context: grpc.aio.ServicerContext
    ) -> pb.VerifyMissionResponse:
        command = VerifyMission(
            mission_id=request.today_mission_id,
            before=request.before_image.content,
            after=request.after_image.content,
        )
        verdict = await verify_mission(self._runtime, self._vision, user().id, command)
        return pb.VerifyMissionResponse(
            text=verdict.text, completed=verdict.done, estimated=verdict.estimated
        )

    async def GenerateTidyRoom(
        self, request: pb.GenerateTidyRoomRequest, context: grpc.aio.ServicerContext
    ) -> pb.GenerateTidyRoomResponse:
        room = await generate_tidy_room(self._ports, user().id, request.image.content)
        return pb.GenerateTidyRoomResponse(choices=[_tidied(room)])

    async def StreamTidyRoom(
        self, request: pb.StreamTidyRoomRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.StreamTidyRoomResponse]:
        events = stream_tidy_room(self._ports, user().id, request.image.content)
        async with contextlib.aclosing(events):
            async for event in events:
                yield _event(event)


def _event(event: TidyRoomEvent) -> pb.StreamTidyRoomResponse:
    progress = pb.TidyRoomProgress(share=event.share, stage=event.stage)
    if event.room is not None:
        progress.choices.append(_tidied(event.room))
    return pb.StreamTidyRoomResponse(event=event.event, progress=progress)


def _tidied(room: TidiedRoom) -> pb.Choice:
    # One text, since the app takes it apart.
    return _choice(f"{room.link}\n\nGPT Analysis:\n{room.text}")


def _choice(text: str) -> pb.Choice:
    return pb.Choice(index=0, message=pb.ChoiceMessage(role="assistant", content=text))
