"""A tenant's own store, asked over gRPC."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import yaml
from cachetools import TTLCache
from onegenie.store.v1 import store_pb2, store_pb2_grpc
from pydantic import TypeAdapter, ValidationError

from core.platform import upstream
from core.shop.catalogue.port import Promotion, Store, Stores, StoreUnavailable

# The contract's bounds for one call.
_QUERIES, _IDS, _PAGE = 200, 1000, 1000

_SERVICE = "onegenie.store.v1.StoreService"

# Steps 3 and 4 of a round each want the whole catalogue, which takes many pages: what was read
# serves for this long. All tenants' together are at most so many products, about 100 MB.
CATALOGUE_SECONDS = 60.0
CATALOGUE_PRODUCTS = 100_000
Catalogues = TTLCache[int, list[store_pb2.Product]]


def make_catalogues() -> Catalogues:
    """Make room for the catalogues of many stores; one larger than all of it is not kept."""
    return TTLCache(CATALOGUE_PRODUCTS, CATALOGUE_SECONDS, getsizeof=len)


@dataclass(frozen=True)
class Endpoint:
    """Where a tenant's store is, and the bearer token it knows us by.

    The address is `https://host[:port]` for TLS; `http://host:port`, `host:port` or
    `unix:/path` for none.
    """

    address: str
    token: str = field(repr=False)


def load_endpoints(path: Path) -> dict[UUID, Endpoint]:
    """Read endpoints by tenant id from a YAML file: `<tenant id>: {address: …, token: …}`.

    Raises ValueError that says what is wrong with it, and shows no token.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        endpoints = TypeAdapter(dict[UUID, Endpoint]).validate_python(content or {})
        for endpoint in endpoints.values():
            upstream.split_address(endpoint.address)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False)
        ]
        raise ValueError(f"{path}: {'; '.join(problems)}") from None
    except yaml.YAMLError:
        raise ValueError(f"{path}: is not YAML") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    return endpoints


class RemoteStore:
    """One tenant's store behind a StoreService of its own.

    Every call ends within `timeout` seconds, retries included, or raises StoreUnavailable
    whose message says what is wrong and nothing of the upstream's own words.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        token: str,
        timeout: float = 5.0,
        catalogues: Catalogues | None = None,
    ) -> None:
        """`catalogues` is where its catalogue is kept for a while; without it, it is not kept."""
        self._catalogues = catalogues
        self._reading: asyncio.Task[list[store_pb2.Product]] | None = None
        self._stub = store_pb2_grpc.StoreServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._timeout = timeout

    async def search_products(
        self, queries: Sequence[store_pb2.ProductQuery], limit: int = 10
    ) -> list[list[store_pb2.Product]]:
        """See Store."""
        found: list[list[store_pb2.Product]] = []
        for first in range(0, len(queries), _QUERIES):
            asked = queries[first : first + _QUERIES]
            request = store_pb2.SearchProductsRequest(queries=asked, limit=limit)
            reply = await self._call(self._stub.SearchProducts, request)
            if len(reply.matches) != len(asked):
                raise StoreUnavailable("store: upstream sent a wrong number of matches")
            found.extend(list(match.products) for match in reply.matches)
        return found

    async def batch_get_products(self, ids: Sequence[int]) -> list[store_pb2.Product]:
        """See Store."""
        products: list[store_pb2.Product] = []
        for first in range(0, len(ids), _IDS):
            request = store_pb2.BatchGetProductsRequest(ids=ids[first : first + _IDS])
            products.extend((await self._call(self._stub.BatchGetProducts, request)).products)
        return products

    async def list_products(self) -> list[store_pb2.Product]:
        """See Store. Up to CATALOGUE_SECONDS old, and shared by all who ask: not to be changed."""
        if self._catalogues is None:
            return await self._read_catalogue()
        kept = self._catalogues.get(id(self))
        if kept is not None:
            return kept
        # Many rounds, one reading: those that come while it runs wait for it.
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._keep_catalogue(self._catalogues))
            # When all who asked are gone, nobody else looks at its error.
            self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._reading)

    async def _keep_catalogue(self, catalogues: Catalogues) -> list[store_pb2.Product]:
        products = await self._read_catalogue()
        with contextlib.suppress(ValueError):  # too large
            catalogues[id(self)] = products
        return products

    async def _read_catalogue(self) -> list[store_pb2.Product]:
        products: list[store_pb2.Product] = []
        seen: set[str] = set()
        token = ""
        while token not in seen:
            seen.add(token)
            request = store_pb2.ListProductsRequest(page_size=_PAGE, page_token=token)
            reply = await self._call(self._stub.ListProducts, request)
            products.extend(reply.products)
            if not reply.next_page_token:
                return products
            token = reply.next_page_token
        raise StoreUnavailable("store: upstream repeats a page")

    async def list_sections(self) -> list[store_pb2.Section]:
        """See Store."""
        request = store_pb2.ListSectionsRequest()
        return list((await self._call(self._stub.ListSections, request)).sections)

    async def list_coupon_spots(self) -> list[store_pb2.CouponSpot]:
        """See Store."""
        request = store_pb2.ListCouponSpotsRequest()
        return list((await self._call(self._stub.ListCouponSpots, request)).coupon_spots)

    async def list_signage(self) -> list[store_pb2.Signage]:
        """See Store."""
        request = store_pb2.ListSignageRequest()
        return list((await self._call(self._stub.ListSignage, request)).signage)

    async def list_slides(self, signage_id: str) -> list[store_pb2.Slide]:
        """See Store."""
        request = store_pb2.ListSlidesRequest(signage_id=signage_id)
        return list((await self._call(self._stub.ListSlides, request)).slides)

    async def report_trigger(self, request: store_pb2.ReportTriggerRequest) -> None:
        """See Store."""
        await self._call(self._stub.ReportTrigger, request)

    async def list_promotions(self) -> list[Promotion]:
        """See Store."""
        request = store_pb2.ListSignageEventsRequest()
        return list((await self._call(self._stub.ListSignageEvents, request)).signage_events)

    async def _call(self, method: Any, request: Any) -> Any:
        try:
            return await method(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise StoreUnavailable(f"store: {upstream.problem_of(error)}") from error


class RemoteStores:
    """Stores of the tenants that have an endpoint; everyone else's come from `others`."""

    def __init__(
        self, endpoints: Mapping[UUID, Endpoint], others: Stores, timeout: float = 5.0
    ) -> None:
        """One channel per address, shared by the tenants behind it; it connects when first used."""
        self._others = others
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._stores: dict[UUID, Store] = {}
        catalogues = make_catalogues()
        for tenant_id, endpoint in endpoints.items():
            channel = self._channels.get(endpoint.address)
            if channel is None:
                channel = self._channels[endpoint.address] = open_channel(endpoint.address)
            self._stores[tenant_id] = RemoteStore(channel, endpoint.token, timeout, catalogues)

    def of_tenant(self, tenant_id: UUID) -> Store:
        """The tenant's store."""
        return self._stores.get(tenant_id) or self._others.of_tenant(tenant_id)

    async def close(self) -> None:
        """Close every channel; calls in flight fail."""
        for channel in self._channels.values():
            await channel.close()


def open_channel(address: str) -> grpc.aio.Channel:
    """Open a channel to a StoreService; see Endpoint for the forms of address."""
    return upstream.open_channel(address, _SERVICE)
