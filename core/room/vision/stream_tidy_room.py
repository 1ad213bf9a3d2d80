"""GenerateTidyRoom and StreamTidyRoom: a picture of the room as it would be tidied up."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncGenerator

from onegenie.vision.v1 import vision_pb2 as pb

from core.room.media.files import Media, read
from core.room.media.pictures import BadPicture, Prepared, TooLarge, open_picture, prepare
from core.room.vision.ask import ask, unavailable
from core.room.vision.port import Progress, RoomVision
from edge.reply.errors import ApiError
from edge.v1 import annotations_pb2 as rest

# The engine's part of the work; what is left is keeping the picture.
ENGINE_SHARE = 0.9
KEEPING = "사진을 저장하는 중"
DONE = "완료"


class NobodyWaits(Exception):
    """Raised by the progress of a call that is over, so that its work ends with the next stage."""


class TidyRooms:
    """Tidies rooms with the engine and keeps the pictures. `timeout` is seconds for the engine."""

    def __init__(
        self, vision: RoomVision, media: Media, timeout: float, stopping: asyncio.Event
    ) -> None:
        self._vision = vision
        self._media = media
        self._timeout = timeout
        self._stopping = stopping

    async def tidy(
        self, user_id: uuid.UUID, content: bytes, progress: Progress = lambda share, stage: None
    ) -> pb.Choice:
        """The link to the tidied room's picture, which is the user's, and what was tidied.

        Raises INVALID_REQUEST and PAYLOAD_TOO_LARGE for the picture, UNAVAILABLE and
        DEADLINE_EXCEEDED.
        """
        room = await read(self._media.pool, "image", content, open_picture)
        over = False

        def tell(share: float, stage: str) -> None:
            if over:
                raise NobodyWaits
            if share < 1:  # when the engine is done, the picture is still to be kept
                progress(round(ENGINE_SHARE * share, 2), stage)

        try:
            tidied = await ask(self._vision.tidy(room, tell), self._timeout)
        finally:
            over = True
        progress(ENGINE_SHARE, KEEPING)
        link = await self._keep(user_id, tidied.picture)
        return choice(f"{link}\n\nGPT Analysis:\n{tidied.text}")

    async def stream(
        self, user_id: uuid.UUID, content: bytes
    ) -> AsyncGenerator[pb.StreamTidyRoomResponse]:
        """What `tidy` does and raises, with its progress.

        Stages that come faster than the caller reads are passed over; the share never falls. When
        the server stops the stream ends with UNAVAILABLE: the caller has to begin anew.
        """
        stage = LatestStage()
        work = asyncio.create_task(self.tidy(user_id, content, stage.tell))
        stop = asyncio.create_task(self._stopping.wait())
        for task in (work, stop):
            task.add_done_callback(lambda _: stage.changed.set())
        try:
            while not work.done():
                await stage.changed.wait()
                stage.changed.clear()
                if news := stage.take():
                    yield _event("progress", *news)
                if stop.done() and not work.done():
                    raise ApiError(rest.CONDITION_UNAVAILABLE, retry_after=1)
            yield _event("done", 1.0, DONE, work.result())
        finally:
            work.cancel()
            stop.cancel()
            await asyncio.gather(work, stop, return_exceptions=True)
            del work  # what it raised has this frame in its traceback: they would keep each other

    async def _keep(self, user_id: uuid.UUID, picture: bytes) -> str:
        """The link to a picture that the engine made."""
        try:
            prepared: Prepared = await self._media.pool.run(prepare, picture)
        except (BadPicture, TooLarge) as error:
            raise unavailable(f"the engine's picture {error}") from error
        # Nothing but this link leads to it: it goes when the link ends.
        ids = await self._media.keep(user_id, [prepared], unused_for=self._media.longest_link)
        return self._media.link(ids[0])


def choice(text: str) -> pb.Choice:
    """The one answer there is."""
    return pb.Choice(index=0, message=pb.ChoiceMessage(role="assistant", content=text))


class LatestStage:
    """The stage that work in a thread has come to: the latest only, however many were told."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._share = 0.0
        self._news: tuple[float, str] | None = None

    def tell(self, share: float, stage: str) -> None:
        """From any thread. The event loop is woken once for what is not taken yet."""
        with self._lock:
            known = self._news is not None
            self._share = max(self._share, share)
            self._news = (self._share, stage)
        if not known:
            self._loop.call_soon_threadsafe(self.changed.set)

    def take(self) -> tuple[float, str] | None:
        """What was told since the last time."""
        with self._lock:
            news, self._news = self._news, None
        return news


def _event(
    event: str, share: float, stage: str, answer: pb.Choice | None = None
) -> pb.StreamTidyRoomResponse:
    progress = pb.TidyRoomProgress(share=share, stage=stage)
    if answer is not None:
        progress.choices.append(answer)
    return pb.StreamTidyRoomResponse(event=event, progress=progress)
