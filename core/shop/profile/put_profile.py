"""PutProfile: create a profile, or set some of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.platform.database import Database
from core.shop.profile import sql
from core.shop.tenants.sql import Caller


@dataclass(frozen=True, slots=True)
class PutProfile:
    """Which profile, and the fields to set, by their names in sql.FIELDS; None clears one."""

    profile_id: str
    values: Mapping[str, Any]


async def put_profile(database: Database, caller: Caller, command: PutProfile) -> sql.Profile:
    """Set fields of a profile of the caller's tenant, or create it with them; return it whole.

    What `values` does not name stays as it is, and is null in a new profile.
    """
    async with database.begin() as conn:
        return await sql.put_profile(conn, caller.tenant_id, command.profile_id, command.values)
