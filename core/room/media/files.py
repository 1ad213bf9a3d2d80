"""Save pictures, and make links to them.

A picture is a row and two objects: the picture and its thumbnail. The row is there first, with a
job for later that deletes whatever is unused by then: a crash at any point leaves nothing
behind that nobody knows of.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog
from cachetools import LRUCache
from procrastinate import JobContext

from core.platform.database import Connection
from core.platform.jobs import ERRANDS
from core.platform.runtime import Runtime
from core.room.media import sql
from core.room.media.objects import Objects, ObjectsUnavailable
from core.room.media.pictures import Prepared
from edge import ApiError
from edge.v1 import annotations_pb2 as rest

log = structlog.get_logger(__name__)

Size = Literal["picture", "thumbnail"]

AUDIENCE = "media"
SWEEP_AFTER = timedelta(hours=1)
SIZES: tuple[Size, Size] = ("picture", "thumbnail")
_HOUR = 3600


class Media:
    """The port to the pictures that the app keeps: saves them and links to them."""

    def __init__(self, runtime: Runtime, objects: Objects) -> None:
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

    async def save(
        self,
        owner_id: uuid.UUID,
        pictures: Sequence[Prepared],
        unused_for: timedelta = SWEEP_AFTER,
    ) -> list[uuid.UUID]:
        """Save pictures. Return their ids, in order.

        Those that `use` is not told of within `unused_for` are deleted. Raises UNAVAILABLE, and
        saves none, when the object store fails.
        """
        ids = [uuid.uuid4() for _ in pictures]
        now = self._clock()
        files = [
            sql.NewFile(
                id=id,
                owner_id=owner_id,
                content_type=one.content_type,
                width=one.width,
                height=one.height,
                created_at=now,
            )
            for id, one in zip(ids, pictures, strict=True)
        ]
        async with self._database.begin() as conn:
            await sql.add(conn, files)
            names = [str(id) for id in ids]
            await self._jobs.defer(conn, self._task, after=unused_for, file_ids=names)
        try:
            for id, one in zip(ids, pictures, strict=True):
                await self._objects.put(object_key(id, "picture"), one.content)
                await self._objects.put(object_key(id, "thumbnail"), one.thumbnail)
        except ObjectsUnavailable as error:
            log.error("pictures_not_kept", error=str(error))
            await self.discard(ids)
            raise ApiError(rest.CONDITION_UNAVAILABLE, retry_after=1) from error
        return ids

    async def use(self, conn: Connection, file_ids: Sequence[uuid.UUID]) -> None:
        """Mark pictures, in the transaction of `conn`, as part of something.

        Raises UNAVAILABLE when one has been deleted meanwhile.
        """
        if not await sql.use(conn, file_ids, self._clock()):
            raise ApiError(rest.CONDITION_UNAVAILABLE)

    async def discard(self, file_ids: Sequence[uuid.UUID]) -> None:
        """Delete what `save` saved and nothing uses. What fails here, the job does later."""
        try:
            await self._delete_unused(file_ids)
        except ObjectsUnavailable as error:
            log.warning("pictures_left_to_the_sweep", error=str(error))

    async def sweep(self, context: JobContext, file_ids: list[str]) -> None:
        """Delete those of the pictures that nothing uses: the job that `save` puts on the queue."""
        await self._delete_unused([uuid.UUID(id) for id in file_ids])

    async def _delete_unused(self, file_ids: Sequence[uuid.UUID]) -> None:
        async with self._database.begin() as conn:
            used = await sql.remove_unused(conn, file_ids)
        # Without a connection, or a store that is away would take them all. Objects whose rows are
        # gone are still the job's, which knows their ids and is tried again until they are deleted.
        unused = [id for id in file_ids if id not in used]
        await self._objects.delete([object_key(id, size) for id in unused for size in SIZES])

    @property
    def longest_link(self) -> timedelta:
        """The longest time that a link works."""
        return timedelta(seconds=self._link_seconds + _HOUR)

    def link(self, file_id: uuid.UUID, thumbnail: bool = False) -> str:
        """Return the absolute URL of a picture, or of its thumbnail.

        It works for PICTURE_LINK_HOURS and up to an hour more. It is the same URL for an
        hour, so that clients keep what they got from it.
        """
        size: Size = "thumbnail" if thumbnail else "picture"
        hour = int(self._clock().timestamp()) // _HOUR
        known = (file_id, size, hour)
        if (url := self._links.get(known)) is None:
            expires = datetime.fromtimestamp((hour + 1) * _HOUR + self._link_seconds, UTC)
            token = self._signer.sign(AUDIENCE, {"file": str(file_id), "size": size}, expires)
            url = self._links[known] = f"{self._link_base}/media/{file_id}?token={token}"
        return url


def object_key(file_id: uuid.UUID, size: Size) -> str:
    """Return the key of a picture, or of its thumbnail, in the object store."""
    return f"{file_id}/{size}"
