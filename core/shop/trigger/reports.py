"""Tell each tenant's store of signage triggers, for as long as that takes.

A report is a job, put on the queue in the trigger's transaction: what the phone was told is
accepted reaches the store, and the store knows a report it has had by its trigger_id.
"""

from __future__ import annotations

import base64
import datetime as dt
import time
import uuid
from collections.abc import Sequence

import structlog
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.store.v1 import store_pb2
from procrastinate import JobContext

from core.platform.database import Connection, Database
from core.platform.jobs import ERRANDS, Jobs
from core.platform.plain import plain
from core.shop.catalogue.port import Stores, StoreUnavailable
from core.shop.signage import frames
from core.shop.signage.screen import Recognition
from core.shop.trigger import sql
from core.shop.trigger.known_signage import Floor, ask_floor

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = dt.timedelta(days=7)
# A store that was down a moment ago is tried by one report at a time, and not at once again:
# the others would only keep every worker waiting for it.
PAUSE_SECONDS = 1.0


class Reports:
    """Sends reports: `defer` puts one on the queue, the queue calls `run`."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        stores: Stores,
        show_seconds: int = frames.SHOW_SECONDS,
    ) -> None:
        """`show_seconds` is how long a screen shows a shopper."""
        self.show_seconds = show_seconds
        self._database = database
        self._jobs = jobs
        self._stores = stores
        self._task = jobs.task("trigger.report", self.run, ERRANDS)
        # By tenant, for stores that were down when last asked: not to be asked before then.
        self._down_until: dict[uuid.UUID, float] = {}

    async def defer(
        self,
        conn: Connection,
        tenant_id: uuid.UUID,
        report: store_pb2.ReportTriggerRequest,
        *,
        unplaced: recommend.Round | None = None,
        event_ids: Sequence[str] = (),
    ) -> None:
        """Put a report on the queue, in the transaction of `conn`.

        `unplaced` is the round of a trigger whose signage could not be found, `event_ids` the
        events it stored: both are seen to when the store can be asked. Reports of one round
        reach the store in the order they were put here.
        """
        await self._jobs.defer(
            conn,
            self._task,
            lock=f"trigger:{report.round_id}",
            tenant_id=str(tenant_id),
            report=_encode(report.SerializeToString()),
            unplaced=None if unplaced is None else _encode(_place_of(unplaced)),
            event_ids=list(event_ids),
        )

    async def run(
        self,
        context: JobContext,
        tenant_id: str,
        report: str,
        unplaced: str | None,
        event_ids: list[str],
    ) -> None:
        """Send a report. Raises StoreUnavailable, and is tried again, while the store is down."""
        tenant = uuid.UUID(tenant_id)
        request = store_pb2.ReportTriggerRequest.FromString(base64.b64decode(report))
        try:
            await self._send(tenant, request, unplaced, event_ids)
        except Exception as error:
            created_at = request.created_at.ToDatetime(dt.UTC)
            if dt.datetime.now(dt.UTC) - created_at < GIVE_UP_AFTER:
                raise
            log.error(
                "trigger_report_given_up",
                tenant_id=tenant_id,
                trigger_id=request.trigger_id,
                attempts=context.job.attempts,
                error=f"{type(error).__name__}: {error}",
            )

    async def _send(
        self,
        tenant_id: uuid.UUID,
        request: store_pb2.ReportTriggerRequest,
        unplaced: str | None,
        event_ids: Sequence[str],
    ) -> None:
        down_until = self._down_until.get(tenant_id)
        if down_until is not None:
            if time.monotonic() < down_until:
                raise StoreUnavailable("store: was down a moment ago")
            # This report tries it; the others wait for what comes of that.
            self._down_until[tenant_id] = float("inf")
        try:
            if unplaced is not None:
                floor = await ask_floor(self._stores.of_tenant(tenant_id))
                round_ = recommend.Round.FromString(base64.b64decode(unplaced))
                request.signage_ids.extend(one.id for one in floor.matched(round_))
                signage = floor.matched(round_) or floor.signage
                late = Floor(signage, floor.promotions)
                await self._show_late(tenant_id, request, late, event_ids)
            await self._stores.of_tenant(tenant_id).report_trigger(request)
        except BaseException:
            self._down_until[tenant_id] = time.monotonic() + PAUSE_SECONDS
            raise
        self._down_until.pop(tenant_id, None)

    async def _show_late(
        self,
        tenant_id: uuid.UUID,
        request: store_pb2.ReportTriggerRequest,
        floor: Floor,
        event_ids: Sequence[str],
    ) -> None:
        """Do on all screens of `floor` what could not be done when the trigger came.

        They show it once, and only for what is left of the time.
        """
        ids = [one.id for one in floor.signage]
        age = dt.datetime.now(dt.UTC) - request.created_at.ToDatetime(dt.UTC)
        seconds = self.show_seconds - int(age.total_seconds())
        async with self._database.begin() as conn:
            if request.action == "exit":
                if seconds > 0:
                    await frames.clear(conn, tenant_id, ids)
                return
            placed = event_ids and await sql.place_events(conn, tenant_id, event_ids, ids)
            if placed and seconds > 0:
                shopper = Recognition(
                    [plain(item) for item in request.items],
                    [plain(value) for value in request.forgotten],
                    floor.promotions,
                )
                await frames.show(conn, tenant_id, floor.signage, shopper, seconds=seconds)


def _place_of(round_: recommend.Round) -> bytes:
    """Serialise the part of a round that says where its ads are for."""
    part = recommend.Round()
    ad = round_.notifications.ad
    if ad.HasField("signage"):
        part.notifications.ad.signage.CopyFrom(ad.signage)
    return part.SerializeToString()


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
