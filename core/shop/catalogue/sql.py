"""SQL of the embedded store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from onegenie.store.v1 import store_pb2
from sqlalchemy import Row, and_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.database import Database
from core.platform.events import publish
from core.shop.catalogue.tables import (
    store_coupon_spots,
    store_products,
    store_revisions,
    store_sections,
    store_signage,
    store_signage_events,
    store_slides,
    store_triggers,
)

_PRODUCTS = select(
    store_products,
    store_sections.c.name.label("section_name"),
    store_sections.c.zone_id,
    store_sections.c.zone_name,
    store_sections.c.x.label("section_x"),
    store_sections.c.y.label("section_y"),
    store_sections.c.radius.label("section_radius"),
).select_from(
    store_products.outerjoin(
        store_sections,
        and_(
            store_sections.c.tenant_id == store_products.c.tenant_id,
            store_sections.c.code == store_products.c.section_code,
        ),
    )
)


_REVISION = select(store_revisions.c.revision).where(
    store_revisions.c.tenant_id == bindparam("tenant")
)


async def revision(database: Database, tenant_id: UUID) -> int:
    """How often the tenant's store has changed; 0 when it has none."""
    rows = await database.fetch(_REVISION, {"tenant": tenant_id})
    return int(rows[0].revision) if rows else 0


async def bump_revision(conn: AsyncConnection, tenant_id: UUID) -> None:
    """Tell every process that the tenant's store changes.

    Call it first in the transaction: its row lock then also makes two changes of one store
    take turns. When it commits, those who watch the store's topic are woken.
    """
    await publish(conn, changed_topic(tenant_id))
    row = insert(store_revisions).values(tenant_id=tenant_id, revision=1)
    await conn.execute(
        row.on_conflict_do_update(
            index_elements=[store_revisions.c.tenant_id],
            set_={"revision": store_revisions.c.revision + 1},
        )
    )


def changed_topic(tenant_id: UUID) -> str:
    """What is published when a tenant's embedded store has changed."""
    return f"store:{tenant_id}"


async def products_by_id(
    conn: AsyncConnection, tenant_id: UUID, ids: Sequence[int]
) -> list[store_pb2.Product]:
    """Products in the order of `ids`; unknown ones are left out."""
    found = await conn.execute(
        _PRODUCTS.where(store_products.c.tenant_id == tenant_id, store_products.c.id.in_(set(ids)))
    )
    by_id = {row.id: _product(row) for row in found}
    return [by_id[product_id] for product_id in ids if product_id in by_id]


async def products_after(
    conn: AsyncConnection, tenant_id: UUID, after_id: int = 0, limit: int | None = None
) -> list[store_pb2.Product]:
    """Products by id, from the first one above `after_id` on; all when `limit` is None."""
    found = await conn.execute(
        _PRODUCTS.where(store_products.c.tenant_id == tenant_id, store_products.c.id > after_id)
        .order_by(store_products.c.id)
        .limit(limit)
    )
    return [_product(row) for row in found]


async def search_rows(conn: AsyncConnection, tenant_id: UUID) -> Sequence[Any]:
    """What the search index is made of: id, name, name_en, name_ja, terms, quantity; by id."""
    table = store_products.c
    found = await conn.execute(
        select(table.id, table.name, table.name_en, table.name_ja, table.terms, table.quantity)
        .where(table.tenant_id == tenant_id)
        .order_by(table.id)
    )
    return found.all()


async def sections(conn: AsyncConnection, tenant_id: UUID) -> list[store_pb2.Section]:
    """Sections by code."""
    found = await conn.execute(
        select(store_sections)
        .where(store_sections.c.tenant_id == tenant_id)
        .order_by(store_sections.c.code)
    )
    return [
        store_pb2.Section(
            code=row.code,
            name=row.name,
            zone_id=row.zone_id,
            zone_name=row.zone_name,
            location=_location(row.x, row.y, row.radius),
        )
        for row in found
    ]


async def coupon_spots(conn: AsyncConnection, tenant_id: UUID) -> list[store_pb2.CouponSpot]:
    """Coupon spots by number, each with its product when the catalogue has it."""
    spots = store_coupon_spots
    found = (
        await conn.execute(
            select(spots).where(spots.c.tenant_id == tenant_id).order_by(spots.c.spot_no)
        )
    ).all()
    ids = [row.product_id for row in found if row.product_id is not None]
    products = {p.id: p for p in await products_by_id(conn, tenant_id, ids)} if ids else {}
    messages = []
    for row in found:
        product = products.get(row.product_id)
        messages.append(
            store_pb2.CouponSpot(
                spot_no=row.spot_no,
                discount_value=row.discount_value,
                location=_location(row.x, row.y, row.radius),
                product_id=row.product_id,
                product=product,
                item_name=row.item_name or (product.name if product else None),
                item_name_en=row.item_name_en
                or (product.name_en if product and product.HasField("name_en") else None),
            )
        )
    return messages


async def signage(conn: AsyncConnection, tenant_id: UUID) -> list[store_pb2.Signage]:
    """Signage by number."""
    found = await conn.execute(
        select(store_signage)
        .where(store_signage.c.tenant_id == tenant_id)
        .order_by(store_signage.c.number, store_signage.c.id)
    )
    return [
        store_pb2.Signage(
            id=str(row.id),
            number=row.number,
            name=row.name,
            location=_location(row.x, row.y, row.radius),
            orientation=row.orientation,
        )
        for row in found
    ]


async def signage_events(conn: AsyncConnection, tenant_id: UUID) -> list[store_pb2.SignageEvent]:
    """Signage events by id."""
    found = await conn.execute(
        select(store_signage_events)
        .where(store_signage_events.c.tenant_id == tenant_id)
        .order_by(store_signage_events.c.id)
    )
    return [
        store_pb2.SignageEvent(
            id=row.id, title=row.title, text=row.text, image_url=row.image_url, enabled=row.enabled
        )
        for row in found
    ]


async def put_signage(
    conn: AsyncConnection, tenant_id: UUID, signage_id: UUID | None, signage: store_pb2.Signage
) -> store_pb2.Signage:
    """Add a signage, or replace the one with that id; None makes a new id."""
    place = signage.location
    values = {
        "number": signage.number,
        "name": signage.name,
        "x": place.x,
        "y": place.y,
        "radius": place.radius,
        "orientation": signage.orientation,
    }
    signage_id = signage_id or uuid4()
    row = insert(store_signage).values(tenant_id=tenant_id, id=signage_id, **values)
    keys = [store_signage.c.tenant_id, store_signage.c.id]
    await conn.execute(row.on_conflict_do_update(index_elements=keys, set_=values))
    put = store_pb2.Signage(id=str(signage_id))
    put.MergeFrom(signage)
    put.id = str(signage_id)
    return put


async def delete_signage(conn: AsyncConnection, tenant_id: UUID, signage_id: UUID) -> bool:
    """Remove a signage with its slides; whether there was one."""
    result = await conn.execute(
        delete(store_signage).where(
            store_signage.c.tenant_id == tenant_id, store_signage.c.id == signage_id
        )
    )
    return result.rowcount == 1


async def slides(conn: AsyncConnection, tenant_id: UUID) -> dict[str, list[store_pb2.Slide]]:
    """The slides of each signage that has some, by position."""
    found = await conn.execute(
        select(store_slides)
        .where(store_slides.c.tenant_id == tenant_id)
        .order_by(store_slides.c.signage_id, store_slides.c.position)
    )
    by_signage: dict[str, list[store_pb2.Slide]] = {}
    for row in found:
        by_signage.setdefault(str(row.signage_id), []).append(
            store_pb2.Slide(
                position=row.position, image_url=row.image_url, title=row.title, text=row.text
            )
        )
    return by_signage


async def put_slides(
    conn: AsyncConnection, tenant_id: UUID, signage_id: UUID, new: Sequence[store_pb2.Slide]
) -> list[store_pb2.Slide] | None:
    """Replace all slides of a signage, numbered in their order; None when there is no such one."""
    known = await conn.scalar(
        select(store_signage.c.id).where(
            store_signage.c.tenant_id == tenant_id, store_signage.c.id == signage_id
        )
    )
    if known is None:
        return None
    await conn.execute(
        delete(store_slides).where(
            store_slides.c.tenant_id == tenant_id, store_slides.c.signage_id == signage_id
        )
    )
    put = [
        store_pb2.Slide(position=place, image_url=s.image_url, title=s.title, text=s.text)
        for place, s in enumerate(new, 1)
    ]
    if put:
        await conn.execute(
            insert(store_slides),
            [
                {
                    "tenant_id": tenant_id,
                    "signage_id": signage_id,
                    "position": slide.position,
                    "image_url": slide.image_url,
                    "title": slide.title,
                    "text": slide.text,
                }
                for slide in put
            ],
        )
    return put


async def put_signage_event(
    conn: AsyncConnection, tenant_id: UUID, event: store_pb2.SignageEvent
) -> store_pb2.SignageEvent:
    """Add a signage event, or replace the one with that id; id 0 makes the next one."""
    events = store_signage_events
    put = store_pb2.SignageEvent()
    put.CopyFrom(event)
    if not put.id:
        # bump_revision's lock makes those who add take turns.
        last = await conn.scalar(select(func.max(events.c.id)).filter_by(tenant_id=tenant_id))
        put.id = (last or 0) + 1
    values = {
        "title": put.title,
        "text": put.text if put.HasField("text") else None,
        "image_url": put.image_url if put.HasField("image_url") else None,
        "enabled": put.enabled,
    }
    row = insert(events).values(tenant_id=tenant_id, id=put.id, **values)
    keys = [events.c.tenant_id, events.c.id]
    await conn.execute(row.on_conflict_do_update(index_elements=keys, set_=values))
    return put


async def delete_signage_event(conn: AsyncConnection, tenant_id: UUID, event_id: int) -> bool:
    """Remove a signage event; whether there was one."""
    events = store_signage_events
    result = await conn.execute(
        delete(events).where(events.c.tenant_id == tenant_id, events.c.id == event_id)
    )
    return result.rowcount == 1


async def add_trigger(
    conn: AsyncConnection, tenant_id: UUID, trigger: store_pb2.ReportTriggerRequest
) -> None:
    """Keep a trigger; one that is known changes nothing."""
    row = insert(store_triggers).values(
        tenant_id=tenant_id,
        trigger_id=trigger.trigger_id,
        trigger=trigger.SerializeToString(),
    )
    await conn.execute(row.on_conflict_do_nothing())


def _product(row: Row[Any]) -> store_pb2.Product:
    own = row.x is not None
    return store_pb2.Product(
        id=row.id,
        name=row.name,
        name_en=row.name_en,
        name_ja=row.name_ja,
        brand=row.brand,
        barcode=row.barcode,
        price=row.price,
        price_unit=row.price_unit,
        src_url=row.src_url,
        quantity=row.quantity,
        section_code=row.section_code,
        section_name=row.section_name,
        zone_id=row.zone_id,
        zone_name=row.zone_name,
        location=_location(row.x, row.y, row.radius)
        if own
        else _location(row.section_x, row.section_y, row.section_radius),
        pack_size=row.pack_size,
        pack_unit=row.pack_unit,
        discount_pct=row.discount_pct,
    )


def _location(x: float | None, y: float | None, radius: float | None) -> store_pb2.Location | None:
    if x is None or y is None or radius is None:
        return None
    return store_pb2.Location(x=x, y=y, radius=radius)
