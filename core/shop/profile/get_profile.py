"""GetProfile: a shopper as their tenant describes them."""

from __future__ import annotations

from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.shop.profile import sql
from core.shop.tenants.sql import Caller
from edge import ApiError


async def get_profile(database: Database, caller: Caller, profile_id: str) -> sql.Profile:
    """Read a profile of the caller's tenant. Raises NOT_FOUND."""
    profile = await sql.read_profile(database, caller.tenant_id, profile_id)
    if profile is None:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such profile.")
    return profile
