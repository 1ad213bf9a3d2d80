"""StoreService's own parts: pages, defaults, tenants."""

from pathlib import Path
from typing import Any

import pytest
from onegenie.store.v1 import store_pb2

from core.platform.database import Database
from core.shop.catalogue.embedded import EmbeddedStores
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.catalogue.service import StoreService
from core.shop.tenants.sql import create_tenant
from edge.reply.errors import ApiError


@pytest.fixture
async def service(database: Database, tenant: Any, tmp_path: Path) -> StoreService:
    """A store of products 1 to 7."""
    file = tmp_path / "products.csv"
    file.write_text("id,name\n" + "".join(f"{n},{n}호 두부\n" for n in range(1, 8)))
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, file))
    return StoreService(EmbeddedStores(database), lambda: tenant.id)


async def pages(service: StoreService, size: int) -> list[list[int]]:
    found, token = [], ""
    while True:
        reply = await service.ListProducts(
            store_pb2.ListProductsRequest(page_size=size, page_token=token), None
        )
        found.append([product.id for product in reply.products])
        token = reply.next_page_token
        if not token:
            return found


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, [[1, 2, 3, 4, 5, 6, 7]]),
        (3, [[1, 2, 3], [4, 5, 6], [7]]),
        (7, [[1, 2, 3, 4, 5, 6, 7]]),
        (6, [[1, 2, 3, 4, 5, 6], [7]]),
    ],
)
async def test_pages_hold_each_product_once(
    service: StoreService, size: int, expected: list[list[int]]
) -> None:
    assert await pages(service, size) == expected


@pytest.mark.parametrize("token", ["x", "-1", "1.5", "٣", "9" * 19])
async def test_a_token_that_is_not_ours_names_its_field(service: StoreService, token: str) -> None:
    with pytest.raises(ApiError) as refused:
        await service.ListProducts(store_pb2.ListProductsRequest(page_token=token), None)
    assert [violation.field for violation in refused.value.fields] == ["page_token"]


async def test_limit_0_means_10(
    service: StoreService, database: Database, tenant: Any, tmp_path: Path
) -> None:
    file = tmp_path / "products.csv"
    file.write_text("id,name\n" + "".join(f"{n},{n}호 두부\n" for n in range(1, 15)))
    async with database.begin() as conn:
        await import_catalogue(conn, ImportCatalogue(tenant.id, file))
    query = store_pb2.ProductQuery(ko="두부")
    for limit, expected in ((0, 10), (3, 3), (100, 14)):
        reply = await service.SearchProducts(
            store_pb2.SearchProductsRequest(queries=[query], limit=limit), None
        )
        assert len(reply.matches[0].products) == expected


async def test_each_caller_gets_their_own_store(database: Database, service: StoreService) -> None:
    async with database.begin() as conn:
        other = await create_tenant(conn, "other", "ko")
    theirs = StoreService(EmbeddedStores(database), lambda: other)
    request = store_pb2.BatchGetProductsRequest(ids=[1, 2])
    assert len((await service.BatchGetProducts(request, None)).products) == 2
    assert len((await theirs.BatchGetProducts(request, None)).products) == 0
