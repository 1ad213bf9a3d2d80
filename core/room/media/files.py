"""Keeping pictures, and links to them.

A picture is a row and two objects: the picture and its thumbnail. The row is there first, with a
job for later that deletes whatever is unused by then: a crash at any point leaves nothing
behind that nobody knows of.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import structlog
from cachetools import LRUCache
from procrastinate import JobContext

from core.platform.database import Connection
from core.platform.ids import parse_uuid
from core.platform.jobs import ERRANDS
from core.platform.pool import WorkPool
from core.platform.runtime import Runtime
from core.room.media import sql
from core.room.media.objects import Objects, StoreAway
from core.room.media.pictures import BadPicture, Prepared, TooLarge
from edge.reply.errors import ApiError, FieldViolation, invalid
from edge.v1 import annotations_pb2 as rest

log = structlog.get_logger(__name__)

T = TypeVar("T")
Size = Literal["picture", "thumbnail"]

AUDIENCE = "media"
SWEEP_AFTER = timedelta(hours=1)
_HOUR = 3600
_SIZES: tuple[Size, Size] = ("picture", "thumbnail")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a link gives. `seconds` is how long it still works."""

    content: bytes
    content_type: str
    etag: str
    seconds: int


class Media:
    """The pictures that the app keeps."""

    def __init__(self, runtime: Runtime, objects: Objects) -> None:
        self.pool = runtime.pictures
        self._database = runtime.database
        self._jobs = runtime.jobs
        self._objects = objects
        self._signer = runtime.signer
        self._clock = runtime.clock
        self._link_base = runtime.settings.link_base
        self._link_seconds = runtime.settings.picture_link_hours * _HOUR
        # Lists of posts repeat the links of their pictures again and again.
        self._links: LRUCache[tuple[uuid.UUID, Size, int], str] = LRUCache(10_000)
        # Behind everything that somebody waits for.
        self._task = runtime.jobs.task("media.sweep", self.sweep, ERRANDS, priority=-2)

    async def keep(
        self,
        owner_id: uuid.UUID,
        pictures: Sequence[Prepared],
        unused_for: timedelta = SWEEP_AFTER,
    ) -> list[uuid.UUID]:
        """Keep pictures: their ids, in order. Those not given to `use` by then are deleted.

        Raises UNAVAILABLE, and keeps none, when the object store fails.
        """
        ids = [uuid.uuid4() for _ in pictures]
        now = self._clock()
        files = [
            sql.NewFile(id, owner_id, one.content_type, one.width, one.height, now)
            for id, one in zip(ids, pictures, strict=True)
        ]
        async with self._database.begin() as conn:
            await sql.add(conn, files)
            names = [str(id) for id in ids]
            await self._jobs.defer(conn, self._task, after=unused_for, file_ids=names)
        try:
            for id, one in zip(ids, pictures, strict=True):
                await self._objects.put(_key(id, "picture"), one.content)
                await self._objects.put(_key(id, "thumbnail"), one.thumbnail)
        except StoreAway as error:
            log.error("pictures_not_kept", error=str(error))
            await self.discard(ids)
            raise ApiError(rest.CONDITION_UNAVAILABLE, retry_after=1) from error
        return ids

    async def use(self, conn: Connection, file_ids: Sequence[uuid.UUID]) -> None:
        """Say, in the transaction of `conn`, that pictures are part of something.

        Raises UNAVAILABLE when one has been deleted meanwhile.
        """
        if not await sql.use(conn, file_ids, self._clock()):
            raise ApiError(rest.CONDITION_UNAVAILABLE)

    async def discard(self, file_ids: Sequence[uuid.UUID]) -> None:
        """Delete what `keep` kept and nothing uses. What fails here, the job does later."""
        try:
            await self._delete_unused(file_ids)
        except StoreAway as error:
            log.warning("pictures_left_to_the_sweep", error=str(error))

    async def sweep(self, context: JobContext, file_ids: list[str]) -> None:
        """Delete those of the pictures that nothing uses. The job that `keep` puts on the queue."""
        await self._delete_unused([uuid.UUID(id) for id in file_ids])

    async def _delete_unused(self, file_ids: Sequence[uuid.UUID]) -> None:
        async with self._database.begin() as conn:
            used = await sql.remove_unused(conn, file_ids)
        # Without a connection, or a store that is away would take them all. Objects whose rows are
        # gone are still the job's, which knows their ids and is tried again until they are deleted.
        unused = [id for id in file_ids if id not in used]
        await self._objects.delete([_key(id, size) for id in unused for size in _SIZES])

    @property
    def longest_link(self) -> timedelta:
        """How long a link works at most."""
        return timedelta(seconds=self._link_seconds + _HOUR)

    def link(self, file_id: uuid.UUID, thumbnail: bool = False) -> str:
        """The absolute URL of a picture, which works for PICTURE_LINK_HOURS and up to an hour more.

        It is the same URL for an hour, so that clients keep what they got from it.
        """
        size: Size = "thumbnail" if thumbnail else "picture"
        hour = int(self._clock().timestamp()) // _HOUR
        known = (file_id, size, hour)
        if (url := self._links.get(known)) is None:
            expires = datetime.fromtimestamp((hour + 1) * _HOUR + self._link_seconds, UTC)
            token = self._signer.sign(AUDIENCE, {"file": str(file_id), "size": size}, expires)
            url = self._links[known] = f"{self._link_base}/media/{file_id}?token={token}"
        return url

    async def show(self, file_id: str, token: str) -> Shown | None:
        """What a link gives.

        None for one that is not ours or has expired, and when the picture is no more. Raises
        UNAVAILABLE when the object store fails.
        """
        claims = self._signer.read(AUDIENCE, token) or {}
        id, size = parse_uuid(file_id), claims.get("size")
        if id is None or size not in _SIZES or claims.get("file") != file_id:
            return None
        content_type = await sql.content_type(self._database, id)
        if content_type is None:
            return None
        try:
            content = await self._objects.get(_key(id, size))
        except StoreAway as error:
            log.error("picture_not_read", error=str(error))
            raise ApiError(rest.CONDITION_UNAVAILABLE, retry_after=1) from error
        if content is None:
            return None
        seconds = int(claims["exp"] - self._clock().timestamp())
        return Shown(content, content_type, f'"{file_id}-{size}"', seconds)


async def read(pool: WorkPool, field: str, content: bytes, function: Callable[[bytes], T]) -> T:
    """`function(content)` in the pool, of a picture that a client sent as `field`.

    Raises the surface's error naming the field for a bad picture, and the one of requests that
    are too large.
    """
    try:
        return await pool.run(function, content)
    except BadPicture as error:
        raise invalid(FieldViolation(field, str(error))) from error
    except TooLarge as error:
        violation = FieldViolation(field, str(error))
        raise ApiError(rest.CONDITION_TOO_LARGE, fields=[violation]) from error


def _key(file_id: uuid.UUID, size: Size) -> str:
    return f"{file_id}/{size}"
