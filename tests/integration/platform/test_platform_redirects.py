"""What answers us elsewhere does not choose whom we ask next."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from core.platform.openai import OpenAIEndpoint, UpstreamError
from core.room.accounts.sms import HttpSms

REDIRECTS = [300, 301, 302, 303, 304, 307, 308]


@dataclass
class Asked:
    """A server that redirects all it is asked to one that must never be."""

    url: str = ""
    calls: int = 0
    strays: list[str] = field(default_factory=list)


@pytest.fixture
def redirecting() -> Callable[[int], contextlib.AbstractAsyncContextManager[Asked]]:
    @contextlib.asynccontextmanager
    async def serve(answer: Callable[..., Any]) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    @contextlib.asynccontextmanager
    async def make(status: int) -> AsyncIterator[Asked]:
        asked = Asked()

        async def elsewhere(request: web.Request) -> web.Response:
            asked.strays.append(request.path)
            return web.json_response({})

        async with serve(elsewhere) as target:

            async def redirect(request: web.Request) -> web.Response:
                asked.calls += 1
                return web.Response(status=status, headers={"Location": f"{target}/stray"})

            async with serve(redirect) as asked.url:
                yield asked

    return make


@pytest.mark.parametrize("status", REDIRECTS)
async def test_an_engines_endpoint_redirects_nobody(
    redirecting: Callable[..., Any], status: int
) -> None:
    async with redirecting(status) as asked:
        endpoint = OpenAIEndpoint(base_url=asked.url, api_key="k", timeout=5, total=5, backoff=0.01)
        for call in (endpoint.chat("m", []), endpoint.edit("m", b"jpeg", "tidy", timeout=5)):
            with pytest.raises(UpstreamError) as raised:
                await call
            assert (raised.value.reason, raised.value.retryable) == ("upstream refused", False)
        await endpoint.close()
    assert (asked.calls, asked.strays) == (2, [])


@pytest.mark.parametrize("status", REDIRECTS)
async def test_an_sms_provider_redirects_nobody(
    redirecting: Callable[..., Any], status: int
) -> None:
    async with redirecting(status) as asked:
        sms = HttpSms(f"{asked.url}/messages", token="secret")
        await sms.send("+821012345678", "123456")
        await sms.close()
    assert (asked.calls, asked.strays) == (1, [])
