"""What each screen is told to show: the one way for the rest of onegenie to reach a screen.

Frames are rows, numbered for each signage; a row never changes once a device has got it. The
process that holds a device's stream is woken by a notification and reads the row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from uuid import UUID

import orjson
from onegenie.store.v1 import store_pb2

from core.platform.database import Connection
from core.platform.events import publish
from core.shop.signage import screen, sql
from core.shop.tenants.sql import read_locale

# How long a recognised screen stays when nobody turns it idle.
SHOW_SECONDS = 30


async def show(
    conn: Connection,
    tenant_id: UUID,
    signage: Sequence[store_pb2.Signage],
    shopper: screen.Recognition,
    *,
    seconds: float = SHOW_SECONDS,
) -> None:
    """Put a recognised shopper's screen on each signage, for so many seconds.

    Each screen gets a promotion of its own, drawn at random.
    """
    # As JSON once, not for each screen: dumping a fragment costs nothing.
    forgotten = [orjson.Fragment(screen.as_json(thing)) for thing in shopper.forgotten]
    shopper = dataclasses.replace(shopper, forgotten=forgotten)
    locale = await read_locale(conn, tenant_id) or "en"
    frames = {
        one.id: screen.recognized(one, shopper, locale).SerializeToString() for one in signage
    }
    await sql.add_recognized(conn, tenant_id, frames, seconds)
    await wake(conn, tenant_id, list(frames))


async def clear(conn: Connection, tenant_id: UUID, signage_ids: Sequence[str]) -> None:
    """Turn each signage idle. One that is idle stays as it is."""
    await sql.add_idle(conn, tenant_id, signage_ids)
    await wake(conn, tenant_id, signage_ids)


async def wake(conn: Connection, tenant_id: UUID, signage_ids: Sequence[str]) -> None:
    """Tell the streams of these signage to look again, when the transaction commits."""
    if len(signage_ids) == 1:
        await publish(conn, topic(tenant_id, signage_ids[0]))
    elif signage_ids:
        # One notification: every screen of the tenant looks, those without a new frame in vain.
        await publish(conn, tenant_topic(tenant_id))


def topic(tenant_id: UUID, signage_id: str) -> str:
    """Name the topic on which it is published that one signage has something new."""
    return f"signage:{tenant_id}/{signage_id}"


def tenant_topic(tenant_id: UUID) -> str:
    """Name the topic on which it is published that any signage of a tenant may have something
    new."""
    return f"signage:{tenant_id}"
