"""A loopback server that speaks OpenAI's chat protocol, answering from a script or a function."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[dict[str, Any]], Awaitable[web.StreamResponse]]


def completion(
    content: str | None, *, finish: str = "stop", refusal: str | None = None
) -> web.Response:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return web.json_response(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    )


def failure(status: int, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": {"message": "secret upstream text", "type": "x", "code": "x"}}
    return web.json_response(body, status=status, headers=headers)


class ChatEndpoint:
    """`script` is used up one entry a call (the last one stays); `calls` are the bodies seen."""

    def __init__(self, *script: web.Response | Answer | float) -> None:
        self.script = list(script)
        self.calls: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: list[str] = []
        self.url = ""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.calls.append(body)
        self.times.append(asyncio.get_running_loop().time())
        self.keys.append(request.headers["Authorization"])
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, float):
            await asyncio.sleep(step)
            return completion("{}")
        if isinstance(step, web.Response):
            assert isinstance(step.body, bytes)
            headers = {k: v for k, v in step.headers.items() if k.lower() == "retry-after"}
            return web.Response(
                body=step.body, status=step.status, content_type=step.content_type, headers=headers
            )
        return await step(body)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ChatEndpoint"]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()


def reply(**changes: Any) -> dict[str, Any]:
    """A good answer: the documented example's tofu and napa cabbage, and something unknown."""

    def text(ko: str, en: str, ja: str) -> dict[str, str]:
        return {"ko": ko, "en": en, "ja": ja}

    def item(name: dict[str, str], category: str, quantity: float, unit: dict[str, str]) -> Any:
        return {"name": name, "category": category, "quantity": quantity, "unit": unit}

    truffle = text("트러플 오일", "truffle oil", "トリュフオイル")
    answer = {
        "recipe_title": "두부 전골",
        "intro_message": "오늘 메뉴는 두부 전골 어떠세요?",
        "recipe_description": "두부와 배추로 끓인 전골이에요.",
        "recommendation_message": "오늘 같은 날에 잘 어울려요.",
        "servings": 2,
        "minutes": 30,
        "ingredients": [
            item(text("두부", "tofu", "豆腐"), "Pantry", 1, text("모", "block", "丁")),
            item(text("배추", "napa cabbage", "白菜"), "Produce", 500, text("g", "g", "g")),
            item(truffle, "Pantry", 1, text("병", "bottle", "本")),
        ],
    }  # fmt: skip
    return answer | changes


def good(**changes: Any) -> web.Response:
    return completion(json.dumps(reply(**changes), ensure_ascii=False))
