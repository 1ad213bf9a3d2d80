"""SQL of what shoppers did, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from core.platform.database import Query, Reader


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of the events of one `key` of a `dimension`: total, day (from 1), item, reason or
    signage. `name` is the item's latest."""

    dimension: str
    key: str
    exposures: int
    issued: int
    redeemed: int
    dismissed: int
    name: str | None


# One statement, so that all counts are of the same moment. Days begin where the caller's list of
# moments says: their zone is known here, not to the database.
_COUNTS = Query(
    text(
        """
    WITH events AS (
        SELECT kind, sequence, signage_ids,
            width_bucket(created_at, CAST(:days AS timestamptz[])) AS day,
            coalesce(nullif(item ->> 'item_id', ''), counted_as ->> 'item_id') AS item,
            coalesce(nullif(item ->> 'item_name', ''), counted_as ->> 'item_name') AS item_name,
            coalesce(nullif(item ->> 'reason_type', ''), counted_as ->> 'reason_type') AS reason
        FROM trigger_events
        WHERE tenant_id = CAST(:tenant AS uuid)
            AND created_at >= CAST(:begin AS timestamptz)
            AND created_at < CAST(:end AS timestamptz)
    ), grouped AS (
        SELECT 'total' AS dimension, '' AS key, kind, sequence, NULL AS name FROM events
        UNION ALL
        SELECT 'day', CAST(day AS text), kind, sequence, NULL FROM events
        UNION ALL
        SELECT 'item', item, kind, sequence, item_name FROM events WHERE item <> ''
        UNION ALL
        SELECT 'reason', reason, kind, sequence, NULL FROM events WHERE reason <> ''
        UNION ALL
        SELECT 'signage', signage_id, kind, sequence, NULL
        FROM events, unnest(signage_ids) AS signage_id WHERE kind = 'signage'
    )
    SELECT dimension, key,
        count(*) FILTER (WHERE kind IN ('signage', 'recommend')) AS exposures,
        count(*) FILTER (WHERE kind = 'issued') AS issued,
        count(*) FILTER (WHERE kind = 'redeemed') AS redeemed,
        count(*) FILTER (WHERE kind = 'dismissed') AS dismissed,
        (array_agg(name ORDER BY sequence DESC) FILTER (WHERE name IS NOT NULL))[1] AS name
    FROM grouped
    GROUP BY dimension, key
    ORDER BY dimension, exposures DESC, issued DESC, key
    """
    ),
    Counts,
)


async def count_events(reader: Reader, tenant_id: UUID, begins: Sequence[datetime]) -> list[Counts]:
    """Count the tenant's events; `begins` is when each day begins, and when the last one ends."""
    return await reader.all(
        _COUNTS, tenant=tenant_id, days=begins[:-1], begin=begins[0], end=begins[-1]
    )
