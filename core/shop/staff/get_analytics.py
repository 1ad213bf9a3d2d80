"""GetAnalytics: what shoppers did over a span of days, counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from onegenie.tenant.v1 import tenant_pb2 as pb

from core.platform.database import Reader
from core.shop.staff import sql
from edge.reply.errors import FieldViolation, invalid

MAX_DAYS = 366
_FIRST, _LAST = dt.date(2000, 1, 1), dt.date(2999, 12, 31)


async def get_analytics(
    reader: Reader,
    tenant_id: UUID,
    request: pb.GetAnalyticsRequest,
    *,
    zone: ZoneInfo,
    signage_names: Mapping[str, str],
) -> pb.GetAnalyticsResponse:
    """Figures of whole days in `zone`. Raises INVALID_REQUEST naming the date that is wrong."""
    first, last = _span(request.from_date, request.to_date)
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 2)]
    begins = [dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in days]
    groups: dict[str, dict[str, sql.Figures]] = {}
    for row in await sql.read_figures(reader, tenant_id, begins):
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


def _group(key: str, name: str, row: sql.Figures | None) -> pb.FiguresOf:
    return pb.FiguresOf(key=key, name=name, figures=_figures(row))


def _figures(row: sql.Figures | None) -> pb.Figures:
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
