"""Triggers on a real core process in this one: what is answered, stored, shown and passed on."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from onegenie.signage.v1 import signage_pb2
from onegenie.trigger.v1 import trigger_pb2 as pb
from sqlalchemy import select, text

from core.platform.database import Database
from core.platform.plain import plain
from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.signage import frames
from core.shop.staff.get_analytics import GetAnalytics, count_events
from core.shop.trigger import service, sql
from core.shop.trigger.tables import trigger_calls
from tests.integration.shop.trigger.trigger_help import (
    ADS,
    COMMENTS,
    COUPON,
    PRODUCT,
    TEXT,
    Phone,
    examples,
    jobs_left,
    make_phone,
    shown,
    stored,
    told,
)
from tests.support import (
    Shopper,
    add_profile,
    create_key,
    make_shopper,
    refused,
    tables,
)

IDLE, RECOGNIZED = signage_pb2.Frame(), signage_pb2.FRAME_KIND_RECOGNIZED
ENTER, EXIT, EXIT_ANSWER, OVERRIDE, ENTER_ANSWER = range(5)
COUPON_LEAST, COUPON_WHOLE, COUPON_ANSWER, RECOMMEND, RECOMMEND_ANSWER = range(5, 10)
EVENT_ID = re.compile(r"evt_[a-z2-7]{26}")


@pytest.fixture
async def phone(database: Database, shopper: Shopper) -> Phone:
    return await make_phone(database, shopper)


def example(number: int, **put_in: Any) -> dict[str, Any]:
    """A request of the document without its made-up ids of chat and round."""
    request = examples()[number] | put_in
    assert (request.pop("chat_id"), request.pop("round_id")) == ("c_91ab", "r_77fe")
    return request


async def all_told(database: Database) -> list[Any]:
    """What the store was told, once nothing is left to tell."""
    async with asyncio.timeout(20):
        while await jobs_left(database):
            await asyncio.sleep(0.05)
    return await told(database)


def test_every_example_is_here() -> None:
    assert len(examples()) == 10
    for number in (EXIT_ANSWER, ENTER_ANSWER, COUPON_ANSWER, RECOMMEND_ANSWER):
        assert examples()[number]["success"] is True


async def test_enter_with_the_least(phone: Phone, database: Database) -> None:
    """The round's ads: an event each, a screen at the round's signage, a report."""
    answer = await phone.signage(**example(ENTER))
    assert plain(answer).keys() == examples()[ENTER_ANSWER]["data"].keys()
    assert answer.accepted
    assert len(set(answer.event_ids)) == 3
    assert all(EVENT_ID.fullmatch(one) for one in answer.event_ids)

    rows = await stored(database)
    assert [row.id for row in rows] == list(answer.event_ids)
    assert [row.sequence for row in rows] == [1, 2, 3]
    assert [row.item for row in rows] == [{**item, "product": row_product()} for item in ADS]
    assert [row.analyst_comment for row in rows] == ["lift 3.1", "lift 2.2", None]
    for row in rows:
        assert (row.kind, row.forgotten) == ("signage", None)
        ids = (row.profile_id, row.chat_id, row.round_id)
        assert [str(one) for one in ids] == list(phone.ids.values())
        assert row.signage_ids == rows[0].signage_ids

    ((number, frame),) = await shown(database)
    assert (number, frame.kind) == (2, RECOGNIZED)
    assert [item.rec_id for item in frame.items] == ["ad-1", "ad-2", "ad-3"]
    assert frame.items[0].image_url == PRODUCT["src_url"]
    assert frame.screen.sections.ad.rec_id == "ad-2"

    (report,) = await all_told(database)
    assert report.trigger_id.startswith("trg_")
    assert report.action == "enter"
    assert list(report.signage_ids) == rows[0].signage_ids
    assert (report.profile_id, report.chat_id, report.round_id) == tuple(phone.ids.values())
    assert [plain(item) for item in report.items] == [row.item for row in rows]
    assert not report.forgotten


def row_product() -> dict[str, Any]:
    """The product as it is stored: its price is whole."""
    return PRODUCT | {"price": 2400}


async def test_exit(phone: Phone, database: Database) -> None:
    """Idle at once and passed on; nothing stored, nothing told, whatever else was sent."""
    await phone.signage()
    answer = await phone.signage(**example(EXIT))
    assert {"event_ids": [], **plain(answer)} == examples()[EXIT_ANSWER]["data"]
    others = {"items": [{"rec_id": "r"}], "forgotten": [1]}
    await phone.signage(action="exit", **others)  # type: ignore[arg-type]
    assert len(await stored(database)) == 3
    assert await sql.latest_sequence(database, phone.shopper.tenant_id) == 3
    assert [frame == IDLE for _, frame in await shown(database)] == [False, True]
    reports = await all_told(database)
    assert [report.action for report in reports] == ["enter", "exit", "exit"]
    assert len({report.trigger_id for report in reports}) == 3
    assert not any(report.items or report.forgotten for report in reports[1:])
    assert reports[1].signage_ids == reports[0].signage_ids


async def test_enter_with_items_and_forgotten(phone: Phone, database: Database) -> None:
    """Stored, shown and passed on as sent: no key more, no key less, whole numbers whole."""
    request = example(OVERRIDE)
    answer = await phone.signage(**request)
    (row,) = await stored(database)
    assert list(answer.event_ids) == [row.id]
    assert row.item == request["items"][0]
    assert row.analyst_comment is None
    assert row.forgotten == request["forgotten"]
    async with tables(database) as conn:
        (as_text,) = await conn.execute(
            text("SELECT item::text, forgotten::text FROM trigger_events")
        )
    assert re.findall(r"\d+\.0\b", "".join(as_text)) == []
    (report,) = await all_told(database)
    assert [plain(item) for item in report.items] == request["items"]
    assert [plain(value) for value in report.forgotten] == request["forgotten"]
    ((_, frame),) = await shown(database)
    assert frame.forgotten[0] == '{"item_id":882,"name":"양파","quantity":1}'
    assert frame.items[0].price == 4900


@pytest.mark.parametrize(
    "forgotten",
    [
        [None],
        [882, 0.5, -3, 1e300, 2**53 + 2, True, "882.0", "", [], {}],
        [{"a": {"b": [1, [2.25, {"c": None}]]}, "": "", "한글": "🧅"}],
    ],
)
async def test_forgotten_comes_through_untouched(
    phone: Phone, database: Database, forgotten: list[Any]
) -> None:
    await phone.signage(forgotten=forgotten)
    first, *others = await stored(database)
    assert repr_of(first.forgotten) == repr_of(forgotten)
    # Stored once for the trigger, read with each of its events.
    assert [(row.forgotten, row.forgotten_at) for row in others] == [(None, first.sequence)] * 2
    events = (await sql.events_after(database, phone.shopper.tenant_id, 0)).rows
    assert [repr_of(event.forgotten) for event in events] == [repr_of(forgotten)] * 3
    (report,) = await all_told(database)
    assert [plain(value) for value in report.forgotten] == forgotten


def repr_of(value: Any) -> Any:
    """Values whose ints and floats are not equal; beyond 2**53 a double has no other form."""
    if isinstance(value, dict):
        return {key: repr_of(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [repr_of(one) for one in value]
    return repr(float(value) if type(value) is int and abs(value) > 2**53 else value)


async def test_an_empty_forgotten_is_no_key(phone: Phone, database: Database) -> None:
    await phone.signage(forgotten=[])
    async with tables(database) as conn:
        nulls = await conn.scalar(
            text("SELECT count(*) FROM trigger_events WHERE forgotten IS NULL")
        )
    assert nulls == 3


async def test_coupon_with_the_least(phone: Phone, database: Database) -> None:
    answer = await phone.coupon(**example(COUPON_LEAST, rec_id="coupon-1"))
    assert plain(answer).keys() == examples()[COUPON_ANSWER]["data"].keys()
    (row,) = await stored(database)
    assert answer == pb.TriggerCouponResponse(event_id=row.id, accepted=True)
    assert EVENT_ID.fullmatch(row.id)
    assert row.kind == "issued"
    location = {"x": 28, "y": 22.794, "radius": 0.5}
    assert row.item == {**COUPON, "product": row_product(), "location": location}
    assert row.analyst_comment == COMMENTS["coupon-1"]
    # Neither a screen nor the store is told.
    assert await shown(database) == []
    assert await all_told(database) == []


async def test_a_coupon_the_round_does_not_have_is_as_sent(
    phone: Phone, database: Database
) -> None:
    request = example(COUPON_WHOLE)
    kind = request.pop("kind")
    await phone.coupon(kind=kind, **request)
    (row,) = await stored(database)
    assert row.kind == kind == "issued"
    assert row.item == request
    assert row.analyst_comment is None


@pytest.mark.parametrize(
    "sent",
    [
        {"item_name": "다른 이름"},
        {"discount_pct": 0, "zone_name": ""},
        {"reason_detail": {"ko": "하나"}, "reason_detail_marketing": "둘"},
        {"item_id": 512, "brand": "Colavita", "method": "hand-picked", "reason_type": "upsell"},
    ],
)
@pytest.mark.parametrize("rec_id", ["coupon-1", "COUPON-1", "Coupon-1"])
async def test_a_coupon_sent_in_part_is_filled_in(
    phone: Phone, database: Database, sent: dict[str, Any], rec_id: str
) -> None:
    """The round's, under the round's rec_id, and each value sent in the place of its own."""
    await phone.coupon(rec_id=rec_id, **sent)
    (row,) = await stored(database)
    location = {"x": 28, "y": 22.794, "radius": 0.5}
    whole = {**COUPON, "product": row_product(), "location": location}
    assert row.item == whole | sent
    assert row.analyst_comment == COMMENTS["coupon-1"]


async def test_the_documents_coupon_with_a_real_rec_id(phone: Phone, database: Database) -> None:
    """Its price_yen is the price; what it doesn't send is the round's."""
    request = example(COUPON_WHOLE, rec_id="coupon-1")
    assert request.pop("kind") == "issued"
    await phone.coupon(**request)
    (row,) = await stored(database)
    assert row.item.items() >= request.items()
    assert (row.item["price"], row.item["price_unit"], row.item["rank"]) == (9900, "₩", 1)
    assert row.item["reason_type"] == "cross-sell"


async def test_a_null_is_not_sent(phone: Phone, database: Database) -> None:
    """Also the null that only gRPC can send."""
    await phone.coupon(rec_id="coupon-1", reason_detail=None)
    (row,) = await stored(database)
    assert row.item["reason_detail"] == TEXT
    assert await refused(phone.coupon(rec_id="another", reason_detail=None)) == (
        "NOT_FOUND",
        [],
    )
    await phone.signage(items=[{"rec_id": "r", "reason_detail": None}])
    assert (await stored(database))[1].item == {"rec_id": "r"}


async def test_items_of_the_round_keep_their_comment(phone: Phone, database: Database) -> None:
    """Signage items are as sent but for the spelling of a rec_id that is the round's."""
    sent = [
        {"rec_id": "AD-2", "discount_pct": 50},
        {"rec_id": "stranger"},
        {"rec_id": "Rec-1"},
        {"rec_id": "coupon-1", "item_id": 9, "reason_type": "upsell"},
        {"rec_id": "ad-3"},
    ]
    await phone.signage(items=sent)
    rows = await stored(database)
    ids = ["ad-2", "stranger", "rec-1", "coupon-1", "ad-3"]
    spelt = [item | {"rec_id": rec_id} for item, rec_id in zip(sent, ids, strict=True)]  # type: ignore[operator]
    assert [row.item for row in rows] == spelt
    assert [row.analyst_comment for row in rows] == [COMMENTS.get(rec_id) for rec_id in ids]
    known = {"item_id": 201, "item_name": "카레가루 100g", "reason_type": "cross-sell"}
    assert [row.counted_as for row in rows] == [known, None, known, None, known]
    (report,) = await all_told(database)
    assert [plain(item) for item in report.items] == spelt
    ((_, frame),) = await shown(database)
    assert [item.rec_id for item in frame.items] == ids


async def test_what_was_sent_in_part_is_counted_by_item_and_by_reason(
    phone: Phone, database: Database
) -> None:
    await phone.signage(items=[{"rec_id": "AD-1"}, {"rec_id": "ad-2", "item_name": "둘"}])
    await phone.signage(items=[{"rec_id": "rec-1", "reason_type": ""}, {"rec_id": "stranger"}])
    await phone.recommend(rec_id="REC-1")
    await phone.coupon(rec_id="COUPON-1", discount_pct=20)
    await phone.coupon(rec_id="coupon-1", kind="redeemed", reason_type="", item_name="")
    await phone.coupon(rec_id="coupon-1", kind="dismissed", reason_type="upsell")
    today = dt.datetime.now(dt.UTC).date().isoformat()
    span = GetAnalytics(from_date=today, to_date=today)
    figures = await count_events(
        database, phone.shopper.tenant_id, span, zone=ZoneInfo("UTC"), signage_names={}
    )
    (item,) = figures.by_item
    assert (item.key, item.name) == ("201", "카레가루 100g")
    counted = item.figures
    assert (counted.exposures, counted.issued, counted.redeemed, counted.dismissed) == (4, 1, 1, 1)
    by_reason = {group.key: group.figures for group in figures.by_reason}
    assert by_reason.keys() == {"cross-sell", "upsell"}
    counted = by_reason["cross-sell"]
    assert (counted.exposures, counted.issued, counted.redeemed, counted.dismissed) == (4, 1, 1, 0)
    assert by_reason["upsell"].dismissed == 1
    assert figures.total.exposures == 5


async def test_a_coupons_kinds_come_in_any_order(phone: Phone, database: Database) -> None:
    kinds = ["redeemed", "dismissed", "issued", "issued"]
    for kind in kinds:
        await phone.coupon(rec_id="coupon-1", kind=kind)
    assert [row.kind for row in await stored(database)] == kinds


@pytest.mark.parametrize("rec_id", ["rec-1", "REC-1", "201"])
async def test_recommend(phone: Phone, database: Database, rec_id: str) -> None:
    """By rec_id, else by the product's id; with the price."""
    answer = await phone.recommend(**example(RECOMMEND, rec_id=rec_id))
    assert plain(answer).keys() == examples()[RECOMMEND_ANSWER]["data"].keys()
    (row,) = await stored(database)
    assert answer == pb.TriggerRecommendResponse(event_id=row.id, accepted=True)
    assert row.kind == "recommend"
    assert row.item == {
        "rec_id": "rec-1",
        "item_id": 201,
        "item_name": "카레가루 100g",
        "brand": "볕든",
        "price": 2400,
        "price_unit": "₩",
        "reason_type": "cross-sell",
        "reason_detail": TEXT,
        "reason_detail_marketing": TEXT,
        "product": row_product(),
    }
    assert row.analyst_comment == COMMENTS["rec-1"]
    assert await all_told(database) == []


async def test_what_the_round_does_not_hold_yet(shopper: Shopper, database: Database) -> None:
    """Before step 4 a signage is accepted and passed on; a coupon needs its own metadata."""
    early = await make_phone(database, shopper, steps=2)
    answer = await early.signage()
    assert answer == pb.TriggerSignageResponse(accepted=True)
    assert (await refused(early.coupon(rec_id="coupon-1")))[0] == "NOT_FOUND"
    assert (await refused(early.recommend(rec_id="rec-1")))[0] == "NOT_FOUND"
    assert await stored(database) == []
    assert await shown(database) == []
    (report,) = await all_told(database)
    assert (list(report.signage_ids), list(report.items)) == ([], [])

    await early.coupon(rec_id="coupon-1", discount_pct=10)
    third = await make_phone(database, shopper, steps=3)
    await third.recommend(rec_id="rec-1")
    assert len(await stored(database)) == 2


async def test_something_forgotten_is_shown_without_items(
    shopper: Shopper, database: Database
) -> None:
    early = await make_phone(database, shopper, steps=2)
    await early.signage(forgotten=["양파"])
    ((number, frame),) = await shown(database)
    assert number == 2
    assert frame.screen.sections.forgotten == '"양파"'


@pytest.mark.parametrize("place", [None, {"x": 99, "y": 99, "radius": 1}])
async def test_without_a_match_every_screen_shows_it(
    shopper: Shopper, database: Database, place: Any
) -> None:
    phone = await make_phone(database, shopper, signage=place)
    await phone.signage()
    found = await shown(database)
    assert [number for number, _ in found] == [1, 2]
    card = found[0][1].screen.card
    assert (card.item.rec_id, card.copy) == ("ad-3", TEXT["ko"])
    (report,) = await all_told(database)
    assert list(report.signage_ids) == []
    assert len((await stored(database))[0].signage_ids) == 2
    await phone.signage(action="exit")
    assert [frame == IDLE for _, frame in await shown(database)] == [False, False, True, True]


async def test_nobody_else_has_the_round(
    phone: Phone, database: Database, channel: grpc.aio.Channel
) -> None:
    shopper = phone.shopper
    async with database.begin() as conn:
        _, other_key = await create_key(conn, shopper.tenant_id, "sdk", "other")
    stranger = await make_shopper(database, channel)
    other_profile = await add_profile(shopper)
    other = await make_phone(database, shopper)
    for thief in (
        Phone(
            Shopper(channel, other_key, shopper.profile_id, uuid.uuid4()),
            phone.chat_id,
            phone.round_id,
        ),
        Phone(other_profile, phone.chat_id, phone.round_id),
        Phone(stranger, phone.chat_id, phone.round_id),
        Phone(shopper, other.chat_id, phone.round_id),
        Phone(shopper, "c_91ab", phone.round_id),
        Phone(shopper, phone.chat_id, "r_77fe"),
    ):
        for call in (
            thief.signage(),
            thief.signage(action="exit"),
            thief.coupon(rec_id="coupon-1", item_id=1),
            thief.recommend(rec_id="rec-1"),
        ):
            assert await refused(call) == ("NOT_FOUND", [])
    assert await stored(database) == []
    assert await all_told(database) == []


async def test_a_repeated_key_does_nothing_new(phone: Phone, database: Database) -> None:
    first = await phone.signage("s")
    assert await phone.signage("s") == first
    left = await phone.signage("x", action="exit")
    await phone.signage("s2")
    # The repeated exit does not turn the screen idle again.
    assert await phone.signage("x", action="exit") == left
    coupon = await phone.coupon("c", rec_id="coupon-1")
    assert await phone.coupon("c", rec_id="coupon-1") == coupon
    seen = await phone.recommend("r", rec_id="rec-1")
    assert await phone.recommend("r", rec_id="rec-1") == seen
    assert len(await stored(database)) == 3 + 3 + 1 + 1
    assert len(await all_told(database)) == 3
    assert [frame == IDLE for _, frame in await shown(database)] == [False, True, False]
    # Without a key each call counts.
    assert await phone.coupon(rec_id="coupon-1") != await phone.coupon(rec_id="coupon-1")


async def test_a_key_stands_for_one_request(phone: Phone, database: Database) -> None:
    await phone.coupon("k", rec_id="coupon-1", reason_detail={"b": 1, "a": {"y": 1, "x": [1]}})
    # The same contents in another order are the same contents.
    await phone.coupon("k", rec_id="coupon-1", reason_detail={"a": {"x": [1], "y": 1}, "b": 1})
    other = await make_phone(database, phone.shopper)
    for call in (
        phone.coupon("k", rec_id="coupon-1"),
        phone.coupon("k", rec_id="coupon-1", kind="redeemed"),
        phone.recommend("k", rec_id="rec-1"),
        phone.signage("k"),
        other.coupon("k", rec_id="coupon-1"),
        phone.coupon("k" * 256, rec_id="coupon-1"),
    ):
        assert await refused(call) == ("INVALID_REQUEST", ["idempotency-key"])
    assert len(await stored(database)) == 1
    # Another API key's same word is another key; a refused call leaves none behind.
    stranger = await make_phone(database, await make_shopper(database, phone.shopper.channel))
    await stranger.coupon("k", rec_id="coupon-1")
    await refused(phone.coupon("later", rec_id="unknown"))
    await phone.coupon("later", rec_id="coupon-1")
    assert len(await stored(database)) == 3


async def test_simultaneous_repeats_have_one_effect(phone: Phone, database: Database) -> None:
    answers = await asyncio.gather(*(phone.signage("k") for _ in range(12)))
    assert all(answer == answers[0] for answer in answers)
    assert [row.id for row in await stored(database)] == list(answers[0].event_ids)
    assert len(await all_told(database)) == 1
    assert len(await shown(database)) == 1


async def test_events_are_numbered_without_gaps(phone: Phone, database: Database) -> None:
    """Who remembers the last number it saw misses nothing, however many store at once."""
    tenant_id = phone.shopper.tenant_id
    stranger = await make_phone(database, await make_shopper(database, phone.shopper.channel))
    finished = asyncio.Event()
    seen: list[Any] = []

    async def follow() -> None:
        while True:
            last = finished.is_set()
            after = seen[-1] if seen else 0
            page = await sql.events_after(database, tenant_id, after)
            seen.extend(event.sequence for event in page.rows)
            if last:
                return

    following = asyncio.create_task(follow())
    await asyncio.gather(
        *(phone.signage() for _ in range(10)),
        *(phone.coupon(rec_id="coupon-1") for _ in range(10)),
        *(stranger.recommend(rec_id="rec-1") for _ in range(5)),
    )
    finished.set()
    await following
    assert seen == list(range(1, 41))
    assert await sql.latest_sequence(database, tenant_id) == 40
    assert await sql.latest_sequence(database, stranger.shopper.tenant_id) == 5
    batches = [row.id for row in await stored(database)]
    assert len(set(batches)) == 45


async def test_events_are_read_by_kind_and_page(phone: Phone, database: Database) -> None:
    tenant_id = phone.shopper.tenant_id
    assert await sql.latest_sequence(database, tenant_id) == 0
    for kind in ("issued", "redeemed", "issued"):
        await phone.coupon(rec_id="coupon-1", kind=kind)
    await phone.recommend(rec_id="rec-1")

    def numbers(page: sql.Page) -> list[int]:
        return [row.sequence for row in page.rows]

    assert numbers(await sql.events_after(database, tenant_id, 1)) == [2, 3, 4]
    assert numbers(await sql.events_after(database, tenant_id, 0, ["issued"], 1)) == [1]
    assert numbers(await sql.list_events(database, tenant_id)) == [4, 3, 2, 1]
    assert numbers(await sql.list_events(database, tenant_id, 4, ["issued", "redeemed"], 2)) == [
        3,
        2,
    ]
    assert await sql.list_events(database, uuid.uuid4()) == sql.Page([], False)


async def test_all_or_nothing(
    phone: Phone, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails late leaves no event, no screen, no report and no key behind."""

    async def fail(*arguments: Any) -> None:
        raise ZeroDivisionError("late")

    monkeypatch.setattr(sql, "publish", fail)
    assert (await refused(phone.signage("k")))[0] == "INTERNAL_ERROR"
    assert await stored(database) == []
    assert await shown(database) == []
    assert await all_told(database) == []
    async with tables(database) as conn:
        assert (await conn.execute(select(trigger_calls))).all() == []
    monkeypatch.undo()
    assert len((await phone.signage("k")).event_ids) == 3


async def test_a_client_that_leaves_leaves_nothing_half_done(
    phone: Phone, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is cancelled in the middle of its transaction, which is finished all the same."""
    arrived, cancelled, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    show, trigger_signage = frames.show, service.trigger_signage  # type: ignore[attr-defined]

    async def note(*arguments: Any) -> pb.TriggerSignageResponse:
        try:
            return await trigger_signage(*arguments)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def slow(*arguments: Any, **named: Any) -> None:
        arrived.set()
        await go_on.wait()
        await show(*arguments, **named)

    monkeypatch.setattr(frames, "show", slow)
    monkeypatch.setattr(service, "trigger_signage", note)
    call = asyncio.create_task(phone.signage("k"))
    await arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await cancelled.wait()
    go_on.set()
    async with asyncio.timeout(20):
        while not (rows := await stored(database)):
            await asyncio.sleep(0.05)
    assert len(rows) == 3
    assert list((await phone.signage("k")).event_ids) == [row.id for row in rows]
    assert len(await shown(database)) == 1
    assert len(await all_told(database)) == 1


async def test_the_signage_is_the_stores_own(
    phone: Phone, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store without signage takes triggers all the same."""

    async def none(self: EmbeddedStore) -> list[Any]:
        return []

    monkeypatch.setattr(EmbeddedStore, "list_signage", none)
    assert len((await phone.signage()).event_ids) == 3
    await phone.signage(action="exit")
    assert await shown(database) == []
    assert [row.signage_ids for row in await stored(database)] == [[]] * 3
    assert len(await all_told(database)) == 2
