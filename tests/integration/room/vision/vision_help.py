"""A room-vision engine that does as a test says, and somebody who shows it rooms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import grpc
from onegenie.media.v1 import picture_pb2
from onegenie.vision.v1 import vision_pb2 as pb
from onegenie.vision.v1 import vision_pb2_grpc as pb_grpc
from PIL.Image import Image

from core.room.vision.port import Progress, TidyRoom, Verdict
from tests.photos import photo
from tests.support import Person

PHOTO = photo()


class ScriptedVision:
    """A RoomVision that waits, fails or answers as a test says. Keeps what it was asked."""

    def __init__(self) -> None:
        self.verdict = Verdict(True, "미션 완료! 방이 깨끗하게 정리되었습니다.")
        self.tidied = TidyRoom(photo(width=80, height=60), "침대를 정리했습니다.")
        self.stages = [(0.25, "살펴보는 중"), (1.0, "완료")]
        self.failure: Exception | None = None
        self.asked: list[tuple[object, ...]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.left = asyncio.Event()

    async def _answer(self, *question: object) -> None:
        self.asked.append(question)
        with self._told_of_leaving():
            await self.open.wait()
        if self.failure:
            raise self.failure

    @contextlib.contextmanager
    def _told_of_leaving(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            self.left.set()
            raise

    async def analyze(self, room: Image) -> str:
        await self._answer(room)
        return "방이 깨끗합니다."

    async def compare(self, before: Image, after: Image, mission: str) -> Verdict:
        await self._answer(before, after, mission)
        return self.verdict

    async def tidy(self, room: Image, progress: Progress) -> TidyRoom:
        first, *rest = self.stages or [None]  # type: ignore[list-item]
        with self._told_of_leaving():  # however far it has come by then
            if first:
                await asyncio.to_thread(progress, *first)
            await self._answer(room)
            for stage in rest:
                await asyncio.to_thread(progress, *stage)
        return self.tidied

    async def close(self) -> None:
        """Nothing to close."""


class Caller:
    """A person who calls VisionService."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._stub = pb_grpc.VisionServiceStub(person.channel)
        self._options: dict[str, Any] = {"metadata": person.metadata, "timeout": 30}

    async def analyze(self, content: bytes = PHOTO) -> str:
        request = pb.AnalyzeRoomRequest(image=picture_pb2.Picture(content=content))
        [answer] = (await self._stub.AnalyzeRoom(request, **self._options)).choices
        assert (answer.index, answer.message.role) == (0, "assistant")
        return answer.message.content

    async def verify(
        self, mission_id: object, before: bytes = PHOTO, after: bytes = PHOTO
    ) -> pb.VerifyMissionResponse:
        request = pb.VerifyMissionRequest(
            today_mission_id=str(mission_id),
            before_image=picture_pb2.Picture(content=before),
            after_image=picture_pb2.Picture(content=after),
        )
        return await self._stub.VerifyMission(request, **self._options)

    async def tidy(self, content: bytes = PHOTO) -> str:
        request = pb.GenerateTidyRoomRequest(image=picture_pb2.Picture(content=content))
        [answer] = (await self._stub.GenerateTidyRoom(request, **self._options)).choices
        return answer.message.content

    def stream(self, content: bytes = PHOTO) -> grpc.aio.UnaryStreamCall:
        request = pb.StreamTidyRoomRequest(image=picture_pb2.Picture(content=content))
        return self._stub.StreamTidyRoom(request, **self._options)
