"""TenantService: what a tenant's staff see and manage, with one of the tenant's admin keys.

Credit is granted by the operator, with the service token.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import cast

import grpc
import structlog
from onegenie.error.v1.reasons import SdkReason
from onegenie.store.v1 import store_pb2
from onegenie.tenant.v1 import tenant_pb2 as pb
from onegenie.tenant.v1 import tenant_pb2_grpc as pb_grpc

from core.platform.idempotency import IDEMPOTENCY_HEADER, check_key, used_for_another_request
from core.platform.paging import make_token, read_token
from core.platform.plain import timestamp
from core.platform.runtime import Runtime
from core.shop.catalogue.port import Stores, StoreUnavailable
from core.shop.signage.sql import presence
from core.shop.staff.analytics import get_analytics
from core.shop.staff.events import list_events, stream_events
from core.shop.tenants import sql
from core.shop.tenants.identity import caller
from edge.reply.errors import ApiError, FieldViolation, invalid
from edge.serve.call import current_call

LEDGER_PAGE = 100

log = structlog.get_logger(__name__)


class TenantService(pb_grpc.TenantServiceServicer):
    """Serves onegenie.tenant.v1.TenantService."""

    def __init__(self, runtime: Runtime, stores: Stores) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._stores = stores

    async def StreamEvents(
        self, request: pb.StreamEventsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        stream = stream_events(self._runtime, caller(), request)
        async with contextlib.aclosing(stream):
            async for reply in stream:
                yield reply

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListEventsResponse:
        return await list_events(self._database, caller(), request)

    async def GetAnalytics(
        self, request: pb.GetAnalyticsRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetAnalyticsResponse:
        try:
            names = {one.id: one.name for one in await self._signage()}
        except StoreUnavailable as error:
            # The figures are ours: without the store, screens go by their ids.
            log.warning("signage_names_failed", error=str(error))
            names = {}
        return await get_analytics(
            self._database,
            caller().tenant_id,
            request,
            zone=self._runtime.zone,
            signage_names=names,
        )

    async def ListSignagePresence(
        self, request: pb.ListSignagePresenceRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListSignagePresenceResponse:
        found = await presence(self._database, caller().tenant_id)
        devices = {each.signage_id: each for each in found}
        reply = pb.ListSignagePresenceResponse()
        try:
            signage = await self._signage()
        except StoreUnavailable as error:
            raise ApiError(SdkReason.UNAVAILABLE, str(error)) from error
        for one in sorted(signage, key=lambda one: one.number):
            shown = reply.signage.add(signage_id=one.id, number=one.number, name=one.name)
            if device := devices.get(one.id):
                shown.online = device.online
                if device.last_seen_at:
                    shown.last_seen_at.FromDatetime(device.last_seen_at)
        return reply

    async def GetBalance(
        self, request: pb.GetBalanceRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetBalanceResponse:
        balance = await sql.read_balance(self._database, caller().tenant_id)
        return pb.GetBalanceResponse(balance=balance)

    async def ListLedger(
        self, request: pb.ListLedgerRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListLedgerResponse:
        size = request.page_size or LEDGER_PAGE
        before = read_token(request.page_token)
        # One more than asked for: is there a next page?
        rows = await sql.list_ledger(self._database, caller().tenant_id, before, size + 1)
        page = rows[:size]
        return pb.ListLedgerResponse(
            entries=[
                pb.LedgerEntry(
                    delta=row.delta,
                    reason=row.reason,
                    round_id=str(row.round_id) if row.round_id else None,
                    note=row.note,
                    created_at=timestamp(row.created_at),
                )
                for row in page
            ],
            next_page_token=make_token(page[-1].id) if len(rows) > size else "",
        )

    async def GrantCredit(
        self, request: pb.GrantCreditRequest, context: grpc.aio.ServicerContext
    ) -> pb.GrantCreditResponse:
        if request.amount == 0:
            raise invalid(FieldViolation("amount", "must not be 0"))
        note = request.note if request.HasField("note") else None
        idempotency_key = current_call.get().metadata.get(IDEMPOTENCY_HEADER)
        check_key(idempotency_key)
        async with self._database.begin() as conn:
            try:
                balance = await sql.grant_credit(
                    conn, uuid.UUID(request.tenant_id), request.amount, note, idempotency_key
                )
            except LookupError:
                raise ApiError(SdkReason.NOT_FOUND, "There is no such tenant.") from None
            except ValueError as error:
                raise invalid(FieldViolation("amount", str(error))) from None
            except sql.UsedForAnotherGrant:
                raise used_for_another_request() from None
        log.info("credit_granted", tenant_id=request.tenant_id, amount=request.amount)
        return pb.GrantCreditResponse(balance=balance)

    async def CreateKey(
        self, request: pb.CreateKeyRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateKeyResponse:
        signage_id = await self._signage_of_key(request)
        kind, tenant_id = cast(sql.KeyKind, request.kind), caller().tenant_id
        async with self._database.begin() as conn:
            try:
                key_id, secret = await sql.create_key(
                    conn, tenant_id, kind, request.name, signage_id, caller().key_id
                )
            except LookupError:
                raise ApiError(SdkReason.UNAUTHORIZED) from None
            row = await sql.read_key(conn, tenant_id, key_id)
        return pb.CreateKeyResponse(key=_key(row), secret=secret)

    async def ListKeys(
        self, request: pb.ListKeysRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListKeysResponse:
        rows = await sql.list_keys(self._database, caller().tenant_id)
        return pb.ListKeysResponse(keys=[_key(row) for row in rows])

    async def RevokeKey(
        self, request: pb.RevokeKeyRequest, context: grpc.aio.ServicerContext
    ) -> pb.RevokeKeyResponse:
        # Also the caller's own and last one: ending a key that got out must never have to wait.
        async with self._database.begin() as conn:
            ended = await sql.revoke_key(
                conn,
                caller().tenant_id,
                uuid.UUID(request.key_id),
                keep_made=request.keep_made,
            )
        if not ended:
            raise ApiError(SdkReason.NOT_FOUND, "There is no such key.")
        return pb.RevokeKeyResponse(revoked_key_ids=map(str, ended))

    async def _signage(self) -> Sequence[store_pb2.Signage]:
        return await self._stores.of(caller().tenant_id).signage()

    async def _signage_of_key(self, request: pb.CreateKeyRequest) -> str | None:
        """The screen that the key is for, as the store writes its id."""
        if request.kind != "signage":
            if request.HasField("signage_id"):
                raise invalid(FieldViolation("signage_id", "must be left out: only for signage"))
            return None
        if not request.signage_id:
            raise invalid(FieldViolation("signage_id", "is required for signage"))
        try:
            known = {one.id for one in await self._signage()}
        except StoreUnavailable as error:
            raise ApiError(SdkReason.UNAVAILABLE, str(error)) from error
        if request.signage_id not in known:
            raise invalid(FieldViolation("signage_id", "must be one of the store's signage"))
        return request.signage_id


def _key(row: sql.Key) -> pb.Key:
    return pb.Key(
        key_id=str(row.id),
        kind=row.kind,
        name=row.name,
        signage_id=row.signage_id,
        hints=row.hints or (),
        created_at=timestamp(row.created_at),
        revoked_at=timestamp(row.revoked_at) if row.revoked_at else None,
        created_by=str(row.created_by) if row.created_by else None,
    )
