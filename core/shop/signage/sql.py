"""SQL of signage: frames, and the devices that show them.

Every frame takes the next number of its signage's row in signage_devices, so the row's lock puts
frames in order, and `last_sequence` is the number of the present one. All times are the
database's: the core processes' clocks don't matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from core.platform.database import Connection, Query, Reader, Statement

# Frames that stay for devices that come back after a drop.
KEPT_FRAMES = 16
# A device is heard of at least every 15 s; one that was not for this long is away.
AWAY_AFTER_SECONDS = 40.0

# Numbers in the order of ids, so that two broadcasts at once don't wait for each other's rows.
_ADD_RECOGNIZED = Statement(
    text(
        """
    WITH shown AS (
        SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:frames AS bytea[])) AS shown(id, frame)
    ), numbered AS (
        INSERT INTO signage_devices AS device (tenant_id, signage_id, last_sequence)
        SELECT CAST(:tenant AS uuid), id, 1 FROM shown ORDER BY id
        ON CONFLICT (tenant_id, signage_id)
            DO UPDATE SET last_sequence = device.last_sequence + 1
        RETURNING signage_id, last_sequence
    )
    INSERT INTO signage_frames (tenant_id, signage_id, sequence, frame, expires_at)
    SELECT CAST(:tenant AS uuid), id, last_sequence, frame,
        now() + make_interval(secs => CAST(:seconds AS double precision))
    FROM numbered JOIN shown ON id = signage_id
    """
    )
)
_LOCK = Statement(
    text(
        """
    SELECT device.signage_id FROM signage_devices AS device
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = ANY(CAST(:ids AS text[]))
    ORDER BY signage_id FOR UPDATE
    """
    )
)
# An idle frame gets its slides from the process that first delivers it. Only a recognised frame
# has an end.
_ADD_IDLE = Statement(
    text(
        """
    WITH numbered AS (
        UPDATE signage_devices AS device SET last_sequence = device.last_sequence + 1
        FROM signage_frames AS present
        WHERE device.tenant_id = CAST(:tenant AS uuid)
            AND device.signage_id = ANY(CAST(:ids AS text[]))
            AND present.tenant_id = device.tenant_id
            AND present.signage_id = device.signage_id
            AND present.sequence = device.last_sequence
            AND present.expires_at IS NOT NULL
        RETURNING device.signage_id, device.last_sequence
    )
    INSERT INTO signage_frames (tenant_id, signage_id, sequence, frame)
    SELECT CAST(:tenant AS uuid), signage_id, last_sequence, '' FROM numbered
    """
    )
)
_FORGET = Statement(
    text(
        """
    DELETE FROM signage_frames AS frame USING signage_devices AS device
    WHERE device.tenant_id = CAST(:tenant AS uuid)
        AND device.signage_id = ANY(CAST(:ids AS text[]))
        AND frame.tenant_id = device.tenant_id AND frame.signage_id = device.signage_id
        AND frame.sequence <= device.last_sequence - CAST(:kept AS bigint)
    """
    )
)


async def add_recognized(
    conn: Connection, tenant_id: UUID, frames: Mapping[str, bytes], seconds: float
) -> None:
    """Add the next frame of each signage, by its id; it ends so many seconds from now."""
    if frames:
        ids = list(frames)
        await conn.run(
            _ADD_RECOGNIZED,
            tenant=tenant_id,
            ids=ids,
            frames=list(frames.values()),
            seconds=float(seconds),
        )
        await conn.run(_FORGET, tenant=tenant_id, ids=ids, kept=KEPT_FRAMES)


async def add_idle(conn: Connection, tenant_id: UUID, signage_ids: Sequence[str]) -> None:
    """Add an idle frame to each signage whose present frame is a recognised one."""
    if signage_ids:
        ids = list(signage_ids)
        await conn.run(_LOCK, tenant=tenant_id, ids=ids)
        await conn.run(_ADD_IDLE, tenant=tenant_id, ids=ids)
        await conn.run(_FORGET, tenant=tenant_id, ids=ids, kept=KEPT_FRAMES)


# ---- a device's stream ----


@dataclass(frozen=True, slots=True)
class Presence:
    """A signage whose device was here once."""

    signage_id: str
    online: bool
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """A device with one of its frames, if it has any. `seconds_left` is until the frame expires."""

    subscription_id: UUID | None
    last_sequence: int
    sequence: int | None
    frame: bytes | None
    created_at: datetime | None
    expires_at: datetime | None
    seconds_left: float | None


_TAKE = Query(
    text(
        """
    INSERT INTO signage_devices AS device (tenant_id, signage_id, subscription_id, last_seen_at)
    VALUES (CAST(:tenant AS uuid), :signage, CAST(:subscription AS uuid), now())
    ON CONFLICT (tenant_id, signage_id)
        DO UPDATE SET subscription_id = excluded.subscription_id, last_seen_at = now()
    RETURNING last_sequence
    """
    ),
    int,
)
_LOOK = Query(
    text(
        """
    SELECT device.subscription_id, device.last_sequence, frame.sequence, frame.frame,
        frame.created_at, frame.expires_at,
        CAST(extract(epoch FROM frame.expires_at - clock_timestamp()) AS double precision)
            AS seconds_left
    FROM signage_devices AS device LEFT JOIN signage_frames AS frame
        ON frame.tenant_id = device.tenant_id AND frame.signage_id = device.signage_id
        AND (frame.sequence > CAST(:seen AS bigint) OR frame.sequence = device.last_sequence)
    WHERE device.tenant_id = CAST(:tenant AS uuid) AND device.signage_id = :signage
    ORDER BY frame.sequence
    """
    ),
    Look,
)
_TOUCH = Query(
    text(
        """
    UPDATE signage_devices SET last_seen_at = now()
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND subscription_id = CAST(:subscription AS uuid)
        AND EXISTS (
            SELECT FROM api_keys WHERE id = CAST(:key AS uuid) AND revoked_at IS NULL
        )
    RETURNING last_sequence
    """
    ),
    int,
)
_LEAVE = Query(
    text(
        """
    UPDATE signage_devices SET subscription_id = NULL, last_seen_at = now()
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND subscription_id = CAST(:subscription AS uuid)
    RETURNING last_sequence
    """
    ),
    int,
)
_ADD_AFTER = Statement(
    text(
        """
    WITH numbered AS (
        UPDATE signage_devices SET last_sequence = last_sequence + 1
        WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
            AND last_sequence = CAST(:present AS bigint)
        RETURNING last_sequence
    )
    INSERT INTO signage_frames (tenant_id, signage_id, sequence, frame)
    SELECT CAST(:tenant AS uuid), :signage, last_sequence, CAST(:frame AS bytea) FROM numbered
    """
    )
)
_FILL = Query(
    text(
        """
    UPDATE signage_frames SET frame = CAST(:frame AS bytea)
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND sequence = CAST(:sequence AS bigint) AND frame = ''
    RETURNING sequence
    """
    ),
    int,
)
_LAST_IDLE = Query(
    text(
        """
    SELECT frame FROM signage_frames
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND expires_at IS NULL AND frame <> ''
    ORDER BY sequence DESC LIMIT 1
    """
    ),
    bytes,
)
_PRESENCE = Query(
    text(
        """
    SELECT signage_id, subscription_id IS NOT NULL
        AND last_seen_at > now() - make_interval(secs => CAST(:away AS double precision)) AS online,
        last_seen_at
    FROM signage_devices
    WHERE tenant_id = CAST(:tenant AS uuid) AND last_seen_at IS NOT NULL
    ORDER BY signage_id
    """
    ),
    Presence,
)


async def presence(reader: Reader, tenant_id: UUID) -> list[Presence]:
    """Return the tenant's signage that was ever subscribed to, by id."""
    return await reader.all(_PRESENCE, tenant=tenant_id, away=AWAY_AFTER_SECONDS)


async def take_over(
    conn: Connection, tenant_id: UUID, signage_id: str, subscription_id: UUID
) -> int:
    """Make this the device's one live subscription; return its present frame's number, or 0."""
    return await conn.one(_TAKE, tenant=tenant_id, signage=signage_id, subscription=subscription_id)


async def look(reader: Reader, tenant_id: UUID, signage_id: str, seen: int) -> list[Look]:
    """Return the device with each of its frames after `seen`, the present one in any case.

    One row without a frame when there is none yet.
    """
    return await reader.all(_LOOK, tenant=tenant_id, signage=signage_id, seen=seen)


async def touch(
    reader: Reader, tenant_id: UUID, signage_id: str, subscription_id: UUID, *, key_id: UUID
) -> bool:
    """Note that the device is there; return False when it was superseded or its key revoked."""
    touched = await reader.first(
        _TOUCH, tenant=tenant_id, signage=signage_id, subscription=subscription_id, key=key_id
    )
    return touched is not None


async def leave(reader: Reader, tenant_id: UUID, signage_id: str, subscription_id: UUID) -> None:
    """Note that the device is gone, unless it is already back with another subscription."""
    await reader.all(_LEAVE, tenant=tenant_id, signage=signage_id, subscription=subscription_id)


async def add_after(
    conn: Connection, tenant_id: UUID, signage_id: str, present: int, *, frame: bytes
) -> bool:
    """Add an idle frame after frame `present`; return False when another came after it."""
    added = await conn.run(
        _ADD_AFTER, tenant=tenant_id, signage=signage_id, present=present, frame=frame
    )
    if not added:
        return False
    await conn.run(_FORGET, tenant=tenant_id, ids=[signage_id], kept=KEPT_FRAMES)
    return True


async def fill(
    reader: Reader, tenant_id: UUID, signage_id: str, sequence: int, *, frame: bytes
) -> None:
    """Give an idle frame what it shows; whoever is first decides."""
    await reader.all(_FILL, tenant=tenant_id, signage=signage_id, sequence=sequence, frame=frame)


async def last_idle(reader: Reader, tenant_id: UUID, signage_id: str) -> bytes | None:
    """Return what the signage showed when it was last idle, as far as that is kept."""
    return await reader.first(_LAST_IDLE, tenant=tenant_id, signage=signage_id)
