"""TenantService: what a tenant's staff see and manage, with one of the tenant's admin keys.

Credit is granted by the operator, with the service token.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import cast

import grpc
from onegenie.tenant.v1 import tenant_pb2 as pb
from onegenie.tenant.v1 import tenant_pb2_grpc as pb_grpc

from core.platform.idempotency import IDEMPOTENCY_HEADER
from core.platform.plain import timestamp
from core.platform.runtime import Runtime
from core.shop.catalogue.port import Store, Stores
from core.shop.staff.create_key import CreateKey, create_key
from core.shop.staff.get_analytics import Analytics, Figures, FiguresOf, GetAnalytics, get_analytics
from core.shop.staff.grant_credit import grant_credit
from core.shop.staff.list_events import ListEvents, list_events
from core.shop.staff.list_signage_presence import list_signage_presence
from core.shop.staff.read_credit import get_balance, list_ledger
from core.shop.staff.revoke_key import revoke_key
from core.shop.staff.stream_events import StreamEvents, stream_events
from core.shop.tenants.grant_credit import GrantCredit
from core.shop.tenants.identity import caller
from core.shop.tenants.sql import Key, KeyKind, list_keys
from edge import current_call


class TenantService(pb_grpc.TenantServiceServicer):
    """Serves onegenie.tenant.v1.TenantService."""

    def __init__(self, runtime: Runtime, stores: Stores) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._stores = stores

    @property
    def _store(self) -> Store:
        return self._stores.of_tenant(caller().tenant_id)

    async def StreamEvents(
        self, request: pb.StreamEventsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        after = request.after_sequence if request.HasField("after_sequence") else None
        command = StreamEvents(kinds=list(request.kinds), after_sequence=after)
        stream = stream_events(self._runtime, caller(), command)
        async with contextlib.aclosing(stream):
            async for one in stream:
                yield pb.StreamEventsResponse(sequence=one.sequence, kind=one.kind, event=one.event)

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListEventsResponse:
        command = ListEvents(
            kinds=list(request.kinds),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        page = await list_events(self._database, caller(), command)
        return pb.ListEventsResponse(events=page.events, next_page_token=page.next_page_token)

    async def GetAnalytics(
        self, request: pb.GetAnalyticsRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetAnalyticsResponse:
        command = GetAnalytics(from_date=request.from_date, to_date=request.to_date)
        return to_analytics(await get_analytics(self._runtime, self._store, caller(), command))

    async def ListSignagePresence(
        self, request: pb.ListSignagePresenceRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListSignagePresenceResponse:
        found = await list_signage_presence(self._database, self._store, caller())
        return pb.ListSignagePresenceResponse(
            signage=[
                pb.SignagePresence(
                    signage_id=one.signage_id,
                    number=one.number,
                    name=one.name,
                    online=one.online,
                    last_seen_at=timestamp(one.last_seen_at) if one.last_seen_at else None,
                )
                for one in found
            ]
        )

    async def GetBalance(
        self, request: pb.GetBalanceRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetBalanceResponse:
        return pb.GetBalanceResponse(balance=await get_balance(self._database, caller()))

    async def ListLedger(
        self, request: pb.ListLedgerRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListLedgerResponse:
        page = await list_ledger(self._database, caller(), request.page_size, request.page_token)
        return pb.ListLedgerResponse(
            entries=[
                pb.LedgerEntry(
                    delta=entry.delta,
                    reason=entry.reason,
                    round_id=str(entry.round_id) if entry.round_id else None,
                    note=entry.note,
                    created_at=timestamp(entry.created_at),
                )
                for entry in page.entries
            ],
            next_page_token=page.next_page_token,
        )

    async def GrantCredit(
        self, request: pb.GrantCreditRequest, context: grpc.aio.ServicerContext
    ) -> pb.GrantCreditResponse:
        command = GrantCredit(
            uuid.UUID(request.tenant_id),
            request.amount,
            note=request.note if request.HasField("note") else None,
            idempotency_key=current_call.get().metadata.get(IDEMPOTENCY_HEADER),
        )
        return pb.GrantCreditResponse(balance=await grant_credit(self._database, command))

    async def CreateKey(
        self, request: pb.CreateKeyRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateKeyResponse:
        command = CreateKey(
            kind=cast(KeyKind, request.kind),
            name=request.name,
            signage_id=request.signage_id if request.HasField("signage_id") else None,
        )
        created = await create_key(self._database, self._store, caller(), command)
        return pb.CreateKeyResponse(key=_key(created.key), secret=created.secret)

    async def ListKeys(
        self, request: pb.ListKeysRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListKeysResponse:
        keys = await list_keys(self._database, caller().tenant_id)
        return pb.ListKeysResponse(keys=[_key(key) for key in keys])

    async def RevokeKey(
        self, request: pb.RevokeKeyRequest, context: grpc.aio.ServicerContext
    ) -> pb.RevokeKeyResponse:
        key_id, keep_made = uuid.UUID(request.key_id), request.keep_made
        ended = await revoke_key(self._database, caller(), key_id, keep_made=keep_made)
        return pb.RevokeKeyResponse(revoked_key_ids=map(str, ended))


def to_analytics(found: Analytics) -> pb.GetAnalyticsResponse:
    """Make the reply of figures."""
    return pb.GetAnalyticsResponse(
        total=_figures(found.total),
        by_day=_groups(found.by_day),
        by_item=_groups(found.by_item),
        by_reason=_groups(found.by_reason),
        by_signage=_groups(found.by_signage),
    )


def _groups(groups: Iterable[FiguresOf]) -> list[pb.FiguresOf]:
    return [
        pb.FiguresOf(key=group.key, name=group.name, figures=_figures(group.figures))
        for group in groups
    ]


def _figures(figures: Figures) -> pb.Figures:
    return pb.Figures(
        exposures=figures.exposures,
        issued=figures.issued,
        redeemed=figures.redeemed,
        dismissed=figures.dismissed,
        issue_rate=figures.issue_rate,
        redemption_rate=figures.redemption_rate,
    )


def _key(key: Key) -> pb.Key:
    return pb.Key(
        key_id=str(key.id),
        kind=key.kind,
        name=key.name,
        signage_id=key.signage_id,
        hints=key.hints or (),
        created_at=timestamp(key.created_at),
        revoked_at=timestamp(key.revoked_at) if key.revoked_at else None,
        created_by=str(key.created_by) if key.created_by else None,
    )
