"""A core and a tenant's staff who call it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from onegenie.tenant.v1 import tenant_pb2 as pb
from onegenie.tenant.v1 import tenant_pb2_grpc as pb_grpc

from core.platform.database import Database
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.sql import create_tenant
from tests.support import STORE, create_key, running_core

SERVICE_TOKEN = "the-operators-own-service-token"


@dataclass
class Staff:
    """A tenant with a small store, and its admin key."""

    channel: grpc.aio.Channel
    tenant_id: uuid.UUID
    key_id: uuid.UUID
    secret: str

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.secret}"),)

    @property
    def stub(self) -> pb_grpc.TenantServiceAsyncStub:
        return pb_grpc.TenantServiceStub(self.channel)  # type: ignore[return-value]

    def watch(
        self, after: int | None = None, *kinds: str, channel: grpc.aio.Channel | None = None
    ) -> grpc.aio.UnaryStreamCall:
        """StreamEvents."""
        return pb_grpc.TenantServiceStub(channel or self.channel).StreamEvents(
            pb.StreamEventsRequest(after_sequence=after, kinds=kinds),
            metadata=self.metadata,
            timeout=60,
        )

    async def call(self, method: str, **fields: object) -> object:
        """Any other method of the service."""
        request = getattr(pb, f"{method}Request")(**fields)
        return await getattr(self.stub, method)(request, metadata=self.metadata, timeout=20)

    async def grant(
        self,
        amount: int | None,
        note: str | None = None,
        key: str | None = None,
        tenant_id: object = None,
        token: str = SERVICE_TOKEN,
    ) -> int:
        """GrantCredit, as the operator calls it; the balance."""
        request = pb.GrantCreditRequest(
            tenant_id=str(tenant_id or self.tenant_id), amount=amount, note=note
        )
        metadata = [("authorization", f"Bearer {token}")]
        if key is not None:
            metadata.append(("idempotency-key", key))
        reply = await self.stub.GrantCredit(request, metadata=metadata, timeout=20)
        return reply.balance


@pytest.fixture
async def channel(database_url: str) -> AsyncIterator[grpc.aio.Channel]:
    async with running_core(database_url, service_token=SERVICE_TOKEN) as opened:
        yield opened


async def make_staff(database: Database, channel: grpc.aio.Channel, credits: int = 100) -> Staff:
    """Staff of a new tenant."""
    async with database.begin() as conn:
        tenant_id = await create_tenant(conn, f"tenant {uuid.uuid4()}")
        key_id, secret = await create_key(conn, tenant_id, "admin", "test")
        if credits:
            await grant_credit(conn, GrantCredit(tenant_id, credits))
        await import_catalogue(conn, ImportCatalogue(tenant_id, STORE))
    return Staff(channel, tenant_id, key_id, secret)


@pytest.fixture
async def staff(database: Database, channel: grpc.aio.Channel) -> Staff:
    return await make_staff(database, channel)


@pytest.fixture
async def others(database: Database, channel: grpc.aio.Channel) -> Staff:
    """Staff of another tenant."""
    return await make_staff(database, channel)
