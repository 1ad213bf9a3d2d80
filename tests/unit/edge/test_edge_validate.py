"""The rules of the contract, the same for gRPC and REST."""

import uuid
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2

from edge.reply.errors import ApiError
from edge.request.validate import Validator
from edge.v1 import annotations_pb2 as rest
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

METHODS = edge_app.contract().methods
# Fixed, as it is part of test names: they are the same in every process of a run.
ID = "6b97957c-3c53-4d0f-9a55-3a1fb3c0de4a"


def check(message: Any) -> dict[str, str] | int | None:
    """Field paths and what is wrong with them, a condition, or None for a valid message."""
    service = "StatusService" if "Upload" in message.DESCRIPTOR.name else "EchoService"
    surface = next(m.surface for p, m in METHODS.items() if service in p)
    try:
        Validator(surface).validate(message)
    except ApiError as error:
        return {f.field: f.description for f in error.fields} or error.reason  # type: ignore[return-value]
    return None


def say(**fields: Any) -> Any:
    return check(pb.SayRequest(**{"room_id": ID, "prompt": "hi", **fields}))


def test_a_valid_message_passes() -> None:
    assert say(chat_id=ID.upper(), order="asc", code="AB12", ratio=1, numbers=[100]) is None


@pytest.mark.parametrize("version", [1, 3, 4, 5])
def test_a_uuid_of_any_version_and_case(version: int) -> None:
    make = {1: uuid.uuid1, 4: uuid.uuid4}.get(
        version, lambda: getattr(uuid, f"uuid{version}")(uuid.NAMESPACE_DNS, "x")
    )
    assert say(chat_id=str(make())) is None  # type: ignore[no-untyped-call]
    assert say(chat_id=str(make()).upper()) is None  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("text", ["", "x", ID[:-1], ID.replace("-", ""), "{" + ID + "}", ID + "\n"])
def test_a_malformed_uuid_is_a_bad_request(text: Any) -> None:
    assert say(chat_id=text) == {"chat_id": "must be a UUID"}


@pytest.mark.parametrize("text", ["x", " ", ID[:-1], "a\0b"])
def test_a_malformed_id_that_names_nothing_is_not_found(text: Any) -> None:
    assert say(room_id=text) == rest.CONDITION_NOT_FOUND


def test_a_bad_request_comes_before_not_found() -> None:
    assert say(room_id="x", prompt="") == {"prompt": "is required"}


def test_required() -> None:
    for blank in ("", " ", "\t\n", "\u3000"):
        assert say(prompt=blank) == {"prompt": "is required"}
    assert say(items=[{}]) == {"items[0].rec_id": "is required"}
    assert check(pb.PutThingRequest(kind="k")) == {"thing": "is required"}
    assert check(pb.UploadRequest()) == {"files": "is required"}
    assert say(room_id="") == {"room_id": "is required"}


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"prompt": "x" * 21}, "prompt", "must have at most 20 characters"),
        ({"order": "up"}, "order", "must be one of asc, desc"),
        ({"order": ""}, "order", "must be one of asc, desc"),
        ({"code": "a1"}, "code", "must match [A-Z]{2}[0-9]+"),
        ({"code": "AB1\n"}, "code", "must match [A-Z]{2}[0-9]+"),
        *(
            ({"label": f"a{sign}b"}, "label", "must not contain control characters")
            for sign in "\0\a\t\n\r\x1b\x7f\x85\x9b"
        ),
        ({"ratio": -2}, "ratio", "must be at least -1.5"),
        ({"ratio": 2e9}, "ratio", "must be at most 1000000000"),
        ({"ratio": float("nan")}, "ratio", "must be a finite number"),
        ({"ratio": float("-inf")}, "ratio", "must be a finite number"),
        ({"blob": b"12345"}, "blob", "must have at most 4 bytes"),
        ({"numbers": [1, 101]}, "numbers[1]", "must be at most 100"),
        (
            {"items": [pb.Item(rec_id="x")] * 4},
            "items",
            "must have at most 3 elements",
        ),
        ({"items": [pb.Item(rec_id="x", quantity=0)]}, "items[0].quantity", "must be at least 1"),
        (
            {"by_name": {"k": pb.Item(rec_id="x", quantity=10)}},
            "by_name.k.quantity",
            "must be at most 9",
        ),
        (
            {"item": pb.Item(rec_id="x", inner=pb.Item())},
            "item.inner.rec_id",
            "is required",
        ),
    ],
)
def test_a_broken_rule_is_named(fields: Any, path: Any, text: str) -> None:
    assert say(**fields) == {path: text}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"prompt": "a\0"}, "prompt"),
        ({"left": "\0"}, "left"),
        ({"counts": {"\0": 1}}, "counts"),
        ({"extra": {"a": {"b": "\0"}}}, "extra.a.b"),
        ({"extra": {"\0": 1}}, "extra"),
        ({"many": [{"string_value": "x"}, {"string_value": "\0"}]}, "many[1]"),
        ({"list": ["\0"]}, "list[0]"),
        ({"any": {"number_value": float("nan")}}, "any"),
        ({"wrapped": {"value": "\0"}}, "wrapped"),
    ],
)
def test_what_a_database_cannot_store_is_refused(fields: Any, path: str) -> None:
    found = say(**fields)
    assert list(found) == [path]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"color": 9}, "color"),
        ({"at": {"seconds": 10**13}}, "at"),
        ({"at": {"nanos": -1}}, "at"),
        ({"span": {"seconds": 10**15}}, "span"),
        ({"span": {"seconds": 1, "nanos": -1}}, "span"),
        ({"mask": {"paths": ["a\0"]}}, "mask"),
    ],
)
def test_what_only_a_grpc_client_can_send_is_refused_too(fields: Any, path: str) -> None:
    assert list(say(**fields)) == [path]


def test_times_and_durations_at_their_ends() -> None:
    assert say(at={"seconds": 253_402_300_799}, span={"seconds": -1, "nanos": -5}) is None
    assert say(at={"seconds": -62_135_596_800}, span={"nanos": -5}, color=0) is None


def test_unset_fields_are_not_judged() -> None:
    assert check(pb.ListRequest(room_id="x")) is None
    assert check(pb.ListRequest(room_id="x", limit=0)) == {"limit": "must be at least 1"}


def test_paths_are_spelt_as_the_surface_spells_them() -> None:
    assert check(pb.UploadRequest(files=[pb.File()], title="x" * 11)) == {
        "title": "must have at most 10 characters"
    }
    found = check(pb.SayRequest(room_id=ID, prompt="x", page_info="\0"))
    assert list(found) == ["pageInfo2"]  # type: ignore[arg-type]


def values(count: int) -> struct_pb2.Value:
    """A list of so many values."""
    return json_format.ParseDict([0] * count, struct_pb2.Value())  # type: ignore[arg-type]


def test_a_free_form_field_has_its_most_bytes() -> None:
    small = "must be at most 20 bytes as JSON"
    assert say(small_extra={"a": "가나다라"}) is None
    assert say(small_extra={"a": "가나다라."}) == {"small_extra": small}
    # [[0,0,0],[0,0,0],[0]]
    assert say(small_many=[values(3), values(3), values(1)]) == {"small_many": small}
    assert say(small_many=[values(3), values(3), values(0)]) is None


def test_no_list_is_longer_than_one_sent_as_json_may_be() -> None:
    assert say(numbers=[1] * 10_000) is None
    assert say(numbers=[1] * 10_001) == {"numbers": "must have at most 10000 elements"}
    assert say(counts={str(n): n for n in range(10_001)}) == {
        "counts": "must have at most 10000 elements"
    }


def test_free_form_values_have_the_bounds_that_json_has() -> None:
    many = "must have at most 10000 values"
    assert say(extra={"a": list(range(9_999))}) is None
    assert say(extra={"a": list(range(10_000))}) == {"extra": many}
    assert say(extra={str(key): 1 for key in range(10_001)}) == {"extra": many}
    assert say(extra={"a": [{"b": 1}] * 5_000}) == {"extra": many}
    assert say(many=[values(60)] * 170) == {"many": many}
    assert say(many=[values(99)] * 100) is None
    assert say(many=[values(99)] * 50, any=values(5_000)) is None
    together = {"many": many + " together with the fields before it"}
    assert say(many=[values(99)] * 50, any=values(5_001)) == together
    assert say(extra={"k" * 70: "\0"}) == {
        "extra." + "k" * 64: "must not contain the NUL character"
    }
    deep: dict[str, Any] = {}
    for _ in range(30):
        deep = {"a": deep}
    assert say(extra=deep) is None
    assert say(extra={"a": deep}) == {"extra" + ".a" * 31: "is nested more than 30 levels deep"}
