"""GetAnalytics: what shoppers did over a span of days, counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from onegenie.tenant.v1 import tenant_pb2 as pb
from sqlalchemy import text

from core.platform.database import Database
from edge.reply.errors import FieldViolation, invalid

MAX_DAYS = 366
_FIRST, _LAST = dt.date(2000, 1, 1), dt.date(2999, 12, 31)

# One statement, so that all figures are of the same moment. Days begin where the caller's list of
# moments says: their zone is known here, not to the database.
_FIGURES = text(
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
)


async def get_analytics(
    database: Database,
    tenant_id: UUID,
    zone: ZoneInfo,
    signage_names: Mapping[str, str],
    request: pb.GetAnalyticsRequest,
) -> pb.GetAnalyticsResponse:
    """Figures of whole days in `zone`. Raises INVALID_REQUEST naming the date that is wrong."""
    first, last = _span(request.from_date, request.to_date)
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 2)]
    begins = [dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in days]
    rows = await database.fetch(
        _FIGURES,
        {"tenant": tenant_id, "days": begins[:-1], "begin": begins[0], "end": begins[-1]},
    )
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        groups.setdefault(row.dimension, {})[row.key] = row
    by_day = groups.get("day", {})
    return pb.GetAnalyticsResponse(
        total=_figures(groups.get("total", {}).get("")),
        by_day=[
            _group(day.isoformat(), day.isoformat(), by_day.get(str(number)))
            for number, day in enumerate(days[:-1], start=1)
        ],
        by_item=[_group(key, row.name or key, row) for key, row in groups.get("item", {}).items()],
        by_reason=[_group(key, key, row) for key, row in groups.get("reason", {}).items()],
        by_signage=[
            _group(key, signage_names.get(key, key), row)
            for key, row in groups.get("signage", {}).items()
        ],
    )


def _span(from_date: str, to_date: str) -> tuple[dt.date, dt.date]:
    first, last = _date("from_date", from_date), _date("to_date", to_date)
    if last < first:
        raise invalid(FieldViolation("to_date", "must not be before from_date"))
    if (last - first).days >= MAX_DAYS:
        raise invalid(FieldViolation("to_date", f"must be at most {MAX_DAYS} days from from_date"))
    return first, last


def _date(field: str, value: str) -> dt.date:
    try:
        date = dt.date.fromisoformat(value)
    except ValueError:
        raise invalid(FieldViolation(field, "must be a date, yyyy-MM-dd")) from None
    if not _FIRST <= date <= _LAST:
        raise invalid(FieldViolation(field, f"must be from {_FIRST} to {_LAST}"))
    return date


def _group(key: str, name: str, row: Any) -> pb.FiguresOf:
    return pb.FiguresOf(key=key, name=name, figures=_figures(row))


def _figures(row: Any) -> pb.Figures:
    """The counts of a row, none when there is no row, and the rates that follow from them."""
    if row is None:
        return pb.Figures()
    return pb.Figures(
        exposures=row.exposures,
        issued=row.issued,
        redeemed=row.redeemed,
        dismissed=row.dismissed,
        issue_rate=row.issued / row.exposures if row.exposures else None,
        redemption_rate=row.redeemed / row.issued if row.issued else None,
    )
