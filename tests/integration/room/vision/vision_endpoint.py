"""A loopback server that speaks OpenAI's chat and image-edit protocol, answering from scripts."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from PIL import Image

from core.platform.pool import WorkPool
from core.room.vision.openai import OpenAIRoomVision
from tests.integration.shop.meal.chat_endpoint import completion

# A hang that only the caller's patience ends.
HANG = "hang"
Step = web.Response | str


def picture(colour: str = "white", size: tuple[int, int] = (96, 64), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def images(*pictures: bytes) -> web.Response:
    data = [{"b64_json": base64.b64encode(each).decode()} for each in pictures]
    return web.json_response({"created": 1, "data": data})


def comparison(**changes: Any) -> web.Response:
    found = {
        "same_room": True,
        "before_clear": True,
        "after_clear": True,
        "done": True,
        "remaining": [],
        "text": "바닥이 정리되었습니다.",
    }
    return completion(json.dumps(found | changes))


class RoomEndpoint:
    """`asked` are the bodies of the chat calls, `edits` the parts of the image edits."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self.play()

    def play(
        self,
        says: list[Step] | None = None,
        draws: list[Step] | None = None,
        finds: list[Step] | None = None,
    ) -> None:
        """Begin anew. Scripts are used up one entry a call (the last one stays).

        `finds` answers comparisons, `says` the other chats, `draws` image edits.
        """
        self.says = says or [completion("바닥의 옷을 먼저 정리해 주세요.")]
        self.finds = finds or [comparison()]
        self.draws = draws or [images(picture("green"))]
        self.asked: list[dict[str, Any]] = []
        self.edits: list[dict[str, Any]] = []

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        return await self._answer(self.finds if "response_format" in body else self.says)

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        parts: dict[str, Any] = {}
        async for part in await request.multipart():
            content = await part.read()  # type: ignore[union-attr]
            is_file = part.filename is not None  # type: ignore[union-attr]
            parts[part.name] = bytes(content) if is_file else content.decode()  # type: ignore[index, union-attr]
        self.edits.append(parts)
        return await self._answer(self.draws)

    async def _answer(self, script: list[Step]) -> web.StreamResponse:
        step = script.pop(0) if len(script) > 1 else script[0]
        if not isinstance(step, web.Response):
            await self._over.wait()
            return web.Response(status=500)
        assert isinstance(step.body, bytes)
        return web.Response(body=step.body, status=step.status, content_type=step.content_type)

    @asynccontextmanager
    async def running(
        self, pool: WorkPool, timeout: float = 30.0, port: int | None = None
    ) -> AsyncIterator[OpenAIRoomVision]:
        """An engine that asks this endpoint, or finds nobody at `port`."""
        app = web.Application(client_max_size=50_000_000)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/images/edits", self._edit)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        engine = OpenAIRoomVision(
            base_url=f"http://127.0.0.1:{port or runner.addresses[0][1]}/v1",
            api_key="sk-test",
            model="eyes",
            image_model="gpt-image-test",
            timeout=timeout,
            pool=pool,
            backoff=0.01,
        )
        try:
            yield engine
        finally:
            self._over.set()
            await engine.close()
            await runner.cleanup()
