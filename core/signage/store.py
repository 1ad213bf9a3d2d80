"""SQL of signage: frames, and the devices that show them.

Every frame takes the next number of its signage's row in signage_devices, so the row's lock puts
frames in order, and `last_sequence` is the number of the present one. All times are the
database's: the core processes' clocks don't matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import fetch

# Frames that stay for devices that come back after a drop.
KEPT_FRAMES = 16

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
