"""The store in our own Postgres."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

from cachetools import LRUCache
from onegenie.store.v1 import store_pb2

from core.platform.database import Connection, Database
from core.shop.catalogue import sql
from core.shop.catalogue.port import Promotion
from core.shop.catalogue.search import Entry, SearchIndex

T = TypeVar("T")


class EmbeddedStore:
    """One tenant's store in our Postgres.

    The catalogue, the coupon spots, the signage with their slides and the search index are kept
    between calls and read again when the store's revision has moved; everything else is one query.
    """

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._revision = _SharedRead(self._read_revision)
        self._coupon_spots = _Kept(self._read_coupon_spots)
        self._products = _Kept(self._read_products)
        self._index = _Kept(self._read_index)
        self._signage = _Kept(self._read_signage)
        self._slides = _Kept(self._read_slides)

    async def search_products(
        self, queries: Sequence[store_pb2.ProductQuery], limit: int = 10
    ) -> list[list[store_pb2.Product]]:
        """See Store; core.shop.catalogue.search says what matches."""
        index = await self._index.at(await self._revision())
        found = [index.find((query.ko, query.en, query.ja), limit) for query in queries]
        ids = list({product_id for ids in found for product_id in ids})
        products = {product.id: product for product in await self.batch_get_products(ids)}
        return [[products[i] for i in ids if i in products] for ids in found]

    async def batch_get_products(self, ids: Sequence[int]) -> list[store_pb2.Product]:
        """See Store."""
        if not ids:
            return []
        return await sql.products_by_id(self._database, self._tenant_id, ids)

    async def list_products(self) -> list[store_pb2.Product]:
        """See Store. Shared by all who ask: not to be changed."""
        return await self._products.at(await self._revision())

    async def products_after(self, after_id: int, limit: int | None) -> list[store_pb2.Product]:
        """Return a page of the catalogue: products by id, beginning above `after_id`."""
        return await sql.products_after(self._database, self._tenant_id, after_id, limit)

    async def list_sections(self) -> list[store_pb2.Section]:
        """See Store."""
        return await sql.sections(self._database, self._tenant_id)

    async def list_coupon_spots(self) -> list[store_pb2.CouponSpot]:
        """See Store. Costs one indexed query, shared by those who ask at the same time."""
        return await self._coupon_spots.at(await self._revision())

    async def list_signage(self) -> list[store_pb2.Signage]:
        """See Store."""
        return await self._signage.at(await self._revision())

    async def list_slides(self, signage_id: str) -> list[store_pb2.Slide]:
        """See Store."""
        slides = await self._slides.at(await self._revision())
        return slides.get(signage_id.lower(), [])

    async def list_promotions(self) -> list[Promotion]:
        """See Store."""
        return await sql.promotions(self._database, self._tenant_id)

    async def report_trigger(self, request: store_pb2.ReportTriggerRequest) -> None:
        """See Store."""
        async with self._database.begin() as conn:
            await sql.add_trigger(conn, self._tenant_id, request)

    async def put_signage(
        self, signage_id: UUID | None, signage: store_pb2.Signage
    ) -> store_pb2.Signage:
        """Add a signage, or replace the one with that id; None makes a new one."""
        async with self._changing() as conn:
            return await sql.put_signage(conn, self._tenant_id, signage_id, signage)

    async def delete_signage(self, signage_id: UUID) -> bool:
        """Remove a signage with its slides; return whether there was one."""
        async with self._changing() as conn:
            return await sql.delete_signage(conn, self._tenant_id, signage_id)

    async def put_slides(
        self, signage_id: UUID, slides: Sequence[store_pb2.Slide]
    ) -> list[store_pb2.Slide] | None:
        """Replace a signage's slides and return them; None when there is no such signage."""
        async with self._changing() as conn:
            return await sql.put_slides(conn, self._tenant_id, signage_id, slides)

    async def put_promotion(self, promotion: Promotion) -> Promotion:
        """Add a promotion, or replace the one with that id; id 0 makes a new one."""
        async with self._changing() as conn:
            return await sql.put_promotion(conn, self._tenant_id, promotion)

    async def delete_promotion(self, promotion_id: int) -> bool:
        """Remove a promotion; return whether there was one."""
        async with self._changing() as conn:
            return await sql.delete_promotion(conn, self._tenant_id, promotion_id)

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        """Open a transaction that changes the store."""
        async with self._database.begin() as conn:
            await sql.bump_revision(conn, self._tenant_id)
            yield conn

    async def _read_revision(self) -> int:
        return await sql.revision(self._database, self._tenant_id)

    async def _read_coupon_spots(self) -> list[store_pb2.CouponSpot]:
        return await sql.coupon_spots(self._database, self._tenant_id)

    async def _read_signage(self) -> list[store_pb2.Signage]:
        return await sql.signage(self._database, self._tenant_id)

    async def _read_slides(self) -> dict[str, list[store_pb2.Slide]]:
        return await sql.slides(self._database, self._tenant_id)

    async def _read_products(self) -> list[store_pb2.Product]:
        return await self.products_after(0, None)

    async def _read_index(self) -> SearchIndex:
        rows = await sql.search_rows(self._database, self._tenant_id)
        entries = (
            Entry(row.id, (row.name, row.name_en, row.name_ja), row.terms, row.quantity != 0)
            for row in rows
        )
        return await asyncio.to_thread(SearchIndex, entries)


class EmbeddedStores:
    """Every tenant's store in our Postgres."""

    def __init__(self, database: Database, kept: int = 256) -> None:
        """Keep what was read of the `kept` tenants asked for last."""
        self._database = database
        self._stores: LRUCache[UUID, EmbeddedStore] = LRUCache(kept)

    def of_tenant(self, tenant_id: UUID) -> EmbeddedStore:
        """The tenant's store."""
        found = self._stores.get(tenant_id)
        if found is None:
            found = self._stores[tenant_id] = EmbeddedStore(self._database, tenant_id)
        return found


class _Kept(Generic[T]):
    """Something read once per revision.

    The revision is read before the thing itself, so the thing is never older than it.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._held: tuple[int, T] | None = None

    async def at(self, revision: int) -> T:
        if self._held is None or self._held[0] < revision:
            async with self._lock:
                if self._held is None or self._held[0] < revision:
                    self._held = (revision, await self._read())
        return self._held[1]


class _SharedRead:
    """One read at a time; all who ask meanwhile share the next one.

    Nobody gets an answer from a read that began before they asked, so it is as fresh as a read
    of one's own, and a thousand polls at once cost two queries.
    """

    def __init__(self, read: Callable[[], Awaitable[int]]) -> None:
        self._read = read
        self._running: asyncio.Task[int] | None = None
        self._waiting: asyncio.Task[int] | None = None

    async def __call__(self) -> int:
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._run(self._running))
            # When all who asked are gone, nobody else looks at its error.
            self._waiting.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._waiting)

    async def _run(self, before: asyncio.Task[int] | None) -> int:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._waiting = self._waiting, None
        return await self._read()
