"""A tenant's own store that is slow, down, wrong or coming back."""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from cachetools import TTLCache
from onegenie.store.v1 import store_pb2, store_pb2_grpc

from core.shop.catalogue.port import StoreUnavailable
from core.shop.catalogue.remote import (
    Endpoint,
    RemoteStore,
    RemoteStores,
    make_catalogues,
    open_channel,
)


class Upstream(store_pb2_grpc.StoreServiceServicer):
    """Someone else's store; tests say how it behaves."""

    def __init__(self) -> None:
        self.calls = 0
        self.seen: list[str | None] = []
        self.failures: list[grpc.StatusCode] = []
        self.delay = 0.0

    async def ListCouponSpots(self, request: Any, context: Any) -> Any:
        self.calls += 1
        self.seen.append(dict(context.invocation_metadata()).get("authorization"))
        await asyncio.sleep(self.delay)
        if self.failures:
            await context.abort(self.failures.pop(0), "password=hunter2 at 10.0.0.7")
        return store_pb2.ListCouponSpotsResponse(
            coupon_spots=[store_pb2.CouponSpot(spot_no=1, discount_value=10)]
        )

    async def SearchProducts(self, request: Any, context: Any) -> Any:
        return store_pb2.SearchProductsResponse()

    async def ListProducts(self, request: Any, context: Any) -> Any:
        return store_pb2.ListProductsResponse(
            products=[store_pb2.Product(id=1)], next_page_token="again"
        )


@contextlib.asynccontextmanager
async def running(upstream: Upstream, address: str) -> AsyncIterator[None]:
    server = grpc.aio.server()
    store_pb2_grpc.add_StoreServiceServicer_to_server(upstream, server)
    server.add_insecure_port(address)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@pytest.fixture
def address() -> Iterator[str]:
    # Not tmp_path: a Unix socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="og-") as directory:
        yield f"unix:{directory}/store.sock"


@pytest.fixture
async def upstream(address: str) -> AsyncIterator[Upstream]:
    service = Upstream()  # type: ignore[abstract]
    async with running(service, address):
        yield service


@pytest.fixture
async def store(address: str) -> AsyncIterator[RemoteStore]:
    async with open_channel(address) as channel:
        yield RemoteStore(channel, "s3cret", timeout=5)


async def refused(store: RemoteStore) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await store.list_coupon_spots()
    return str(caught.value)


async def test_it_shows_its_token(upstream: Upstream, store: RemoteStore) -> None:
    assert [spot.spot_no for spot in await store.list_coupon_spots()] == [1]
    assert upstream.seen == ["Bearer s3cret"]
    assert "s3cret" not in repr(Endpoint("unix:/x", "s3cret"))


async def test_slow_is_a_timeout(upstream: Upstream, address: str) -> None:
    upstream.delay = 30
    async with open_channel(address) as channel:
        assert await refused(RemoteStore(channel, "t", timeout=0.05)) == "store: upstream timeout"


async def test_down_is_unavailable_and_back_is_back(address: str, store: RemoteStore) -> None:
    assert await refused(store) == "store: upstream unavailable"
    first = Upstream()  # type: ignore[abstract]
    async with running(first, address):
        await until_it_answers(store)
    assert await refused(store) == "store: upstream unavailable"
    async with running(Upstream(), address):  # type: ignore[abstract]
        await until_it_answers(store)


async def until_it_answers(store: RemoteStore) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(StoreUnavailable):
                await store.list_coupon_spots()
                return
            await asyncio.sleep(0.05)


async def test_a_short_absence_is_retried(upstream: Upstream, store: RemoteStore) -> None:
    upstream.failures = [grpc.StatusCode.UNAVAILABLE] * 3
    assert len(await store.list_coupon_spots()) == 1
    assert upstream.calls == 4


async def test_a_long_absence_is_not_retried_for_ever(
    upstream: Upstream, store: RemoteStore
) -> None:
    upstream.failures = [grpc.StatusCode.UNAVAILABLE] * 1000
    for _ in range(25):
        assert await refused(store) == "store: upstream unavailable"
    # Four tries each would be a hundred: the channel's budget of retries ran out.
    assert upstream.calls < 50


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "store: upstream refused the credential"),
        (grpc.StatusCode.PERMISSION_DENIED, "store: upstream refused the credential"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "store: upstream is over its limits"),
        (grpc.StatusCode.INTERNAL, "store: upstream error (INTERNAL)"),
        (grpc.StatusCode.UNKNOWN, "store: upstream error (UNKNOWN)"),
    ],
)
async def test_other_failures_are_told_once_and_in_our_words(
    upstream: Upstream, store: RemoteStore, status: grpc.StatusCode, message: str
) -> None:
    upstream.failures = [status]
    assert await refused(store) == message
    assert upstream.calls == 1


async def test_replies_that_make_no_sense(upstream: Upstream, store: RemoteStore) -> None:
    with pytest.raises(StoreUnavailable, match="wrong number of matches"):
        await store.search_products([store_pb2.ProductQuery(ko="두부")])
    with pytest.raises(StoreUnavailable, match="repeats a page"):
        await store.list_products()
    with pytest.raises(StoreUnavailable, match="does not offer this call"):
        await store.list_sections()


async def test_leaving_is_not_a_failure(upstream: Upstream, store: RemoteStore) -> None:
    upstream.delay = 30
    asking = asyncio.create_task(store.list_coupon_spots())
    async with asyncio.timeout(20):
        while not upstream.calls:
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_tenants_share_a_channel_but_not_a_token(upstream: Upstream, address: str) -> None:
    class Others:
        def of_tenant(self, tenant_id: uuid.UUID) -> Any:
            return self

    one, two, three, others = uuid4(), uuid4(), uuid4(), Others()
    stores = RemoteStores(
        {one: Endpoint(address, "a"), two: Endpoint(address, "b")}, others, timeout=5
    )
    await stores.of_tenant(one).list_coupon_spots()
    await stores.of_tenant(two).list_coupon_spots()
    assert upstream.seen == ["Bearer a", "Bearer b"]
    assert stores.of_tenant(three) is others  # type: ignore[comparison-overlap]
    assert len(stores._channels) == 1
    await stores.close()


@pytest.mark.parametrize("address", ["http://localhost:1", "https://localhost", "localhost:1"])
async def test_addresses(address: str) -> None:
    await open_channel(address).close()


async def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not ftp://"):
        open_channel("ftp://localhost")


class Catalogue(Upstream):
    """A store of 2,500 products, a page at a time."""

    async def ListProducts(self, request: Any, context: Any) -> Any:
        self.calls += 1
        await asyncio.sleep(self.delay)
        if self.failures:
            await context.abort(self.failures.pop(0), "down")
        first = int(request.page_token or 1)
        last = min(first + request.page_size, 2501)
        return store_pb2.ListProductsResponse(
            products=[store_pb2.Product(id=n) for n in range(first, last)],
            next_page_token=str(last) if last <= 2500 else "",
        )


async def test_a_catalogue_is_read_once_in_a_while(address: str) -> None:
    tenant = uuid4()
    stores = RemoteStores({tenant: Endpoint(address, "a")}, None, timeout=5)  # type: ignore[arg-type]
    store, upstream = stores.of_tenant(tenant), Catalogue()  # type: ignore[abstract]
    upstream.failures = [grpc.StatusCode.INTERNAL]
    async with running(upstream, address):
        failed = await asyncio.gather(
            *(store.list_products() for _ in range(3)), return_exceptions=True
        )
        assert [str(error) for error in failed] == ["store: upstream error (INTERNAL)"] * 3
        upstream.calls = 0
        both = await asyncio.gather(store.list_products(), store.list_products())
        third = await store.list_products()
        assert [product.id for product in third] == list(range(1, 2501))
        assert both == [third, third]  # type: ignore[comparison-overlap]
        assert upstream.calls == 3
    # Still there while the store is away; gone when its time is up.
    assert await store.list_products() is third
    store._catalogues.clear()  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable, match="unavailable"):
        await store.list_products()
    await stores.close()


async def test_a_catalogue_is_kept_for_its_time_and_within_bounds(address: str) -> None:
    async with running(upstream := Catalogue(), address), open_channel(address) as channel:  # type: ignore[abstract]
        now = 0.0
        kept: TTLCache[Any, Any] = TTLCache(4000, 60, timer=lambda: now, getsizeof=len)
        one, two = (RemoteStore(channel, token, 5, kept) for token in "ab")
        await one.list_products()
        now = 59.0
        await one.list_products()
        assert upstream.calls == 3
        now = 61.0
        await one.list_products()
        assert upstream.calls == 6
        await two.list_products()  # no room for both
        assert len(kept) == 1
        small = RemoteStore(channel, "c", 5, TTLCache(100, 60, getsizeof=len))
        assert len(await small.list_products()) == len(await small.list_products()) == 2500


async def test_who_gives_up_waiting_for_a_catalogue_leaves_it_to_the_others(address: str) -> None:
    async with running(upstream := Catalogue(), address), open_channel(address) as channel:  # type: ignore[abstract]
        upstream.delay = 0.1
        store = RemoteStore(channel, "a", 5, make_catalogues())
        impatient = asyncio.create_task(store.list_products())
        patient = asyncio.create_task(store.list_products())
        await asyncio.sleep(0.05)
        impatient.cancel()
        assert len(await patient) == 2500
        assert upstream.calls == 3
