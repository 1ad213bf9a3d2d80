"""A tenant whose floor the cases change: signage, slides and events of its own."""

from __future__ import annotations

import uuid

from onegenie.store.v1 import store_pb2

from core.platform.database import Database
from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.tenants.sql import create_tenant
from tests.support import create_key


async def make_floor(database: Database) -> dict[str, str]:
    """Variables of the cases: two signage (the second to be removed), two events, keys."""
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, f"floor {uuid.uuid4()}")
        _, admin = await create_key(conn, tenant_id, "admin", "test")
    store = EmbeddedStore(database, tenant_id)
    ids = []
    for name in ("kept", "removed"):
        new = store_pb2.Signage(number=2, name=name, orientation="portrait")
        ids.append((await store.put_signage(None, new)).id)
        slides = [store_pb2.Slide(title=f"{name} {n}") for n in (1, 2)]
        await store.put_slides(uuid.UUID(ids[-1]), slides)
        await store.put_promotion(store_pb2.SignageEvent(title=name))
    async with database.begin() as conn:
        _, device = await create_key(conn, tenant_id, "signage", "screen", ids[0])
        _, lost = await create_key(conn, tenant_id, "signage", "lost", str(uuid.uuid4()))
    return {
        "FLOOR_ADMIN_KEY": admin,
        "FLOOR_SIGNAGE_ID": ids[0],
        "FLOOR_REMOVED_ID": ids[1],
        "FLOOR_SIGNAGE_KEY": device,
        "LOST_SIGNAGE_KEY": lost,
    }
