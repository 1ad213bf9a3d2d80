"""GetMedia: a picture by its link."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from core.platform.ids import parse_uuid
from core.platform.runtime import Runtime
from core.room.media import sql
from core.room.media.files import AUDIENCE, SIZES, object_key
from core.room.media.objects import Objects, ObjectsUnavailable
from edge import ApiError
from edge.v1 import annotations_pb2 as rest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """What a link gives, and the seconds for which the link still works."""

    content: bytes
    content_type: str
    etag: str
    seconds: int


async def get_media(runtime: Runtime, objects: Objects, file_id: str, token: str) -> LinkedPicture:
    """Return the picture, or the thumbnail, that a link of `Media.link` leads to.

    Raises NOT_FOUND for a link that is not ours or has expired, and when the picture is no more;
    UNAVAILABLE when the object store fails.
    """
    claims = runtime.signer.read(AUDIENCE, token) or {}
    id, size = parse_uuid(file_id), claims.get("size")
    if id is None or size not in SIZES or claims.get("file") != file_id:
        raise ApiError(rest.CONDITION_NOT_FOUND)
    content_type = await sql.content_type(runtime.database, id)
    if content_type is None:
        raise ApiError(rest.CONDITION_NOT_FOUND)
    try:
        content = await objects.get(object_key(id, size))
    except ObjectsUnavailable as error:
        log.error("picture_not_read", error=str(error))
        raise ApiError(rest.CONDITION_UNAVAILABLE, retry_after=1) from error
    if content is None:
        raise ApiError(rest.CONDITION_NOT_FOUND)
    seconds = int(claims["exp"] - runtime.clock().timestamp())
    return LinkedPicture(content, content_type, f'"{file_id}-{size}"', seconds)
