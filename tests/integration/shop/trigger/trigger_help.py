"""Rounds whose results are known to the letter, and calls of TriggerService."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from onegenie.recommend.v1 import recommend_pb2 as recommend
from onegenie.signage.v1 import signage_pb2
from onegenie.store.v1 import store_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb
from onegenie.trigger.v1 import trigger_pb2_grpc as pb_grpc
from sqlalchemy import Text, cast, select

from core.platform.database import Database
from core.shop.catalogue.tables import store_signage, store_triggers
from core.shop.recommend.sql import save_step
from core.shop.recommend.start_round import StartRound, start_round
from core.shop.signage.tables import signage_frames
from core.shop.tenants.key_secret import digest_key
from core.shop.tenants.sql import caller_by_digest
from core.shop.trigger.tables import trigger_events
from tests.support import Shopper, tables

SEED = Path(__file__).parents[3] / "data" / "seeds" / "000_sections_5_to_7.txt"

TEXT = {"ko": "잘 어울려요", "en": "Goes well", "ja": "よく合います"}
PRODUCT = {
    "id": 201,
    "name": "카레가루 100g",
    "brand": "볕든",
    "barcode": "8801234500067",
    "price": 2400.0,
    "price_unit": "₩",
    "src_url": "https://cdn.ones1ght.com/store/product/no_image.png",
}
# Where signage number 2 of the tests' store stands.
INSIDE = {"x": 10, "y": 5, "radius": 2}
OFFER = {
    "item_id": 201,
    "item_name": "카레가루 100g",
    "item_name_en": "Curry Powder 100g",
    "brand": "볕든",
    "zone_id": 12,
    "zone_name": "Pantry",
    "applied_score": 0.85,
    "priority_score": 0.95,
    "method": "copurchase_lift",
    "reason_type": "cross-sell",
    "reason_detail": TEXT,
    "reason_detail_marketing": TEXT,
    "price": 2400,
    "price_unit": "₩",
}
ADS = [
    {**OFFER, "rec_id": f"ad-{n}", "type": "ads", "rank": n, "discount_pct": 5 * n}
    for n in (1, 2, 3)
]
COUPON = {**OFFER, "rec_id": "coupon-1", "type": "coupon", "rank": 1, "discount_pct": 10}
COMMENTS = {"ad-1": "lift 3.1", "ad-2": "lift 2.2", "coupon-1": "lift 1.8", "rec-1": "lift 4.0"}


def examples() -> list[Any]:
    """The JSON requests and answers of sections 5 to 7, in order."""
    return [json.loads(one) for one in example_texts()]


def example_texts() -> list[str]:
    """They, as they stand there."""
    text = SEED.read_text()
    return re.findall(r"^\{\n.*?^\}$|\{ \"success\"[^\n]*\}$", text, re.MULTILINE | re.DOTALL)


class NoQueue:
    """A pipeline whose jobs no worker ever takes: its rounds stay where they are."""

    async def defer(self, conn: Any, round_id: uuid.UUID, step: int, in_flight: int) -> None:
        """Nothing is put on the queue."""


@dataclass
class Phone:
    """A shopper in the store, with a round."""

    shopper: Shopper
    chat_id: str
    round_id: str

    @property
    def ids(self) -> dict[str, str]:
        return {
            "profile_id": self.shopper.profile_id,
            "chat_id": self.chat_id,
            "round_id": self.round_id,
        }

    async def signage(self, key: str | None = None, **fields: Any) -> pb.TriggerSignageResponse:
        request = pb.TriggerSignageRequest()
        return await self._call("TriggerSignage", request, key, fields)

    async def coupon(self, key: str | None = None, **fields: Any) -> pb.TriggerCouponResponse:
        return await self._call("TriggerCoupon", pb.TriggerCouponRequest(), key, fields)

    async def recommend(self, key: str | None = None, **fields: Any) -> pb.TriggerRecommendResponse:
        return await self._call("TriggerRecommend", pb.TriggerRecommendRequest(), key, fields)

    async def _call(
        self, name: str, request: Message, key: str | None, fields: dict[str, Any]
    ) -> Any:
        json_format.ParseDict(self.ids | fields, request)
        metadata = self.shopper.metadata + ((("idempotency-key", key),) if key else ())
        method = getattr(pb_grpc.TriggerServiceStub(self.shopper.channel), name)
        return await method(request, metadata=metadata, timeout=20)


async def make_phone(
    database: Database, shopper: Shopper, *, steps: int = 4, signage: Any = INSIDE
) -> Phone:
    """A round that stands still after so many steps, its ads for the signage at a place."""
    caller = await caller_by_digest(database, digest_key(shopper.secret))
    assert caller is not None
    command = StartRound(shopper.profile_id, None, "카레", None)
    started = await start_round(database, NoQueue(), caller, command)  # type: ignore[arg-type]
    recommended = {
        "rec_id": "rec-1",
        "reason": "cross-sell",
        "reason_detail": TEXT,
        "reason_detail_marketing": TEXT,
        "product": PRODUCT,
    }
    ad = {"items": [{**item, "product": PRODUCT} for item in ADS]}
    if signage is not None:
        ad["signage"] = signage
    coupon = {**COUPON, "product": PRODUCT, "location": {"x": 28, "y": 22.794, "radius": 0.5}}
    parts: list[dict[str, Any]] = [
        {},
        {"todos": {}},
        {"recommended_items": [recommended]},
        {"notifications": {"ad": ad, "coupon": [coupon]}},
    ]
    async with database.begin() as conn:
        for step, part in enumerate(parts[:steps], start=1):
            message = json_format.ParseDict(part, recommend.Round())
            comments = COMMENTS if step == 4 else {"rec-1": COMMENTS["rec-1"]} if step == 3 else {}
            assert await save_step(
                conn,
                started.round_id,
                step,
                part=message.SerializeToString(),
                meal={} if step == 1 else None,
                analyst_comments=comments,
            )
    return Phone(shopper, str(started.chat_id), str(started.round_id))


async def stored(database: Database) -> list[Any]:
    """Every event row, oldest first."""
    async with tables(database) as conn:
        rows = await conn.execute(select(trigger_events).order_by(trigger_events.c.sequence))
        return list(rows.all())


async def shown(database: Database) -> list[tuple[int, signage_pb2.Frame]]:
    """The signage's number and the frame, of every frame stored; an idle one is empty."""
    query = (
        select(store_signage.c.number, signage_frames.c.frame)
        .join(store_signage, signage_frames.c.signage_id == cast(store_signage.c.id, Text))
        .order_by(signage_frames.c.created_at, store_signage.c.number)
    )
    async with tables(database) as conn:
        rows = await conn.execute(query)
        return [(row.number, signage_pb2.Frame.FromString(row.frame)) for row in rows]


async def told(database: Database) -> list[store_pb2.ReportTriggerRequest]:
    """What the store was told, oldest first."""
    async with tables(database) as conn:
        rows = await conn.execute(select(store_triggers.c.trigger))
        reports = [store_pb2.ReportTriggerRequest.FromString(row.trigger) for row in rows]
    return sorted(reports, key=lambda report: report.created_at.ToNanoseconds())


async def jobs_left(database: Database) -> int:
    """How many jobs wait or run."""
    async with tables(database) as conn:
        result = await conn.exec_driver_sql(
            "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        )
        return int(result.scalar_one())
