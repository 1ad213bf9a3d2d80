"""SQL of the embedded store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

from onegenie.store.v1 import store_pb2
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Table,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from core.platform.database import Connection, Query, Reader, Statement, params
from core.platform.events import publish
from core.shop.catalogue.port import Promotion
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

_TENANT: BindParameter[UUID] = bindparam("tenant", type_=Uuid)


def _own(table: Table) -> list[Column[Any]]:
    """A table's columns but the tenant's, which is known."""
    return [column for column in table.c if column.name != "tenant_id"]


def _of_tenant(table: Table) -> ColumnElement[bool]:
    return table.c.tenant_id == _TENANT


# ---- revisions ----

_REVISION = Query(select(store_revisions.c.revision).where(_of_tenant(store_revisions)), int)
_BUMP = Statement(
    insert(store_revisions)
    .values(params("tenant_id") | {"revision": 1})
    .on_conflict_do_update(
        index_elements=[store_revisions.c.tenant_id],
        set_={"revision": store_revisions.c.revision + 1},
    )
)


async def revision(reader: Reader, tenant_id: UUID) -> int:
    """Return how often the tenant's store has changed; 0 when it has none."""
    return await reader.first(_REVISION, tenant=tenant_id) or 0


async def bump_revision(conn: Connection, tenant_id: UUID) -> None:
    """Tell every process that the tenant's store changes.

    Call it first in the transaction: its row lock then also makes two changes of one store
    take turns. When it commits, those who watch the store's topic are woken.
    """
    await publish(conn, changed_topic(tenant_id))
    await conn.run(_BUMP, tenant_id=tenant_id)


def changed_topic(tenant_id: UUID) -> str:
    """Name the topic on which it is published that a tenant's embedded store has changed."""
    return f"store:{tenant_id}"


# ---- products ----


@dataclass(frozen=True, slots=True)
class _Product:
    id: int
    name: str
    name_en: str | None
    name_ja: str | None
    brand: str | None
    barcode: str | None
    price: float | None
    price_unit: str | None
    src_url: str | None
    quantity: int | None
    section_code: str | None
    x: float | None
    y: float | None
    radius: float | None
    pack_size: float | None
    pack_unit: str | None
    discount_pct: float | None
    section_name: str | None
    zone_id: int | None
    zone_name: str | None
    section_x: float | None
    section_y: float | None
    section_radius: float | None


@dataclass(frozen=True, slots=True)
class SearchRow:
    """What the search index is made of."""

    id: int
    name: str
    name_en: str | None
    name_ja: str | None
    terms: list[str]
    quantity: int | None


_p = store_products.c
_IN_SECTIONS = (
    select(
        _p.id,
        _p.name,
        _p.name_en,
        _p.name_ja,
        _p.brand,
        _p.barcode,
        _p.price,
        _p.price_unit,
        _p.src_url,
        _p.quantity,
        _p.section_code,
        _p.x,
        _p.y,
        _p.radius,
        _p.pack_size,
        _p.pack_unit,
        _p.discount_pct,
        store_sections.c.name.label("section_name"),
        store_sections.c.zone_id,
        store_sections.c.zone_name,
        store_sections.c.x.label("section_x"),
        store_sections.c.y.label("section_y"),
        store_sections.c.radius.label("section_radius"),
    )
    .select_from(
        store_products.outerjoin(
            store_sections,
            and_(
                store_sections.c.tenant_id == _p.tenant_id,
                store_sections.c.code == _p.section_code,
            ),
        )
    )
    .where(_of_tenant(store_products))
)
_PRODUCTS_BY_ID = Query(
    _IN_SECTIONS.where(_p.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))), _Product
)
_PRODUCTS_AFTER = Query(
    _IN_SECTIONS.where(_p.id > bindparam("after"))
    .order_by(_p.id)
    .limit(bindparam("limit", type_=BigInteger)),
    _Product,
)
_SEARCH_ROWS = Query(
    select(_p.id, _p.name, _p.name_en, _p.name_ja, _p.terms, _p.quantity)
    .where(_of_tenant(store_products))
    .order_by(_p.id),
    SearchRow,
)


async def products_by_id(
    reader: Reader, tenant_id: UUID, ids: Sequence[int]
) -> list[store_pb2.Product]:
    """Return products in the order of `ids`; unknown ones are left out."""
    found = await reader.all(_PRODUCTS_BY_ID, tenant=tenant_id, ids=list(set(ids)))
    by_id = {row.id: _product(row) for row in found}
    return [by_id[product_id] for product_id in ids if product_id in by_id]


async def products_after(
    reader: Reader, tenant_id: UUID, after_id: int = 0, limit: int | None = None
) -> list[store_pb2.Product]:
    """Return products by id, from the first one above `after_id` on; all if `limit` is None."""
    found = await reader.all(_PRODUCTS_AFTER, tenant=tenant_id, after=after_id, limit=limit)
    return [_product(row) for row in found]


async def search_rows(reader: Reader, tenant_id: UUID) -> list[SearchRow]:
    """Return the whole catalogue for the search index, by id."""
    return await reader.all(_SEARCH_ROWS, tenant=tenant_id)


# ---- sections and coupon spots ----


@dataclass(frozen=True, slots=True)
class _Section:
    code: str
    name: str
    zone_id: int | None
    zone_name: str | None
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class _CouponSpot:
    spot_no: int
    product_id: int | None
    item_name: str | None
    item_name_en: str | None
    discount_value: float
    x: float
    y: float
    radius: float


_SECTIONS = Query(
    select(*(column for column in _own(store_sections) if column.name != "name_en"))
    .where(_of_tenant(store_sections))
    .order_by(store_sections.c.code),
    _Section,
)
_COUPON_SPOTS = Query(
    select(*_own(store_coupon_spots))
    .where(_of_tenant(store_coupon_spots))
    .order_by(store_coupon_spots.c.spot_no),
    _CouponSpot,
)


async def sections(reader: Reader, tenant_id: UUID) -> list[store_pb2.Section]:
    """Return sections by code."""
    return [
        store_pb2.Section(
            code=row.code,
            name=row.name,
            zone_id=row.zone_id,
            zone_name=row.zone_name,
            location=_location(row.x, row.y, row.radius),
        )
        for row in await reader.all(_SECTIONS, tenant=tenant_id)
    ]


async def coupon_spots(reader: Reader, tenant_id: UUID) -> list[store_pb2.CouponSpot]:
    """Return coupon spots by number, each with its product when the catalogue has it."""
    found = await reader.all(_COUPON_SPOTS, tenant=tenant_id)
    ids = [row.product_id for row in found if row.product_id is not None]
    products = {p.id: p for p in await products_by_id(reader, tenant_id, ids)} if ids else {}
    messages = []
    for row in found:
        product = None if row.product_id is None else products.get(row.product_id)
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


# ---- signage ----


@dataclass(frozen=True, slots=True)
class _Signage:
    id: UUID
    number: int
    name: str
    x: float
    y: float
    radius: float
    orientation: str


@dataclass(frozen=True, slots=True)
class NumberedSignage:
    """A signage's number, which others may share, and its id."""

    number: int
    id: UUID


_SIGNAGE = Query(
    select(*_own(store_signage))
    .where(_of_tenant(store_signage))
    .order_by(store_signage.c.number, store_signage.c.id),
    _Signage,
)
_NUMBERS = Query(
    select(store_signage.c.number, store_signage.c.id)
    .where(_of_tenant(store_signage))
    .order_by(store_signage.c.number),
    NumberedSignage,
)
_NEW_SIGNAGE = insert(store_signage).values(params(*store_signage.c.keys()))
_PUT_SIGNAGE = Statement(
    _NEW_SIGNAGE.on_conflict_do_update(
        index_elements=[store_signage.c.tenant_id, store_signage.c.id],
        set_={
            name: _NEW_SIGNAGE.excluded[name]
            for name in ("number", "name", "x", "y", "radius", "orientation")
        },
    )
)
_DELETE_SIGNAGE = Statement(
    delete(store_signage).where(
        _of_tenant(store_signage), store_signage.c.id == bindparam("signage")
    )
)


async def signage(reader: Reader, tenant_id: UUID) -> list[store_pb2.Signage]:
    """Return signage by number."""
    return [
        store_pb2.Signage(
            id=str(row.id),
            number=row.number,
            name=row.name,
            location=_location(row.x, row.y, row.radius),
            orientation=row.orientation,
        )
        for row in await reader.all(_SIGNAGE, tenant=tenant_id)
    ]


async def signage_numbers(reader: Reader, tenant_id: UUID) -> list[NumberedSignage]:
    """Return number and id of each signage, by number."""
    return await reader.all(_NUMBERS, tenant=tenant_id)


async def put_signage(
    conn: Connection, tenant_id: UUID, signage_id: UUID | None, signage: store_pb2.Signage
) -> store_pb2.Signage:
    """Add a signage, or replace the one with that id; None makes a new id."""
    signage_id = signage_id or uuid4()
    await conn.run(
        _PUT_SIGNAGE,
        tenant_id=tenant_id,
        id=signage_id,
        number=signage.number,
        name=signage.name,
        x=signage.location.x,
        y=signage.location.y,
        radius=signage.location.radius,
        orientation=signage.orientation,
    )
    put = store_pb2.Signage(id=str(signage_id))
    put.MergeFrom(signage)
    put.id = str(signage_id)
    return put


async def delete_signage(conn: Connection, tenant_id: UUID, signage_id: UUID) -> bool:
    """Remove a signage with its slides; return whether there was one."""
    return await conn.run(_DELETE_SIGNAGE, tenant=tenant_id, signage=signage_id) == 1


# ---- slides ----


@dataclass(frozen=True, slots=True)
class _Slide:
    signage_id: UUID
    position: int
    image_url: str
    title: str
    text: str


_SLIDES = Query(
    select(*_own(store_slides))
    .where(_of_tenant(store_slides))
    .order_by(store_slides.c.signage_id, store_slides.c.position),
    _Slide,
)
_ONE_SIGNAGE = Query(
    select(store_signage.c.id).where(
        _of_tenant(store_signage), store_signage.c.id == bindparam("signage")
    ),
    UUID,
)
_DELETE_SLIDES = Statement(
    delete(store_slides).where(
        _of_tenant(store_slides), store_slides.c.signage_id == bindparam("signage")
    )
)
_ADD_SLIDE = Statement(insert(store_slides).values(params(*store_slides.c.keys())))


async def slides(reader: Reader, tenant_id: UUID) -> dict[str, list[store_pb2.Slide]]:
    """Return the slides of each signage that has some, by position."""
    by_signage: dict[str, list[store_pb2.Slide]] = {}
    for row in await reader.all(_SLIDES, tenant=tenant_id):
        by_signage.setdefault(str(row.signage_id), []).append(
            store_pb2.Slide(
                position=row.position, image_url=row.image_url, title=row.title, text=row.text
            )
        )
    return by_signage


async def slide_values(reader: Reader, tenant_id: UUID) -> list[dict[str, Any]]:
    """Return the tenant's slides, each as its columns."""
    return [asdict(row) for row in await reader.all(_SLIDES, tenant=tenant_id)]


async def put_slides(
    conn: Connection, tenant_id: UUID, signage_id: UUID, new: Sequence[store_pb2.Slide]
) -> list[store_pb2.Slide] | None:
    """Replace all slides of a signage and return them, numbered in their order; None when there is
    no such signage."""
    if await conn.first(_ONE_SIGNAGE, tenant=tenant_id, signage=signage_id) is None:
        return None
    await conn.run(_DELETE_SLIDES, tenant=tenant_id, signage=signage_id)
    put = [
        store_pb2.Slide(position=place, image_url=s.image_url, title=s.title, text=s.text)
        for place, s in enumerate(new, 1)
    ]
    await conn.run_many(
        _ADD_SLIDE,
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


# ---- promotions ----


@dataclass(frozen=True, slots=True)
class _Promotion:
    id: int
    title: str
    text: str | None
    image_url: str | None
    enabled: bool


_promotions = store_signage_events
_PROMOTIONS = Query(
    select(*_own(_promotions)).where(_of_tenant(_promotions)).order_by(_promotions.c.id), _Promotion
)
_LAST_PROMOTION = Query(
    select(func.coalesce(func.max(_promotions.c.id), 0)).where(_of_tenant(_promotions)), int
)
_NEW_PROMOTION = insert(_promotions).values(params(*_promotions.c.keys()))
_PUT_PROMOTION = Statement(
    _NEW_PROMOTION.on_conflict_do_update(
        index_elements=[_promotions.c.tenant_id, _promotions.c.id],
        set_={
            name: _NEW_PROMOTION.excluded[name]
            for name in ("title", "text", "image_url", "enabled")
        },
    )
)
_DELETE_PROMOTION = Statement(
    delete(_promotions).where(_of_tenant(_promotions), _promotions.c.id == bindparam("promotion"))
)


async def promotions(reader: Reader, tenant_id: UUID) -> list[Promotion]:
    """Return the promotions by id."""
    return [
        Promotion(
            id=row.id, title=row.title, text=row.text, image_url=row.image_url, enabled=row.enabled
        )
        for row in await reader.all(_PROMOTIONS, tenant=tenant_id)
    ]


async def put_promotion(conn: Connection, tenant_id: UUID, promotion: Promotion) -> Promotion:
    """Add a promotion, or replace the one with that id; id 0 makes the next one."""
    put = Promotion()
    put.CopyFrom(promotion)
    if not put.id:
        # bump_revision's lock makes those who add take turns.
        put.id = await conn.one(_LAST_PROMOTION, tenant=tenant_id) + 1
    await conn.run(
        _PUT_PROMOTION,
        tenant_id=tenant_id,
        id=put.id,
        title=put.title,
        text=put.text if put.HasField("text") else None,
        image_url=put.image_url if put.HasField("image_url") else None,
        enabled=put.enabled,
    )
    return put


async def delete_promotion(conn: Connection, tenant_id: UUID, promotion_id: int) -> bool:
    """Remove a promotion; return whether there was one."""
    return await conn.run(_DELETE_PROMOTION, tenant=tenant_id, promotion=promotion_id) == 1


# ---- triggers ----

_ADD_TRIGGER = Statement(
    insert(store_triggers)
    .values(params("tenant_id", "trigger_id", "trigger"))
    .on_conflict_do_nothing()
)


async def add_trigger(
    conn: Connection, tenant_id: UUID, trigger: store_pb2.ReportTriggerRequest
) -> None:
    """Save a trigger; one that is known changes nothing."""
    await conn.run(
        _ADD_TRIGGER,
        tenant_id=tenant_id,
        trigger_id=trigger.trigger_id,
        trigger=trigger.SerializeToString(),
    )


# ---- imports ----

# By the name of the file that takes the place of what is there.
_IMPORTED = {
    "sections": store_sections,
    "products": store_products,
    "coupon_spots": store_coupon_spots,
    "signage": store_signage,
    "slides": store_slides,
    "signage_events": store_signage_events,
}

_SECTION_CODES = Query(select(store_sections.c.code).where(_of_tenant(store_sections)), str)
_USED_SECTIONS = Query(
    select(_p.section_code)
    .where(_of_tenant(store_products), _p.section_code.is_not(None))
    .distinct(),
    str,
)
_PRODUCT_IDS = Query(select(_p.id).where(_of_tenant(store_products)), int)


async def replace(
    conn: Connection,
    tenant_id: UUID,
    file: str,
    *,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Put a file's rows in the place of all the tenant's; return how many there are now."""
    return await conn.replace_rows(_IMPORTED[file], tenant_id, columns, rows)


async def section_codes(reader: Reader, tenant_id: UUID) -> set[str]:
    """Return the codes of the tenant's sections."""
    return set(await reader.all(_SECTION_CODES, tenant=tenant_id))


async def used_sections(reader: Reader, tenant_id: UUID) -> set[str]:
    """Return the codes of the sections that the tenant's products stand in."""
    return set(await reader.all(_USED_SECTIONS, tenant=tenant_id))


async def product_ids(reader: Reader, tenant_id: UUID) -> set[int]:
    """Return the ids of the tenant's products."""
    return set(await reader.all(_PRODUCT_IDS, tenant=tenant_id))


def _product(row: _Product) -> store_pb2.Product:
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
