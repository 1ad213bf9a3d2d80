"""CreateKey: staff make a key for an app, a colleague or a screen."""

from __future__ import annotations

from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.shop.catalogue.port import Store
from core.shop.staff.list_signage_presence import ask_signage
from core.shop.tenants import sql
from core.shop.tenants.issue_key import IssueKey, issue_key
from core.shop.tenants.sql import Caller, Key, KeyKind
from edge import ApiError, FieldViolation, invalid


@dataclass(frozen=True, slots=True)
class CreateKey:
    """The key that is wanted; signage_id is the screen that a signage key is for."""

    kind: KeyKind
    name: str
    signage_id: str | None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key, and its secret, which is shown here and never again."""

    key: Key
    secret: str


async def create_key(
    database: Database, store: Store, caller: Caller, command: CreateKey
) -> CreatedKey:
    """Make a key, which ends with the caller's own.

    Raises INVALID_REQUEST, which names signage_id, UNAVAILABLE when the store can't be asked
    whether it has that screen, and UNAUTHORIZED when the caller's key was revoked meanwhile.
    """
    await _check_signage(store, command)
    wanted = IssueKey(
        caller.tenant_id,
        command.kind,
        command.name,
        signage_id=command.signage_id,
        created_by=caller.key_id,
    )
    async with database.begin() as conn:
        try:
            issued = await issue_key(conn, wanted)
        except LookupError:
            raise ApiError(SdkReason.UNAUTHORIZED) from None
        key = await sql.find_key(conn, caller.tenant_id, issued.id)
    assert key is not None
    return CreatedKey(key, issued.secret)


async def _check_signage(store: Store, command: CreateKey) -> None:
    if command.kind != "signage":
        if command.signage_id is not None:
            raise invalid(FieldViolation("signage_id", "must be left out: only for signage"))
        return
    if not command.signage_id:
        raise invalid(FieldViolation("signage_id", "is required for signage"))
    if command.signage_id not in {one.id for one in await ask_signage(store)}:
        raise invalid(FieldViolation("signage_id", "must be one of the store's signage"))
