"""What REST clients send becomes a typed message, or an error that names the field."""

import json
import re
from typing import Any

import pytest
from google.protobuf import json_format

from edge.reply.errors import ApiError
from edge.request.decode import MAX_VIOLATIONS, Decoder, Violations, parse_json
from edge.request.validate import Validator
from edge.v1 import annotations_pb2 as rest
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

METHODS = edge_app.contract().methods
SURFACE = METHODS["/edgetest.v1.EchoService/Say"].surface
DECODER = Decoder(SURFACE)
ID = "6b97957c-3c53-4d0f-9a55-3a1fb3c0de4a"


def decode(body: str | bytes | dict[str, Any], message: Any = None, skip: Any = ()) -> Any:
    """The message of a JSON body; raises ApiError."""
    message = pb.SayRequest() if message is None else message
    text = json.dumps(body) if isinstance(body, dict) else body
    report = Violations()
    value = parse_json(text.encode() if isinstance(text, str) else text)
    DECODER.body(message, value, report, skip)
    report.check()
    return message


def faults(body: Any, **options: Any) -> dict[str, str]:
    """Field paths and what is wrong with them."""
    with pytest.raises(ApiError) as refused:
        decode(body, **options)
    assert refused.value.reason == rest.CONDITION_INVALID_ARGUMENT
    return {fault.field: fault.description for fault in refused.value.fields}


FULL = {
    "prompt": "hé",
    "chat_id": "x",
    "ratio": 2.5,
    "big": 2**53 + 1,
    "small": 7,
    "flag": True,
    "blob": "AQI=",
    "items": [{"rec_id": "a", "quantity": 2, "inner": {"rec_id": "b"}}],
    "numbers": [1, 2],
    "counts": {"a": 1},
    "by_name": {"k": {"rec_id": "c"}},
    "extra": {"a": [1, None, {"b": True}], "c": {}},
    "any": [1, "x"],
    "many": [1, None, "x", {}],
    "list": [[]],
    "at": "2026-04-29T05:28:08Z",
    "span": "1.5s",
    "mask": "promptText,chatId",
    "wrapped": "w",
    "right": 3,
    "item": {},
}


def test_a_full_body_is_read_as_protobuf_reads_it() -> None:
    expected = json_format.ParseDict(FULL, pb.SayRequest())
    assert decode(FULL) == expected


def test_both_spellings_of_a_key_and_its_own_key() -> None:
    assert decode({"chatId": "a", "byName": {}, "items": [{"recId": "r"}]}) == pb.SayRequest(
        chat_id="a", items=[pb.Item(rec_id="r")]
    )
    for key in ("pageInfo2", "page_info", "pageInfo2"):
        assert decode({key: "p"}).page_info == "p"


def test_unknown_keys_are_ignored_null_is_unset_and_the_last_key_wins() -> None:
    message = decode('{"nope": {"a": [1]}, "prompt": null, "flag": false, "big": 1, "big": 2}')
    assert message == pb.SayRequest(big=2)
    assert not decode({"chat_id": None, "item": None, "any": None}).HasField("any")


def test_integers_and_doubles_may_be_strings_and_whole_numbers_may_have_a_point() -> None:
    assert decode({"big": "9007199254740993", "small": 3.0, "ratio": "1e3"}) == pb.SayRequest(
        big=9007199254740993, small=3, ratio=1000
    )


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("42", "42"),
        ("-9007199254740993", "-9007199254740993"),
        ("100.0", "100"),
        ("1e2", "100"),
        ('"007"', "007"),
    ],
)
def test_a_string_that_takes_a_number_becomes_its_digits(sent: str, text: str) -> None:
    assert decode(f'{{"tag": {sent}}}').tag == text


@pytest.mark.parametrize("sent", ["1.5", "true", "[]", "{}", "1e300"])
def test_a_string_that_takes_a_number_takes_nothing_else(sent: str) -> None:
    assert faults(f'{{"tag": {sent}}}') == {"tag": "must be a string or a whole number"}


def test_an_enum_is_its_word_its_name_or_its_number() -> None:
    for sent in ("dark-blue", "COLOR_DARK_BLUE", 2):
        assert decode({"color": sent}).color == pb.COLOR_DARK_BLUE
    assert faults({"color": "green"}) == {"color": "must be one of red, dark-blue"}
    assert "color" in faults({"color": 9})
    assert "color" in faults({"color": True})


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"prompt": 5}, "prompt", "must be a string"),
        ({"prompt": ["x"]}, "prompt", "must be a string"),
        ({"big": "abc"}, "big", "must be a whole number"),
        ({"big": 1.5}, "big", "must be a whole number"),
        ({"big": True}, "big", "must be a whole number"),
        ({"big": ""}, "big", "must be a whole number"),
        ({"small": -1}, "small", "must be between 0 and 4294967295"),
        ({"big": 2**63}, "big", f"must be between {-(2**63)} and {2**63 - 1}"),
        ({"ratio": "x"}, "ratio", "must be a number"),
        ({"ratio": False}, "ratio", "must be a number"),
        ({"flag": "true"}, "flag", "must be true or false"),
        ({"flag": 1}, "flag", "must be true or false"),
        ({"blob": "*"}, "blob", "must be a base64 string"),
        ({"items": [1, 2, 3, 4]}, "items", "must have at most 3 elements"),
        ({"items": {}}, "items", "must be an array"),
        ({"items": ["x"]}, "items[0]", "must be a JSON object"),
        ({"items": [{}, {"quantity": "x"}]}, "items[1].quantity", "must be a whole number"),
        ({"items": [None]}, "items[0]", "must be a JSON object"),
        ({"numbers": [1, "x"]}, "numbers[1]", "must be a whole number"),
        ({"numbers": [None]}, "numbers[0]", "must be a whole number"),
        ({"counts": []}, "counts", "must be a JSON object"),
        ({"counts": {"a": "x"}}, "counts.a", "must be a whole number"),
        ({"by_name": {"k": {"rec_id": 1}}}, "by_name.k.rec_id", "must be a string"),
        ({"item": {"inner": {"rec_id": 1}}}, "item.inner.rec_id", "must be a string"),
        ({"extra": []}, "extra", "must be a JSON object"),
        ({"list": {}}, "list", "must be an array"),
        ({"at": "yesterday"}, "at", "must be a time such as 2026-04-29T05:28:08Z"),
        ({"at": 5}, "at", "must be a time such as 2026-04-29T05:28:08Z"),
        ({"span": "x"}, "span", "must be a duration such as 1.5s"),
        ({"mask": 1}, "mask", "must be a comma-separated list of fields"),
        ({"wrapped": 1}, "wrapped", "must be a string"),
        ({"pageInfo2": 1}, "pageInfo2", "must be a string"),
    ],
)
def test_a_wrong_type_is_named(body: Any, field: str, text: str) -> None:
    assert faults(body) == {field: text}


def test_all_faults_are_told_at_once_but_no_more_than_a_client_can_read() -> None:
    assert set(faults({"prompt": 1, "big": "x"})) == {"prompt", "big"}
    assert len(faults({"numbers": ["x"] * 1000})) == MAX_VIOLATIONS


def test_a_body_that_is_not_json_says_where() -> None:
    found = faults(b'{"a": oops}')
    assert re.fullmatch(r"not valid JSON: .+ \(line 1 column \d+\)", found["body"])
    for body in (b"\xff", b"{", b"nul", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000 + b"x"):
        assert set(faults(body)) == {"body"}


def test_a_body_must_be_an_object() -> None:
    for body in ("[]", "1", "null", '"x"'):
        assert faults(body) == {"body": "must be a JSON object"}


def test_a_byte_order_mark_is_ignored() -> None:
    assert decode(b'\xef\xbb\xbf{"prompt":"x"}').prompt == "x"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (r'{"prompt": "\ud800"}', "prompt"),
        (r'{"extra": {"a": ["\udfff"]}}', "extra.a[0]"),
        (r'{"any": {"\ud800": 1}}', "any.\ufffd"),
        (r'{"counts": {"\ud800": 1}}', "counts.\ufffd"),
        (r'{"many": ["ok", "\ud800"]}', "many[1]"),
    ],
)
def test_half_a_surrogate_pair_is_named(body: str, field: str) -> None:
    assert faults(body) == {field: "has half of a surrogate pair"}


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert decode(r'{"prompt": "\ud83d\ude00"}').prompt == "😀"


def test_numbers_no_double_holds_are_refused_or_left_to_the_rules() -> None:
    assert decode('{"ratio": 1e999}').ratio == float("inf")  # the rules refuse it
    assert "big" in faults('{"big": 1e999}')
    assert "big" in faults('{"big": ' + "9" * 400 + "}")


def test_free_form_values_nest_as_deep_as_a_message_may() -> None:
    deep: dict[str, Any] = {}
    for _ in range(25):
        deep = {"a": deep}
    message = decode({"extra": deep})
    assert pb.SayRequest.FromString(message.SerializeToString()) == message
    for body in (
        '{"extra":' + '{"a":' * 40 + "1" + "}" * 41,
        '{"any":' + "[" * 200 + "]" * 200 + "}",
    ):
        ((field, text),) = faults(body).items()
        assert field.startswith(("extra.a", "any[0]"))
        assert "nested" in text
    body = '{"item":' + '{"inner":' * 60 + "{}" + "}" * 61
    assert "nested" in next(iter(faults(body).values()))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"extra": {"a": [[0] * 5000, [0] * 5000]}}, "extra"),
        ({"any": [{}] * 10_001}, "any"),
        ({"numbers": [0] * 10_001}, "numbers"),
        ({"many": [0] * 10_001}, "many"),
        ({"counts": {str(n): n for n in range(10_001)}}, "counts"),
    ],
)
def test_huge_values_are_refused_before_they_are_read(body: Any, field: str) -> None:
    ((path, text),) = faults(body).items()
    assert (path, text[:23]) == (field, "must have at most 10000")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"many": [[0] * 60] * 170}, "many"),
        ({"any": [0] * 6_000, "many": [[0] * 999] * 5}, "many"),
        ({"extra": {"a": [0] * 5_000}, "list": [0] * 4_000, "any": {"b": [0] * 1_000}}, "any"),
        ({"item": {}, "many": ["x"] * 10_000, "extra": {"a": 1}}, "extra"),
    ],
)
def test_the_free_form_fields_of_a_request_are_counted_together(body: Any, field: str) -> None:
    ((path, text),) = faults(body).items()
    assert path == field
    assert text.startswith("must have at most 10000 values")


@pytest.mark.parametrize(
    ("sent", "fits"),
    [
        ('{"small_extra": {"a": "가나다라"}}', True),
        ('{"small_extra": { "a" : "\uac00\ub098\ub2e4\ub77c" } }', True),
        ('{"small_extra": {"a": "가나다라."}}', False),
        (f'{{"small_extra": {{"{"k" * 17}": 1}}}}', False),
        ('{"small_extra": {"a": 18446744073709551616}}', False),
        ('{"small_many": [1.0, 2, 3, 4, 5, 6, 7, 8, 90]}', True),
        ('{"small_many": [1.0, 2, 3, 4, 5, 6, 7, 8, 900]}', False),
        (f'{{"small_many": ["{"x" * 1000}"]}}', False),
        ('{"small_many": [[[[[[[[[[]]]]]]]]]]}', True),
        ('{"small_many": [[[[[[[[[[[]]]]]]]]]]]}', False),
    ],
)
def test_a_free_form_field_is_as_large_as_its_compact_json(sent: str, fits: bool) -> None:
    message = decode(sent, pb.SayRequest(room_id=ID, prompt="x"))
    if fits:
        Validator(SURFACE).validate(message)
        return
    with pytest.raises(ApiError) as refused:
        Validator(SURFACE).validate(message)
    (fault,) = refused.value.fields
    assert fault.field == ("small_many" if "many" in sent else "small_extra")
    assert fault.description == "must be at most 20 bytes as JSON"


def test_large_values_are_read() -> None:
    assert len(decode({"any": [0] * 10_000, "numbers": [0] * 10_000}).numbers) == 10_000
    assert len(decode({"any": [0] * 4_000, "many": [[0] * 99] * 60}).many) == 60


def test_fields_of_the_path_are_not_taken_from_the_body() -> None:
    assert decode({"room_id": 5, "roomId": "x", "prompt": "p"}, skip=("room_id",)) == pb.SayRequest(
        prompt="p"
    )


def strings(name: str, *values: str) -> Any:
    message, report = pb.ListRequest(), Violations()
    DECODER.strings(message, name, values, report)
    report.check()
    return message


def test_query_strings_become_what_their_field_is() -> None:
    assert strings("limit", "5").limit == 5
    assert strings("limit", "5", "6").limit == 6
    assert list(strings("friend_ids", "a", "b").friend_ids) == ["a", "b"]
    assert strings("all", "true").all is True
    assert strings("color", "red").color == pb.COLOR_RED
    assert strings("since", "2026-04-29T05:28:08Z").since.seconds == 1777440488
    assert strings("order", "true").order == "true"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("limit", "abc", "must be a whole number"),
        ("limit", "", "must be a whole number"),
        ("limit", "1.5", "must be a whole number"),
        ("limit", "99999999999", "must be between -2147483648 and 2147483647"),
        ("all", "yes", "must be true or false"),
        ("since", "now", "must be a time such as 2026-04-29T05:28:08Z"),
    ],
)
def test_a_wrong_query_string_is_named(name: str, value: str, text: str) -> None:
    with pytest.raises(ApiError) as refused:
        strings(name, value)
    assert [(f.field, f.description) for f in refused.value.fields] == [(name, text)]
