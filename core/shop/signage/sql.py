"""SQL of signage: frames, and the devices that show them.

Every frame takes the next number of its signage's row in signage_devices, so the row's lock puts
frames in order, and `last_sequence` is the number of the present one. All times are the
database's: the core processes' clocks don't matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import Database, fetch

# Frames that stay for devices that come back after a drop.
KEPT_FRAMES = 16
# A device is heard of at least every 15 s; one that was not for this long is away.
AWAY_AFTER_SECONDS = 40.0

# Numbers in the order of ids, so that two broadcasts at once don't wait for each other's rows.
_ADD_RECOGNIZED = text(
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
    RETURNING sequence
    """
)
_LOCK = text(
    """
    SELECT device.signage_id FROM signage_devices AS device
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = ANY(CAST(:ids AS text[]))
    ORDER BY signage_id FOR UPDATE
    """
)
# An idle frame gets its slides from the process that first delivers it. Only a recognised frame
# has an end.
_ADD_IDLE = text(
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
    RETURNING sequence
    """
)
_FORGET = text(
    """
    DELETE FROM signage_frames AS frame USING signage_devices AS device
    WHERE device.tenant_id = CAST(:tenant AS uuid)
        AND device.signage_id = ANY(CAST(:ids AS text[]))
        AND frame.tenant_id = device.tenant_id AND frame.signage_id = device.signage_id
        AND frame.sequence <= device.last_sequence - CAST(:kept AS bigint)
    RETURNING frame.sequence
    """
)


async def add_recognized(
    conn: AsyncConnection, tenant_id: UUID, frames: Mapping[str, bytes], seconds: float
) -> None:
    """The next frame of each signage, by its id, with its end so many seconds from now."""
    if frames:
        ids = list(frames)
        values = {"tenant": tenant_id, "ids": ids, "frames": list(frames.values())}
        await fetch(conn, _ADD_RECOGNIZED, {**values, "seconds": float(seconds)})
        await fetch(conn, _FORGET, {"tenant": tenant_id, "ids": ids, "kept": KEPT_FRAMES})


async def add_idle(conn: AsyncConnection, tenant_id: UUID, signage_ids: Sequence[str]) -> None:
    """An idle frame for each signage whose present frame is a recognised one."""
    if signage_ids:
        values = {"tenant": tenant_id, "ids": list(signage_ids)}
        await fetch(conn, _LOCK, values)
        await fetch(conn, _ADD_IDLE, values)
        await fetch(conn, _FORGET, {**values, "kept": KEPT_FRAMES})


# ---- a device's stream ----

_TAKE = text(
    """
    INSERT INTO signage_devices AS device (tenant_id, signage_id, subscription_id, last_seen_at)
    VALUES (CAST(:tenant AS uuid), :signage, CAST(:subscription AS uuid), now())
    ON CONFLICT (tenant_id, signage_id)
        DO UPDATE SET subscription_id = excluded.subscription_id, last_seen_at = now()
    RETURNING last_sequence
    """
)
_LOOK = text(
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
)
_TOUCH = text(
    """
    UPDATE signage_devices SET last_seen_at = now()
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND subscription_id = CAST(:subscription AS uuid)
        AND EXISTS (
            SELECT FROM api_keys WHERE id = CAST(:key AS uuid) AND revoked_at IS NULL
        )
    RETURNING last_sequence
    """
)
_LEAVE = text(
    """
    UPDATE signage_devices SET subscription_id = NULL, last_seen_at = now()
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND subscription_id = CAST(:subscription AS uuid)
    RETURNING last_sequence
    """
)
_ADD_AFTER = text(
    """
    WITH numbered AS (
        UPDATE signage_devices SET last_sequence = last_sequence + 1
        WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
            AND last_sequence = CAST(:present AS bigint)
        RETURNING last_sequence
    )
    INSERT INTO signage_frames (tenant_id, signage_id, sequence, frame)
    SELECT CAST(:tenant AS uuid), :signage, last_sequence, CAST(:frame AS bytea) FROM numbered
    RETURNING sequence
    """
)
_FILL = text(
    """
    UPDATE signage_frames SET frame = CAST(:frame AS bytea)
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND sequence = CAST(:sequence AS bigint) AND frame = ''
    RETURNING sequence
    """
)
_LAST_IDLE = text(
    """
    SELECT frame FROM signage_frames
    WHERE tenant_id = CAST(:tenant AS uuid) AND signage_id = :signage
        AND expires_at IS NULL AND frame <> ''
    ORDER BY sequence DESC LIMIT 1
    """
)
_PRESENCE = text(
    """
    SELECT signage_id, last_seen_at, subscription_id IS NOT NULL
        AND last_seen_at > now() - make_interval(secs => CAST(:away AS double precision)) AS online
    FROM signage_devices
    WHERE tenant_id = CAST(:tenant AS uuid) AND last_seen_at IS NOT NULL
    ORDER BY signage_id
    """
)


@dataclass(frozen=True, slots=True)
class Presence:
    """A signage whose device was here once."""

    signage_id: str
    online: bool
    last_seen_at: datetime


async def presence(conn: AsyncConnection, tenant_id: UUID) -> list[Presence]:
    """The tenant's signage that was ever subscribed to, by id: online now, and last heard of."""
    rows = await fetch(conn, _PRESENCE, {"tenant": tenant_id, "away": AWAY_AFTER_SECONDS})
    return [Presence(row.signage_id, row.online, row.last_seen_at) for row in rows]


async def take_over(
    conn: AsyncConnection, tenant_id: UUID, signage_id: str, subscription_id: UUID
) -> int:
    """Make this the device's one live subscription; the number of its present frame, 0 for none."""
    values = {"tenant": tenant_id, "signage": signage_id, "subscription": subscription_id}
    return int((await fetch(conn, _TAKE, values))[0].last_sequence)


async def look(database: Database, tenant_id: UUID, signage_id: str, seen: int) -> list[Any]:
    """The device, with each of its frames after `seen`, and the present frame in any case.

    Rows have subscription_id, last_sequence, sequence, frame, created_at, expires_at and
    seconds_left (until it expires); one row without a frame when there is none yet.
    """
    values = {"tenant": tenant_id, "signage": signage_id, "seen": seen}
    return await database.fetch(_LOOK, values)


async def touch(
    database: Database, tenant_id: UUID, signage_id: str, subscription_id: UUID, key_id: UUID
) -> bool:
    """Note that the device is there; False when it was superseded or its key revoked."""
    values = {"tenant": tenant_id, "signage": signage_id, "subscription": subscription_id}
    return bool(await database.fetch(_TOUCH, {**values, "key": key_id}))


async def leave(
    database: Database, tenant_id: UUID, signage_id: str, subscription_id: UUID
) -> None:
    """Note that the device is gone, unless it is already back with another subscription."""
    values = {"tenant": tenant_id, "signage": signage_id, "subscription": subscription_id}
    await database.fetch(_LEAVE, values)


async def add_after(
    conn: AsyncConnection, tenant_id: UUID, signage_id: str, present: int, frame: bytes
) -> bool:
    """Add an idle frame after frame number `present`; False when another one came after it."""
    values = {"tenant": tenant_id, "signage": signage_id, "present": present, "frame": frame}
    if not await fetch(conn, _ADD_AFTER, values):
        return False
    await fetch(conn, _FORGET, {"tenant": tenant_id, "ids": [signage_id], "kept": KEPT_FRAMES})
    return True


async def fill(
    database: Database, tenant_id: UUID, signage_id: str, sequence: int, frame: bytes
) -> None:
    """Give an idle frame what it shows; whoever is first decides."""
    values = {"tenant": tenant_id, "signage": signage_id, "sequence": sequence, "frame": frame}
    await database.fetch(_FILL, values)


async def last_idle(database: Database, tenant_id: UUID, signage_id: str) -> bytes | None:
    """What the signage showed when it was last idle, as far as that is kept."""
    rows = await database.fetch(_LAST_IDLE, {"tenant": tenant_id, "signage": signage_id})
    return bytes(rows[0].frame) if rows else None
