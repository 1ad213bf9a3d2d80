"""MediaService: pictures by their links."""

from __future__ import annotations

import grpc
from google.api import httpbody_pb2
from onegenie.media.v1 import media_pb2 as pb
from onegenie.media.v1 import media_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.room.media.get_media import get_media
from core.room.media.objects import Objects
from edge import current_call


class MediaService(pb_grpc.MediaServiceServicer):
    """Serves onegenie.media.v1.MediaService."""

    def __init__(self, runtime: Runtime, objects: Objects) -> None:
        self._runtime = runtime
        self._objects = objects

    async def GetMedia(
        self, request: pb.GetMediaRequest, context: grpc.aio.ServicerContext
    ) -> httpbody_pb2.HttpBody:
        picture = await get_media(self._runtime, self._objects, request.file_id, request.token)
        current_call.get().response_headers.update(
            {
                # Only the client's own cache: who may see it hangs on the link.
                "cache-control": f"private, max-age={picture.seconds}, immutable",
                "etag": picture.etag,
                # Kept from an <img>, which sends no Origin, it has no CORS headers for a fetch.
                "vary": "Origin",
                "content-disposition": "inline",
                "content-security-policy": "default-src 'none'; sandbox",
            }
        )
        return httpbody_pb2.HttpBody(content_type=picture.content_type, data=picture.content)
