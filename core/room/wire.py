"""The room's wing, put together: a new service of it is named here and in core/app/services.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from core.platform.clock import Clock
from core.platform.pool import WorkPool
from core.platform.runtime import Runtime, Wing
from core.platform.settings import Settings
from core.room.accounts.identity import Sessions
from core.room.accounts.service import AuthService, UserService
from core.room.accounts.sms import HttpSms, OutboxSms, Sms
from core.room.accounts.sweep import keep_swept
from core.room.friend.service import FriendService
from core.room.media.files import Media
from core.room.media.objects import open_objects
from core.room.media.service import MediaService
from core.room.mission.service import MissionService
from core.room.post.service import PostService
from core.room.vision.port import RoomVision
from core.room.vision.service import VisionService


@contextlib.asynccontextmanager
async def build(runtime: Runtime, vision: RoomVision | None = None) -> AsyncIterator[Wing]:
    """Make the wing; what it opened is closed when the block ends.

    `vision` takes the place of the engine that the settings name.
    """
    settings = runtime.settings
    async with (
        _open_sms(settings, runtime.clock) as sms,
        open_vision(settings, vision, runtime.pictures) as vision,
    ):
        sessions = Sessions(runtime.database, runtime.signer)
        objects = open_objects(settings.pictures_url, settings.data_dir / "pictures")
        media = Media(runtime, objects)
        refresh_token_life = timedelta(days=settings.refresh_token_days)
        yield Wing(
            servicers=[
                AuthService(runtime, sms, sessions),
                MissionService(runtime),
                FriendService(runtime),
                UserService(runtime),
                PostService(runtime, media),
                MediaService(runtime, objects),
                VisionService(runtime, vision, media),
            ],
            authenticators={"user": sessions},
            background={
                "sweep": lambda: keep_swept(runtime.database, runtime.clock, refresh_token_life)
            },
        )


@contextlib.asynccontextmanager
async def open_vision(
    settings: Settings, vision: RoomVision | None, pool: WorkPool
) -> AsyncIterator[RoomVision]:
    """The room-vision engine that the settings name, as `open_engine` does it for meals."""
    with contextlib.ExitStack() as stack:
        if vision is not None:
            pass
        elif settings.vision_engine == "openai":
            from core.room.vision.openai import OpenAIRoomVision

            assert settings.openai_api_key is not None
            vision = OpenAIRoomVision(
                base_url=settings.openai_base_url,
                api_key=settings.openai_api_key.get_secret_value(),
                model=settings.vision_model,
                image_model=settings.image_model,
                timeout=settings.vision_timeout,
                pool=pool,
            )
        else:
            from core.room.vision.embedded import EmbeddedVision

            # Threads of its own: uploads don't wait for rooms that take seconds. Few wait for
            # these, since whoever is far back would give up before it is their turn.
            own = WorkPool(settings.picture_workers, 8)
            vision = EmbeddedVision(stack.enter_context(contextlib.closing(own)))
        try:
            yield vision
        finally:
            await vision.close()


@contextlib.asynccontextmanager
async def _open_sms(settings: Settings, clock: Clock) -> AsyncIterator[Sms]:
    """The way to phones that the settings name."""
    sms: Sms
    if settings.sms_url is None:
        sms = OutboxSms(settings.data_dir / "outbox" / "sms.jsonl", clock)
    else:
        token = settings.sms_token
        sms = HttpSms(
            settings.sms_url, token.get_secret_value() if token else None, settings.sms_sender
        )
    try:
        yield sms
    finally:
        await sms.close()
