"""ListSignagePresence: which of the store's screens are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onegenie.error.v1.reasons import SdkReason
from onegenie.store.v1 import store_pb2

from core.platform.database import Database
from core.shop.catalogue.port import Store, StoreUnavailable
from core.shop.signage.sql import presence
from core.shop.tenants.sql import Caller
from edge import ApiError


@dataclass(frozen=True, slots=True)
class SignagePresence:
    """A signage, whether its device is subscribed, and when that was last heard of."""

    signage_id: str
    number: int
    name: str
    online: bool
    last_seen_at: datetime | None


async def list_signage_presence(
    database: Database, store: Store, caller: Caller
) -> list[SignagePresence]:
    """Return the store's signage by number. Raises UNAVAILABLE when the store can't be asked."""
    found = {each.signage_id: each for each in await presence(database, caller.tenant_id)}
    shown = []
    for one in sorted(await ask_signage(store), key=lambda one: one.number):
        device = found.get(one.id)
        shown.append(
            SignagePresence(
                signage_id=one.id,
                number=one.number,
                name=one.name,
                online=device is not None and device.online,
                last_seen_at=device.last_seen_at if device else None,
            )
        )
    return shown


async def ask_signage(store: Store) -> Sequence[store_pb2.Signage]:
    """Ask the store for its signage. Raises UNAVAILABLE when it can't be asked."""
    try:
        return await store.list_signage()
    except StoreUnavailable as error:
        raise ApiError(SdkReason.UNAVAILABLE, str(error)) from error
