"""MediaService: pictures by their links."""

from __future__ import annotations

import grpc
from google.api import httpbody_pb2
from onegenie.media.v1 import media_pb2 as pb
from onegenie.media.v1 import media_pb2_grpc as pb_grpc

from core.room.media.files import Media
from edge.reply.errors import ApiError
from edge.serve.call import current_call
from edge.v1 import annotations_pb2 as rest


class MediaService(pb_grpc.MediaServiceServicer):
    """Serves onegenie.media.v1.MediaService."""

    def __init__(self, media: Media) -> None:
        self._media = media

    async def GetMedia(
        self, request: pb.GetMediaRequest, context: grpc.aio.ServicerContext
    ) -> httpbody_pb2.HttpBody:
        shown = await self._media.show(request.file_id, request.token)
        if shown is None:
            raise ApiError(rest.CONDITION_NOT_FOUND)
        current_call.get().response_headers.update(
            {
                # Only the client's own cache: who may see it hangs on the link.
                "cache-control": f"private, max-age={shown.seconds}, immutable",
                "etag": shown.etag,
                # Kept from an <img>, which sends no Origin, it has no CORS headers for a fetch.
                "vary": "Origin",
                "content-disposition": "inline",
                "content-security-policy": "default-src 'none'; sandbox",
            }
        )
        return httpbody_pb2.HttpBody(content_type=shown.content_type, data=shown.content)
