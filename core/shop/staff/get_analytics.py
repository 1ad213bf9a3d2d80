"""GetAnalytics: what shoppers did over a span of days, counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from core.platform.database import Reader
from core.platform.runtime import Runtime
from core.shop.catalogue.port import Store, StoreUnavailable
from core.shop.staff import sql
from core.shop.tenants.sql import Caller
from edge import FieldViolation, invalid

MAX_DAYS = 366
_FIRST, _LAST = dt.date(2000, 1, 1), dt.date(2999, 12, 31)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GetAnalytics:
    """The first and the last day, yyyy-MM-dd."""

    from_date: str
    to_date: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of events, and the rates that follow from them; None where there is no rate."""

    exposures: int = 0
    issued: int = 0
    redeemed: int = 0
    dismissed: int = 0

    @property
    def issue_rate(self) -> float | None:
        """Coupons issued an exposure."""
        return self.issued / self.exposures if self.exposures else None

    @property
    def redemption_rate(self) -> float | None:
        """Coupons redeemed of those issued; above 1 where some were issued on earlier days."""
        return self.redeemed / self.issued if self.issued else None


@dataclass(frozen=True, slots=True)
class FiguresOf:
    """The figures of one day, item, reason or signage, and what people call it."""

    key: str
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Analytics:
    """Figures of all events, and of groups of them."""

    total: Figures
    by_day: Sequence[FiguresOf]
    by_item: Sequence[FiguresOf]
    by_reason: Sequence[FiguresOf]
    by_signage: Sequence[FiguresOf]


async def get_analytics(
    runtime: Runtime, store: Store, caller: Caller, command: GetAnalytics
) -> Analytics:
    """Count the events of whole days in the service's zone.

    Raises INVALID_REQUEST, which names the date that is wrong.
    """
    try:
        names = {one.id: one.name for one in await store.list_signage()}
    except StoreUnavailable as error:
        # The figures are ours: without the store, screens go by their ids.
        log.warning("signage_names_failed", error=str(error))
        names = {}
    return await count_events(
        runtime.database, caller.tenant_id, command, zone=runtime.zone, signage_names=names
    )


async def count_events(
    reader: Reader,
    tenant_id: UUID,
    command: GetAnalytics,
    *,
    zone: ZoneInfo,
    signage_names: Mapping[str, str],
) -> Analytics:
    """Count a tenant's events of whole days in `zone`. Raises as get_analytics."""
    first, last = _span(command)
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 2)]
    begins = [dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in days]
    groups: dict[str, dict[str, sql.Counts]] = {}
    for row in await sql.count_events(reader, tenant_id, begins):
        groups.setdefault(row.dimension, {})[row.key] = row
    by_day = groups.get("day", {})
    return Analytics(
        total=_figures(groups.get("total", {}).get("")),
        by_day=[
            FiguresOf(day.isoformat(), day.isoformat(), _figures(by_day.get(str(number))))
            for number, day in enumerate(days[:-1], start=1)
        ],
        by_item=[
            FiguresOf(key, row.name or key, _figures(row))
            for key, row in groups.get("item", {}).items()
        ],
        by_reason=[
            FiguresOf(key, key, _figures(row)) for key, row in groups.get("reason", {}).items()
        ],
        by_signage=[
            FiguresOf(key, signage_names.get(key, key), _figures(row))
            for key, row in groups.get("signage", {}).items()
        ],
    )


def _span(command: GetAnalytics) -> tuple[dt.date, dt.date]:
    first, last = _date("from_date", command.from_date), _date("to_date", command.to_date)
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


def _figures(row: sql.Counts | None) -> Figures:
    if row is None:
        return Figures()
    return Figures(row.exposures, row.issued, row.redeemed, row.dismissed)
