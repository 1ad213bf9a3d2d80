"""Replies become the JSON the contract describes."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from google.protobuf import json_format

from edge.reply.render import Renderer, json_cache, number  # type: ignore[attr-defined]
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

METHODS = edge_app.contract().methods
SNAKE = METHODS["/edgetest.v1.EchoService/Say"].surface
CAMEL = METHODS["/edgetest.v1.StatusService/Upload"].surface
SEOUL = ZoneInfo("Asia/Seoul")


def render(message: Any, surface: Any = SNAKE, field: str = "") -> Any:
    return json.loads(Renderer(surface, SEOUL, json_cache(1 << 20)).json(message, field))


FULL = {
    "room_id": "r",
    "prompt": "한",
    "chat_id": "",
    "ratio": 2.5,
    "big": 2**62,
    "small": 7,
    "flag": True,
    "blob": "AQI=",
    "items": [{"rec_id": "a", "quantity": 0, "inner": {"rec_id": "b"}}],
    "numbers": [1, 2],
    "counts": {"b": 1, "a": 2},
    "by_name": {"k": {"rec_id": "c"}},
    "extra": {"a": [1, None, {"b": True}], "c": {}, "d": 882.0, "e": 0.25},
    "any": [1, "x"],
    "many": [1, None, "x", {}, False],
    "list": [[]],
    "at": "2026-04-29T05:28:08Z",
    "span": "1.500s",
    "mask": "promptText,chatId",
    "wrapped": "w",
    "right": 3,
    "note": "n",
    "item": {},
}


def test_it_agrees_with_protobuf_but_for_nulls_and_numbers() -> None:
    message = json_format.ParseDict(FULL, pb.SayRequest())
    rendered = render(message)
    expected = json_format.MessageToDict(message, preserving_proto_field_name=True)
    expected["big"] = int(expected["big"])

    def without_nulls(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without_nulls(v) for k, v in value.items() if v is not None}
        return [without_nulls(v) for v in value] if isinstance(value, list) else value

    found = without_nulls(rendered)
    # Values keep their nulls, and keys that are unset or default are there all the same.
    assert found.pop("code") == ""
    assert found.pop("pageInfo2") == ""
    assert found.pop("color") == "unspecified"
    assert found.pop("small_many") == []
    assert found["item"].pop("rec_id") == ""
    assert rendered["extra"]["a"] == [1, None, {"b": True}]
    assert found == without_nulls(expected)


def test_every_key_is_there_when_nothing_is_set() -> None:
    assert render(pb.SayRequest()) == {
        "room_id": "", "prompt": "", "chat_id": None, "order": None, "code": "", "ratio": 0,
        "big": 0, "small": 0, "flag": False, "blob": "", "color": "unspecified", "items": [],
        "numbers": [], "counts": {}, "by_name": {}, "extra": None, "any": None, "many": [],
        "list": None, "at": None, "span": None, "mask": None, "wrapped": None, "pageInfo2": "",
        "left": None, "right": None, "item": None, "tag": None,
        "mood": None,
        "small_extra": None, "small_many": [],
    }  # fmt: skip


def test_omit_unset_leaves_the_key_out_only_when_unset() -> None:
    assert "note" not in render(pb.SayRequest())
    assert render(pb.SayRequest(note=""))["note"] == ""


def test_keys_keep_the_order_of_the_contract() -> None:
    assert list(render(pb.SayRequest(note="n")))[-6:-2] == ["note", "item", "tag", "mood"]


def test_camel_case_and_local_time() -> None:
    reply = pb.UploadResponse(seen=["a"])
    reply.created_at.FromJsonString("2026-04-29T05:28:08.9Z")
    assert render(reply, CAMEL) == {"seen": ["a"], "createdAt": "2026-04-29 14:28:08"}


def test_whole_doubles_are_whole_also_inside_free_form_values() -> None:
    message = pb.SayRequest(ratio=882)
    message.extra.update({"price": 882, "ratio": 0.5, "huge": 1e300, "big": 2.0**53})
    raw = Renderer(SNAKE, SEOUL, json_cache(1 << 20)).json(message)
    assert b'"ratio":882,' in raw
    assert b'"price":882,' in raw
    assert b'"huge":1e+300' in raw
    assert b'"big":9007199254740992,' in raw
    score = Renderer(SNAKE, SEOUL, json_cache(1)).json(pb.SayResponse(score={"value": 3}))
    assert score.endswith(b'"score":3}')
    assert number(-0.0) == 0
    assert number(float("inf")) == float("inf")


@pytest.mark.parametrize(
    ("color", "word"), [(0, "unspecified"), (1, "red"), (2, "dark-blue"), (9, 9)]
)
def test_enums_are_words(color: int, word: str | int) -> None:
    assert render(pb.SayRequest(color=color))["color"] == word


def test_one_field_alone() -> None:
    thing = pb.GetThingResponse(thing=pb.Thing(name="x"))
    assert render(thing, field="thing") == {"name": "x", "times": []}
    assert render(pb.GetThingResponse(), field="thing") is None
    assert render(pb.WordResponse(word="성공"), CAMEL, "word") == "성공"
    assert render(pb.NumbersResponse(numbers=[1, 2.5]), CAMEL, "numbers") == [1, 2.5]
    assert render(pb.NumbersResponse(), CAMEL, "numbers") == []


def test_marked_messages_are_rendered_once_and_never_mixed_up() -> None:
    cache = json_cache(1 << 20)
    snake, camel = Renderer(SNAKE, SEOUL, cache), Renderer(CAMEL, SEOUL, cache)
    one = pb.Thing(name="one")
    one.times.add(seconds=0)
    plain = b'{"name":"one","times":["1970-01-01T00:00:00Z"]}'
    assert snake.json(one) == plain
    assert len(cache) == 1
    assert snake.json(pb.GetThingResponse(thing=one)) == b'{"thing":' + plain + b"}"
    assert len(cache) == 1
    assert camel.json(one) == b'{"name":"one","times":["1970-01-01 09:00:00"]}'
    assert snake.json(pb.Thing(name="two")) == b'{"name":"two","times":[]}'
    assert len(cache) == 3


def test_the_cache_stays_within_its_bytes() -> None:
    cache = json_cache(4000)
    renderer = Renderer(SNAKE, SEOUL, cache)
    for number_ in range(200):
        assert orjson.loads(renderer.json(pb.Thing(name=str(number_))))["name"] == str(number_)
        assert cache.currsize <= 4000
    assert len(cache) > 1
    big = pb.Thing(name="x" * 5000)
    assert orjson.loads(renderer.json(big))["name"] == big.name


def test_a_message_may_hold_itself() -> None:
    message = pb.Item(rec_id="0")
    inner = message
    for depth in range(30):
        inner = inner.inner
        inner.rec_id = str(depth)
    assert render(message)["inner"]["inner"]["rec_id"] == "1"


def test_of_a_function_that_fails_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(SNAKE, SEOUL, json_cache(0))
    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "_value", lambda *_: "1 +")
        for _ in range(2):
            with pytest.raises(SyntaxError):
                renderer.json(pb.SayRequest())
    text = renderer.json(pb.SayRequest(prompt="hi", by_name={"a": pb.Item(inner=pb.Item())}))
    assert json.loads(text)["by_name"]["a"]["inner"]["rec_id"] == ""


def test_names_that_are_pythons_own() -> None:
    message = pb.OddMessage(self=["a"])
    setattr(message, "from", "f")
    setattr(message, "class", 1)
    getattr(message, "None").m = "m"
    found = render(message)
    assert found == {
        "from": "f", "class": 1, "self": ["a"], "import": {},
        "None": {"from": "", "class": 0, "None": None, "self": [], "m": "m", "import": {}},
    }  # fmt: skip
