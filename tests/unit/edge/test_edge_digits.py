"""Whole numbers keep every digit, on the way in, inside a Value, and on the way out."""

import json
import math
import random
import struct
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from edge import digits
from edge.reply.errors import ApiError
from edge.reply.render import Renderer, json_cache
from edge.request.decode import Decoder, Violations, parse_json
from edge.request.validate import Validator
from edge.v1.whole_number_pb2 import WholeNumber
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

SURFACE = edge_app.contract().methods["/edgetest.v1.EchoService/Say"].surface
DECODER, VALIDATOR = Decoder(SURFACE), Validator(SURFACE)
RENDERER = Renderer(SURFACE, ZoneInfo("UTC"), json_cache(1000))
WIDE = [
    2**53 + 1,
    -(2**53) - 1,
    2**60,
    2**63,
    -(2**63) - 1,
    2**64 - 1,
    2**64,
    12345678901234567890,
    -12345678901234567891,
    10**40,
    10**308 + 1,
]


def read(text: str) -> pb.SayRequest:
    """The message of a JSON body, valid but for what a Say needs; raises ApiError."""
    message = pb.SayRequest(room_id="11111111-1111-4111-8111-111111111111", prompt="p")
    report = Violations()
    DECODER.body(message, parse_json(text.encode()), report)
    VALIDATOR.validate(message, report)
    return message


def echo(text: str) -> dict[str, Any]:
    """What a body's free-form fields come back as, once carried over a wire."""
    message = pb.SayRequest.FromString(read(text).SerializeToString())
    copy = pb.SayRequest()
    copy.MergeFrom(message)
    return json.loads(RENDERER.json(copy))


@pytest.mark.parametrize("whole", WIDE)
def test_a_whole_number_keeps_every_digit_wherever_it_stands(whole: Any) -> None:
    body = {
        "extra": {"a": {"b": [whole, {"c": whole}]}},
        "any": whole,
        "many": [whole, "x", [whole]],
        "list": [whole],
    }
    found = echo(json.dumps(body))
    assert {key: found[key] for key in body} == body
    assert float(whole) == read(json.dumps(body)).any.number_value


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("100.0", "100"),
        ("1e2", "100"),
        ("-0.0", "0"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993.0", "9007199254740993"),
        ("9007199254740993E0", "9007199254740993"),
        ("0.25", "0.25"),
        ("37.566534258765432109876543", "37.56653425876543"),
        ("1e300", "1e+300"),
        ("1.5e-7", "1.5e-7"),
    ],
)
def test_how_a_number_is_written_counts_only_for_its_value(sent: str, shown: str) -> None:
    text = RENDERER.json(read(f'{{"any": {sent}}}')).decode()
    assert f'"any":{shown},' in text


@pytest.mark.parametrize(
    "sent", ["1e400", "-1e400", "9" * 310, "9" * 5000, "1" * 100_000, "1e999999999"]
)
def test_what_cannot_be_kept_is_refused_by_name(sent: str) -> None:
    with pytest.raises(ApiError) as refused:
        read(f'{{"extra": {{"a": [{sent}]}}}}')
    assert [fault.field for fault in refused.value.fields] == ["extra.a[0]"]


def test_digits_in_a_text_are_a_text() -> None:
    text = "12345678901234567890"
    assert echo(json.dumps({"any": text, "chat_id": None}))["any"] == text


def test_typed_fields_are_read_as_ever_beside_many_digits() -> None:
    message = read('{"any": 12345678901234567890, "big": 9007199254740993, "ratio": 1}')
    assert (message.big, message.ratio) == (9007199254740993, 1)
    for body in ('{"big": 12345678901234567890}', '{"ratio": NaN, "any": 12345678901234567890}'):
        with pytest.raises(ApiError):
            read(body)


@pytest.mark.parametrize(
    "made_up",
    [
        b"",
        b"abc",
        b"\xff",
        b"1",
        b"9007199254740995",
        b"9" * 400,
        b" 9007199254740993",
        b"-9007199254740993",
    ],
)
def test_digits_that_are_not_the_numbers_own_count_for_nothing(made_up: bytes) -> None:
    value = Value(number_value=9007199254740992)
    value.MergeFromString(WholeNumber(digits=made_up).SerializeToString())
    assert digits.number_of(value) == 9007199254740992


def test_a_field_of_the_digits_number_that_is_none() -> None:
    value = Value.FromString(Value(number_value=1e20).SerializeToString() + b"\xc8\xf3\x18\x05")
    assert digits.number_of(value) == 1e20


def test_the_last_number_a_value_was_set_to_counts() -> None:
    value = Value()
    for whole in (2**53 + 1, 5, 2**53 + 3, 0.5, 2**54 + 2):
        digits.set_number(value, whole)
        assert digits.number_of(value) == whole


def test_json_of_any_length_is_written_and_read() -> None:
    value = {"a": [*WIDE, {"b": (1, 2.5, None, True, "x")}]}
    assert json.loads(digits.dumps(value)) == json.loads(json.dumps(value))
    assert digits.loads(digits.dumps(value))["a"][:-1] == WIDE
    with pytest.raises(orjson.JSONDecodeError):
        digits.loads(b"12345678901234567890x")
    with pytest.raises(orjson.JSONEncodeError):
        digits.dumps({"a": object(), "b": 2**70})


def test_a_value_without_wide_numbers_is_the_same_on_the_wire() -> None:
    sent = Struct()
    sent.update({"a": 882, "b": [1.5, None, "x"]})
    message = read('{"extra": {"a": 882, "b": [1.5, null, "x"]}, "list": [1e2]}')
    assert message.extra == sent
    assert message.list == ListValue(values=[Value(number_value=100)])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "0"),
        ("-0.1", "-0.1"),
        ("0.3", "0.3"),
        ("16777216", "16777216"),
        ("16777217", "16777216"),
        ("1e30", "1e30"),
        ("3.4028235e38", "3.4028235e38"),
        ("1e-45", "1e-45"),
        ("1.17549435e-38", "1.1754944e-38"),
        ("0.333333333333", "0.33333334"),
    ],
)
def test_a_float_has_the_fewest_digits(text: str, shown: str) -> None:
    assert digits.single_number(digits.single(float(text))) == float(shown)
    assert orjson.loads(orjson.dumps(digits.single_number(digits.single(float(text))))) == float(
        shown
    )


def test_every_float_reads_back_as_itself() -> None:
    draw = random.Random(7)
    for _ in range(20_000):
        (value,) = struct.unpack("f", struct.pack("I", draw.getrandbits(32)))
        if math.isfinite(value):
            shown = digits.single_number(value)
            assert digits.single(shown) == value
            written = repr(float(shown)).partition("e")[0].replace(".", "")
            assert len(written.strip("-0")) <= 9
