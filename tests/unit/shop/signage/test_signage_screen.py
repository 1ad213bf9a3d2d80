"""Which items go on which screen, and how texts are chosen and cut."""

from __future__ import annotations

import random

import pytest
from onegenie.signage.v1 import signage_pb2 as pb
from onegenie.store.v1 import store_pb2

from core.shop.signage.screen import (
    TEXT_BYTES,
    Recognition,
    as_json,
    idle,
    in_language,
    recognized,
)


def signage(number: int, orientation: str = "portrait") -> store_pb2.Signage:
    return store_pb2.Signage(id="s", number=number, orientation=orientation)


def item(rec_id: str, discount: float | None = None, **more: object) -> dict[str, object]:
    return {"rec_id": rec_id, "discount_pct": discount, **more}


EVENTS = [
    store_pb2.SignageEvent(id=1, title="one", enabled=True),
    store_pb2.SignageEvent(id=2, title="two", enabled=False),
    store_pb2.SignageEvent(id=3, title="three", enabled=True),
]


def test_number_1_shows_the_highest_discount_the_first_of_equal_ones() -> None:
    items = [item("a", 5), item("b", 20, reason_detail="copy of b"), item("c", 20), item("d")]
    frame = recognized(signage(1, "landscape"), Recognition(items, [], []), "ko")
    assert frame.kind == pb.FRAME_KIND_RECOGNIZED
    assert [one.rec_id for one in frame.items] == ["a", "b", "c", "d"]
    assert frame.screen.orientation == pb.ORIENTATION_LANDSCAPE
    assert frame.screen.WhichOneof("layout") == "card"
    assert (frame.screen.card.item.rec_id, frame.screen.card.copy) == ("b", "copy of b")


def test_number_1_without_discounts_shows_the_first_and_without_items_no_card() -> None:
    frame = recognized(signage(1), Recognition([item("a"), item("b")], [], []), "ko")
    assert frame.screen.card.item.rec_id == "a"
    frame = recognized(signage(1), Recognition([], [], []), "ko")
    assert frame.screen.WhichOneof("layout") == "card"
    assert not frame.screen.card.HasField("item")


@pytest.mark.parametrize("number", [2, 3, 17])
def test_number_2_and_the_others_show_three_sections(number: int) -> None:
    forgotten = [{"item_id": 882.0, "name": "양파"}, "더"]
    items = [item("a", 50), item("b"), item("c")]
    frame = recognized(
        signage(number), Recognition(items, forgotten, EVENTS), "ko", lambda some: some[-1]
    )
    sections = frame.screen.sections
    assert frame.screen.orientation == pb.ORIENTATION_PORTRAIT
    assert list(frame.forgotten) == ['{"item_id":882,"name":"양파"}', '"더"']
    assert sections.forgotten == frame.forgotten[0]
    assert sections.ad.rec_id == "b"
    assert (sections.event.id, frame.event.id) == (3, 3)


def test_a_section_without_data_is_absent() -> None:
    frame = recognized(signage(2), Recognition([item("a")], [], [EVENTS[1]]), "ko")
    assert frame.screen.sections.ad.rec_id == "a"
    assert not frame.screen.sections.HasField("forgotten")
    assert not frame.screen.sections.HasField("event")
    assert not frame.HasField("event")
    frame = recognized(signage(2), Recognition([], [None], []), "ko")
    assert not frame.screen.sections.HasField("ad")
    assert frame.screen.sections.forgotten == "null"


def test_events_are_drawn_at_random_from_the_enabled_ones() -> None:
    random.seed(1)
    drawn = {recognized(signage(2), Recognition([], [], EVENTS), "ko").event.id for _ in range(50)}
    assert drawn == {1, 3}


def test_an_item_in_the_stores_language() -> None:
    sent = {
        "rec_id": "a",
        "item_id": 196,
        "item_name": "간장",
        "brand": None,
        "discount_pct": 17,
        "price_yen": 4900,
        "reason_detail": {"ko": "한", "en": "en", "ja": "日"},
        "reason_detail_marketing": "as sent",
        "product": {"src_url": "https://x/1.png"},
    }
    (shown,) = recognized(signage(2), Recognition([sent], [], []), "ja").items
    assert shown == pb.Item(
        rec_id="a",
        item_id=196,
        item_name="간장",
        discount_pct=17,
        price=4900,
        image_url="https://x/1.png",
        reason_detail="日",
        reason_detail_marketing="as sent",
    )
    (bare,) = recognized(
        signage(2), Recognition([{"rec_id": "b", "price": 5, "price_yen": 6}], [], []), "ko"
    ).items
    assert bare == pb.Item(rec_id="b", price=5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ({"ko": "한", "en": "en"}, "한"),
        ({"ko": "", "en": "en"}, "en"),
        ({"fr": "fr"}, "fr"),
        ({"ko": 3}, ""),
        ({}, ""),
        (None, ""),
        (3, ""),
        (["list"], ""),
    ],
)
def test_a_text_is_a_string_or_an_object_of_languages(value: object, text: str) -> None:
    assert in_language(value, "ko") == text


def test_free_form_values_keep_whole_numbers_whole() -> None:
    value = {"a": [882.0, 1.5, 1.5e-7, -0.0, True, None, "x"], "b": {"c": 2.0**53}}
    assert as_json(value) == ('{"a":[882,1.5,1.5e-7,0,true,null,"x"],"b":{"c":9007199254740992}}')


def test_texts_are_cut_between_characters_and_addresses_left_out() -> None:
    slide = store_pb2.Slide(title="수" * 200, image_url="https://x/" + "y" * 600)
    (shown,) = idle(signage(1), [slide]).slides
    assert shown.image_url == ""
    assert shown.title == "수" * 84 + "…"
    assert len(shown.title.encode()) == TEXT_BYTES["title"]
    # A forgotten thing that is too large for its section is in the list all the same.
    frame = recognized(signage(2), Recognition([], ["x" * 2000], []), "ko")
    assert not frame.screen.sections.HasField("forgotten")
    assert len(frame.forgotten[0]) == 2002
