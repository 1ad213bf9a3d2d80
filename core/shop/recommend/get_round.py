"""GetRound: a round as it is now."""

from __future__ import annotations

from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.shop.recommend import sql
from core.shop.recommend.coupon_spots import CouponSpots
from core.shop.recommend.snapshot import Snapshot
from core.shop.tenants.sql import Caller
from edge import ApiError


async def get_round(
    database: Database, spots: CouponSpots, caller: Caller, ids: sql.RoundIds
) -> Snapshot:
    """Read a round of the caller's key. Raises NOT_FOUND."""
    return Snapshot(await existing_round(database, caller, ids), await spots.read(caller.tenant_id))


async def existing_round(database: Database, caller: Caller, ids: sql.RoundIds) -> sql.RoundRow:
    """Read the row of a round of the caller's key. Raises NOT_FOUND."""
    row = await sql.read_round(database, caller, ids)
    if row is None:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such round.")
    return row
