"""GetBalance and ListLedger: what staff see of their tenant's credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.platform.database import Database
from core.platform.paging import make_token, read_token
from core.shop.tenants import sql
from core.shop.tenants.sql import Caller, LedgerEntry

LEDGER_PAGE = 100


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Entries, newest first, and the token of the next page; empty on the last one."""

    entries: Sequence[LedgerEntry]
    next_page_token: str


async def get_balance(database: Database, caller: Caller) -> int:
    """Return the credits that the tenant has left."""
    return await sql.read_balance(database, caller.tenant_id)


async def list_ledger(
    database: Database, caller: Caller, page_size: int, page_token: str
) -> LedgerPage:
    """Return a page of the ledger, newest first; a page_size of 0 is LEDGER_PAGE.

    Raises INVALID_REQUEST for a page token that was not given out.
    """
    size = page_size or LEDGER_PAGE
    before = read_token(page_token)
    # One more than asked for: is there a next page?
    rows = await sql.list_ledger(database, caller.tenant_id, before, size + 1)
    page = rows[:size]
    return LedgerPage(page, make_token(page[-1].id) if len(rows) > size else "")
