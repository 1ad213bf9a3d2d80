"""As much of S3 as keeping single objects takes, on the loopback interface."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web


@dataclass
class StandIn:
    """A running one: its objects by path, and whether it is out of order."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return web.Response(status=403)
        if self.broken:
            return web.Response(status=500)
        path = request.path.lstrip("/")
        if request.method == "PUT":
            self.objects[path] = body
            return web.Response(headers={"etag": '"1"'})
        if request.method == "POST" and "delete" in request.query:
            return self._delete_many(path, body.decode())
        if path not in self.objects:
            return _xml("<Error><Code>NoSuchKey</Code></Error>", 404)
        if request.method == "DELETE":
            del self.objects[path]
            return web.Response(status=204)
        headers = {"etag": '"1"', "last-modified": "Wed, 01 Apr 2026 01:00:00 GMT"}
        return web.Response(body=self.objects[path], headers=headers)

    def _delete_many(self, bucket: str, body: str) -> web.Response:
        """DeleteObjects: names what was not there as deleted, as S3 does."""
        keys = re.findall("<Key>(.*?)</Key>", body)
        for key in keys:
            self.objects.pop(f"{bucket.rstrip('/')}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return _xml(f"<DeleteResult>{deleted}</DeleteResult>", 200)


def _xml(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/xml")


@contextlib.asynccontextmanager
async def s3_stand_in() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", stand_in.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stand_in
    finally:
        await runner.cleanup()
