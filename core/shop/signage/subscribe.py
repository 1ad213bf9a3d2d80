"""Subscribe: send a device what it is to show, from the present frame on.

Nothing is kept here but the number of the last frame sent: any process can go on where another
one stopped. The database says who is subscribed, what is shown and when it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from uuid import uuid4

from onegenie.error.v1.reasons import SdkReason
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.platform.runtime import Runtime
from core.shop.catalogue.port import Stores, StoreUnavailable
from core.shop.catalogue.sql import changed_topic
from core.shop.signage import frames, screen, sql
from core.shop.tenants.sql import Caller
from edge import ApiError
from edge.v1 import annotations_pb2 as rest

# The longest silence on a stream. A lost notification is made good for then, too.
KEEP_ALIVE_SECONDS = 15.0
# How often an idle screen's slides are read again: a remote store tells nobody of a change.
REFRESH_SECONDS = 60.0
# How long a store that can't be asked is left alone.
RETRY_SECONDS = 5.0
# A screen turns idle with its former slides rather than wait longer for the store.
STORE_SECONDS = 1.0


def subscribe(
    runtime: Runtime, stores: Stores, caller: Caller, after_sequence: int
) -> AsyncGenerator[pb.Frame]:
    """Follow the signage that the caller's key names; see Subscription.frames.

    Frames are messages, as they are stored.
    """
    return Subscription(runtime, stores, caller).frames(after_sequence)


class Subscription:
    """One device's stream."""

    def __init__(self, runtime: Runtime, stores: Stores, caller: Caller) -> None:
        """Prepare a stream for the signage that the caller's key names."""
        self._database = runtime.database
        self._changes = runtime.changes
        self._stopping = runtime.stopping
        self._store = stores.of_tenant(caller.tenant_id)
        self._key_id = caller.key_id
        self._tenant = caller.tenant_id
        self._signage = caller.signage_id or ""
        self._id = uuid4()
        self._refresh_at = 0.0

    async def frames(self, after_sequence: int) -> AsyncGenerator[pb.Frame]:
        """Yield each frame the device has not shown, and keep-alives.

        Ends when the server stops. Raises NOT_FOUND when the store has no such signage, also
        later, SUPERSEDED when a newer subscription took over, UNAUTHORIZED when the key was
        revoked, UNAVAILABLE when the store can't be asked about a signage seen for the first
        time.
        """
        topics = (
            frames.topic(self._tenant, self._signage),
            frames.tenant_topic(self._tenant),
            changed_topic(self._tenant),
        )
        with self._changes.watch(*topics) as changed:
            idle = await self._idle()
            latest = await self._take_over(known=idle is not None)
            # A number from the future is from another database: it says nothing here.
            seen = after_sequence if 0 < after_sequence <= latest else latest - 1
            try:
                async for frame in self._follow(changed, seen):
                    yield frame
            finally:
                await sql.leave(self._database, self._tenant, self._signage, self._id)

    async def _take_over(self, known: bool) -> int:
        async with self._database.begin() as conn:
            latest = await sql.take_over(conn, self._tenant, self._signage, self._id)
            if not latest and not known:
                raise ApiError(rest.CONDITION_UNAVAILABLE, "The store can't be asked just now.")
            await frames.wake(conn, self._tenant, [self._signage])
        return latest

    async def _follow(self, changed: asyncio.Event, seen: int) -> AsyncGenerator[pb.Frame]:
        time = asyncio.get_running_loop().time
        sent = touched = time()
        woken = True
        while not self._stopping.is_set():
            changed.clear()
            rows = await sql.look(self._database, self._tenant, self._signage, seen)
            if not rows:
                raise ApiError(SdkReason.NOT_FOUND, "There is no such signage.")
            present = rows[-1]
            if present.subscription_id != self._id:
                raise ApiError(SdkReason.SUPERSEDED)
            if not await self._is_settled(present, woken or time() >= self._refresh_at):
                woken = True
                continue
            for row in rows:
                if row.sequence is None or row.sequence <= seen:
                    continue
                # What was shown meanwhile and is over matters no more.
                if row is present or not _is_over(row):
                    seen = row.sequence
                    sent = time()
                    yield _frame(row)
            if time() - touched >= KEEP_ALIVE_SECONDS:
                touched = time()
                living = await sql.touch(
                    self._database, self._tenant, self._signage, self._id, key_id=self._key_id
                )
                if not living:
                    await self._say_why()
            if time() - sent >= KEEP_ALIVE_SECONDS:
                sent = time()
                keep_alive = pb.Frame(kind=pb.FRAME_KIND_KEEP_ALIVE, sequence=seen)
                keep_alive.created_at.GetCurrentTime()
                yield keep_alive
            wait = min(sent, touched) + KEEP_ALIVE_SECONDS - time()
            if present.seconds_left is not None:
                wait = min(wait, present.seconds_left)
            woken = await _set_within(changed, max(wait, 0.01))

    async def _is_settled(self, present: sql.Look, ask: bool) -> bool:
        """Return whether the present frame is what there is to show; if not, put that right.

        A recognised screen that is over becomes idle, an idle one gets its slides, and other
        slides make another idle frame. Many may find out at once: the first one counts.
        """
        if present.sequence is not None and present.expires_at is not None:
            if not _is_over(present):
                return True
        elif present.frame and not ask:
            return True
        idle = await self._idle()
        if idle is None and present.expires_at is None and present.frame:
            return True
        if idle is None:
            idle = await sql.last_idle(self._database, self._tenant, self._signage)
        if idle is None:
            idle = screen.idle(_numbered_as(present), ()).SerializeToString()
        if present.expires_at is None and present.frame == idle:
            return True
        if present.sequence is not None and present.frame == b"":
            await sql.fill(
                self._database, self._tenant, self._signage, present.sequence, frame=idle
            )
            return False
        async with self._database.begin() as conn:
            latest = present.last_sequence
            if await sql.add_after(conn, self._tenant, self._signage, latest, frame=idle):
                await frames.wake(conn, self._tenant, [self._signage])
        return False

    async def _idle(self) -> bytes | None:
        """Lay out the idle screen of the store as it is now; None when it can't be asked."""
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(STORE_SECONDS):
                signage, slides = await asyncio.gather(
                    self._store.list_signage(), self._store.list_slides(self._signage)
                )
        except (StoreUnavailable, TimeoutError):
            self._refresh_at = now + RETRY_SECONDS
            return None
        self._refresh_at = now + REFRESH_SECONDS
        return screen.idle(_find(signage, self._signage), slides).SerializeToString()

    async def _say_why(self) -> None:
        rows = await sql.look(self._database, self._tenant, self._signage, 0)
        if rows and rows[0].subscription_id == self._id:
            raise ApiError(SdkReason.UNAUTHORIZED)
        raise ApiError(SdkReason.SUPERSEDED)


def _find(signage: Sequence[store_pb2.Signage], signage_id: str) -> store_pb2.Signage:
    for one in signage:
        if one.id == signage_id:
            return one
    raise ApiError(SdkReason.NOT_FOUND, "There is no such signage.")


def _numbered_as(present: sql.Look) -> store_pb2.Signage:
    return store_pb2.Signage(number=pb.Frame.FromString(present.frame or b"").number)


def _is_over(row: sql.Look) -> bool:
    return row.seconds_left is not None and row.seconds_left <= 0


def _frame(row: Any) -> pb.Frame:
    frame = pb.Frame.FromString(row.frame)
    frame.sequence = row.sequence
    frame.created_at.FromDatetime(row.created_at)
    if row.expires_at is not None:
        frame.expires_at.FromDatetime(row.expires_at)
    return frame


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
