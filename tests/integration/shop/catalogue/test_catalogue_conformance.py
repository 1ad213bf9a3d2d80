"""What every Store does: ours in Postgres, and the same one asked over gRPC."""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from onegenie.store.v1 import store_pb2, store_pb2_grpc
from sqlalchemy import select

from core.platform.database import Database
from core.shop.catalogue import sql
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.catalogue.port import Store
from core.shop.catalogue.remote import RemoteStore, open_channel
from core.shop.catalogue.service import StoreService
from core.shop.catalogue.tables import store_triggers
from tests.support import tables

DEMO = Path(__file__).parents[4] / "core" / "shop" / "catalogue" / "demo"


@contextlib.asynccontextmanager
async def serving(
    service: store_pb2_grpc.StoreServiceServicer, address: str
) -> AsyncIterator[None]:
    server = grpc.aio.server()
    store_pb2_grpc.add_StoreServiceServicer_to_server(service, server)
    server.add_insecure_port(address)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@pytest.fixture(params=["embedded", "remote"])
async def stores(request: Any, database: Database) -> AsyncIterator[Any]:
    """A function from tenant id to Store."""
    embedded = EmbeddedStores(database)
    if request.param == "embedded":
        yield embedded.of_tenant
        return
    callers: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="og-") as directory:
        address = f"unix:{directory}/store.sock"
        async with (
            serving(StoreService(embedded, lambda: callers[-1]), address),
            open_channel(address) as channel,
        ):

            def of_tenant(tenant_id: uuid.UUID) -> Store:
                callers.append(tenant_id)
                return RemoteStore(channel, "token")

            yield of_tenant


@pytest.fixture
async def demo(database: Database, tenant: Any, stores: Any) -> Store:
    """The demo store."""
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, DEMO))
    return stores(tenant.id)


def asks(*names: str) -> list[store_pb2.ProductQuery]:
    return [store_pb2.ProductQuery(ko=name) for name in names]


async def test_search_answers_each_query_in_its_place(demo: Store) -> None:
    tofu, nothing, milk = await demo.search_products(asks("두부", "용의 비늘", "우유"))
    assert [p.name for p in tofu] == [
        "국산콩 두부 300g",
        "국산콩 두부 500g",
        "찌개두부 300g",
        "찌개두부 550g",
    ]
    assert nothing == []
    assert milk
    assert all("우유" in p.name for p in milk)
    assert not any("식빵" in p.name or "초코" in p.name for p in milk)


async def test_search_speaks_three_languages(demo: Store) -> None:
    found = await demo.search_products(
        [
            store_pb2.ProductQuery(ko="두부"),
            store_pb2.ProductQuery(en="Tofu"),
            store_pb2.ProductQuery(ja="豆腐"),
        ]
    )
    assert found[0] == found[1] == found[2] != []


async def test_search_puts_what_is_in_stock_first(demo: Store) -> None:
    (eggs,) = await demo.search_products(asks("달걀"))
    stock = [p.quantity > 0 for p in eggs]
    assert stock == sorted(stock, reverse=True)
    assert stock[0]
    assert not stock[-1]


async def test_search_keeps_to_the_limit_and_takes_many_queries(demo: Store) -> None:
    found = await demo.search_products(asks(*["달걀", "두부"] * 150), limit=2)
    assert [len(products) for products in found] == [2] * 300
    assert await demo.search_products([]) == []


async def test_get_products_keeps_the_order_and_leaves_out_the_unknown(demo: Store) -> None:
    products = await demo.batch_get_products([3, 999_999, 1, 3])
    assert [p.id for p in products] == [3, 1, 3]
    assert await demo.batch_get_products([]) == []
    assert len(await demo.batch_get_products(list(range(1, 2001)))) == 914


async def test_list_products_is_the_whole_catalogue_by_id(demo: Store) -> None:
    products = await demo.list_products()
    assert [p.id for p in products] == list(range(1, 915))
    assert products[0] == (await demo.batch_get_products([1]))[0]


async def test_the_floor(demo: Store) -> None:
    sections = await demo.list_sections()
    codes = [section.code for section in sections]
    assert codes == sorted(codes)
    pantry = sections[codes.index("PA")]
    assert (pantry.name, pantry.zone_id, pantry.zone_name) == ("식료품", 12, "Pantry")
    assert len({(s.location.x, s.location.y) for s in sections}) == len(sections)
    screens = await demo.list_signage()
    assert [(s.number, s.orientation) for s in screens] == [(1, "landscape"), (2, "portrait")]
    events = await demo.list_promotions()
    assert [e.id for e in events] == [1, 2, 3, 4]
    assert sum(e.enabled for e in events) == 3
    slides = [await demo.list_slides(screen.id) for screen in screens]
    assert [[s.position for s in some] for some in slides] == [[1, 2, 3, 4], [*range(1, 10)]]
    assert slides[0][0].title == "어서 오세요"
    assert await demo.list_slides(str(uuid4())) == await demo.list_slides("lobby") == []


async def test_a_trigger_is_reported_once_however_often_it_is_sent(
    demo: Store, database: Database, tenant: Any
) -> None:
    trigger = store_pb2.ReportTriggerRequest(trigger_id="t1", action="enter", round_id="r")
    trigger.items.add().update({"rec_id": "a", "price": 5})
    trigger.forgotten.add().string_value = "양파"
    for _ in range(2):
        await demo.report_trigger(trigger)
    await demo.report_trigger(store_pb2.ReportTriggerRequest(trigger_id="t2", action="exit"))
    async with tables(database) as conn:
        query = select(store_triggers).filter_by(tenant_id=tenant.id).order_by("trigger_id")
        rows = (await conn.execute(query)).all()
    assert [row.trigger_id for row in rows] == ["t1", "t2"]
    assert store_pb2.ReportTriggerRequest.FromString(rows[0].trigger) == trigger


async def test_coupon_spots_come_by_number_with_their_product(demo: Store) -> None:
    spots = await demo.list_coupon_spots()
    assert [spot.spot_no for spot in spots] == list(range(1, 9))
    bar = spots[0]
    assert (bar.discount_value, bar.location.x, bar.location.y) == (10, 12.3, 4.5)
    assert bar.product == (await demo.batch_get_products([bar.product_id]))[0]
    assert (bar.item_name, bar.item_name_en) == ("프로틴 바 50g", "Protein Bar 50g")


async def test_a_change_is_seen_at_once(
    demo: Store, database: Database, tenant: Any, tmp_path: Path
) -> None:
    assert await demo.list_coupon_spots()
    assert (await demo.search_products(asks("두부"))) != [[]]
    new = tmp_path / "new"
    new.mkdir()
    header = "spot_no,product_id,discount_value,x,y,radius\n"
    (new / "coupon_spots.csv").write_text(header + "7,1,30,0,0,1\n")
    (new / "products.csv").write_text("id,name\n1,새 두부\n")
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, new))
    (spot,) = await demo.list_coupon_spots()
    assert (spot.spot_no, spot.product.name) == (7, "새 두부")
    assert [p.name for p in (await demo.search_products(asks("두부")))[0]] == ["새 두부"]


async def test_a_store_of_nothing(database: Database, tenant: Any, stores: Any) -> None:
    for tenant_id in (tenant.id, uuid4()):
        empty = stores(tenant_id)
        assert await empty.search_products(asks("두부")) == [[]]
        assert await empty.batch_get_products([1]) == []
        for read in (
            empty.list_products,
            empty.list_sections,
            empty.list_coupon_spots,
            empty.list_signage,
            empty.list_promotions,
        ):
            assert await read() == []


async def test_many_polls_at_once_share_their_reads(
    database: Database, tenant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, DEMO))
    store = EmbeddedStores(database).of_tenant(tenant.id)
    reads = 0

    def counted(read: Any) -> Any:
        def counting(*arguments: Any) -> Any:
            nonlocal reads
            reads += 1
            return read(*arguments)

        return counting

    for name in ("revision", "coupon_spots"):
        monkeypatch.setattr(sql, name, counted(getattr(sql, name)))
    answers = await asyncio.gather(*(store.list_coupon_spots() for _ in range(200)))
    assert all(answer is answers[0] for answer in answers)
    assert len(answers[0]) == 8
    # The revision and the spots.
    assert reads == 2
    await store.list_coupon_spots()
    assert reads == 3


async def test_a_poll_that_comes_during_a_read_gets_a_later_one(
    database: Database, tenant: Any, tmp_path: Path
) -> None:
    store = EmbeddedStores(database).of_tenant(tenant.id)
    started, go_on = asyncio.Event(), asyncio.Event()
    read = store._read_revision

    async def slow() -> int:
        revision = await read()
        started.set()
        await go_on.wait()
        return revision

    store._revision._read = slow
    first = asyncio.create_task(store.list_coupon_spots())
    await started.wait()
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, DEMO))
    second = asyncio.create_task(store.list_coupon_spots())
    await asyncio.sleep(0)
    go_on.set()
    await first
    assert len(await second) == 8


async def test_a_poll_that_leaves_takes_nobody_along(database: Database, tenant: Any) -> None:
    store = EmbeddedStores(database).of_tenant(tenant.id)
    leaving = asyncio.create_task(store.list_coupon_spots())
    staying = asyncio.create_task(store.list_coupon_spots())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == []
    with pytest.raises(asyncio.CancelledError):
        await leaving
