"""The OpenAPI document says what clients really get."""

import json
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from edge.openapi import comments, document
from edge.reply.errors import error_body
from edge.reply.render import Renderer, json_cache
from tests import edge_app

OUT = edge_app.stubs()
IMAGE = FileDescriptorSet.FromString((OUT.parent / "contract.pb").read_bytes())
INFO = {"title": "t", "version": "1"}
DOCUMENT = document(edge_app.contract(), IMAGE, INFO)


def operation(verb: str, path: str) -> dict[str, Any]:
    return DOCUMENT["paths"][path][verb]


def schema_of(verb: str, path: str, status: int) -> dict[str, Any]:
    answer = operation(verb, path)["responses"][str(status)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    (media,) = answer["content"].values()
    return media["schema"]


def accepts(schema: dict[str, Any], value: Any) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return Draft202012Validator(whole).is_valid(value)


def test_the_document_is_valid_and_always_the_same() -> None:
    validate(json.loads(json.dumps(DOCUMENT)))
    assert json.dumps(document(edge_app.contract(), IMAGE, INFO)) == json.dumps(DOCUMENT)
    written = json.loads((OUT / "openapi" / "openapi.json").read_text())
    assert written["paths"] == document(edge_app.every_contract(), IMAGE, INFO)["paths"]


def test_comments_of_the_contract_are_its_descriptions() -> None:
    notes = comments(IMAGE)
    assert notes["edgetest.v1.EchoService.Say"] == "Answers what it was sent."
    assert notes["edgetest.v1.Item.quantity"] == "How many."
    assert operation("post", "/e/say/{room_id}")["summary"] == "Answers what it was sent."
    assert DOCUMENT["components"]["schemas"]["Thing"]["description"] == "A thing."


def test_a_reply_has_its_status_its_envelope_and_its_nulls() -> None:
    schema = schema_of("post", "/e/say/{room_id}", 202)
    from edgetest.v1 import edgetest_pb2 as pb

    surface = edge_app.contract().methods["/edgetest.v1.EchoService/Say"].surface
    renderer = Renderer(surface, "UTC", json_cache(1000))  # type: ignore[arg-type]
    data = json.loads(renderer.json(pb.SayResponse(said=pb.SayRequest(color=1, note="n"))))
    assert accepts(schema, {"success": True, "data": data})
    assert accepts(schema, {"success": True, "data": {**data, "said": None}})
    assert not accepts(schema, {"success": False, "data": data})
    assert not accepts(schema, {"success": True, "data": {**data, "said": {}}})
    assert not accepts(schema, data)
    without_note = {k: v for k, v in data["said"].items() if k != "note"}
    assert accepts(schema, {"success": True, "data": {**data, "said": without_note}})
    for key in without_note:
        missing = {k: v for k, v in data["said"].items() if k != key}
        assert not accepts(schema, {"success": True, "data": {**data, "said": missing}}), key


def test_the_status_envelope_arrays_strings_and_bare_replies() -> None:
    assert accepts(schema_of("get", "/s/numbers", 200), {"status": 200, "data": [1, 2.5]})
    assert accepts(schema_of("get", "/s/word", 200), {"status": 200, "data": "x"})
    assert accepts(schema_of("get", "/s/deeper/bare", 200), {"choices": ["a"]})
    assert not accepts(schema_of("get", "/s/numbers", 200), {"status": 201, "data": []})


@pytest.mark.parametrize(
    ("verb", "path", "codes"),
    [
        ("post", "/e/say/{room_id}", {400, 401, 404, 413, 415, 418, 429, 500, 503, 504}),
        ("get", "/e/list/{room_id}", {400, 429, 500, 503, 504}),
        ("delete", "/s/friend", {400, 401, 409, 413, 415, 429, 500, 503, 504}),
    ],
)
def test_every_error_status_is_listed(verb: str, path: str, codes: Any) -> None:
    answers = {int(code) for code in operation(verb, path)["responses"]}
    assert {code for code in answers if code >= 400} == codes


def test_a_charset_is_said_where_it_is_sent() -> None:
    answers = operation("delete", "/s/friend")["responses"]
    assert set(answers["200"]["content"]) == {"application/json;charset=UTF-8"}
    for status, kind in (("409", "application/json;charset=UTF-8"), ("400", "application/json")):
        name = answers[status]["$ref"].rpartition("/")[2]
        assert set(DOCUMENT["components"]["responses"][name]["content"]) == {kind}


def test_error_bodies_match_what_is_sent() -> None:
    for verb, path, method in (
        ("post", "/e/say/{room_id}", "/edgetest.v1.EchoService/Say"),
        ("delete", "/s/friend", "/edgetest.v1.StatusService/Remove"),
    ):
        surface = edge_app.contract().methods[method].surface
        for condition, reason in surface.conditions.items():
            if str(reason.http_status) in operation(verb, path)["responses"]:
                status, body = error_body(surface, condition)
                assert accepts(schema_of(verb, path, status), json.loads(body))
    conflict = {"status": 409, "data": {"errorCode": "FRIEND_2", "message": "x"}}
    assert accepts(schema_of("delete", "/s/friend", 409), conflict)
    assert not accepts(schema_of("delete", "/s/friend", 400), conflict)


def test_parameters_have_their_place_and_their_bounds() -> None:
    found = {p["name"]: p for p in operation("get", "/e/list/{room_id}")["parameters"]}
    assert found["room_id"]["in"] == "path"
    assert found["room_id"]["required"]
    assert found["limit"]["schema"] == {
        "type": "integer", "format": "int32", "minimum": 1, "maximum": 500,
    }  # fmt: skip
    assert found["order"]["schema"]["enum"] == ["desc", "asc"]
    assert found["friend_ids"]["schema"] == {"type": "array", "items": {"type": "string"}}
    say = operation("post", "/e/say/{room_id}")
    assert [p["name"] for p in say["parameters"]] == ["room_id", "Idempotency-Key"]
    assert "friendId" in [p["name"] for p in operation("get", "/s/word")["parameters"]]
    assert "parameters" not in operation("post", "/s/word")
    count = {p["name"]: p["in"] for p in operation("get", "/e/count/{how}")["parameters"]}
    assert count == {"how": "path", "after": "query", "Last-Event-ID": "header"}


def test_each_binding_has_its_own_parameters_and_body() -> None:
    def places(verb: str, path: Any) -> Any:
        shown = operation(verb, path)
        body = shown.get("requestBody", {}).get("content", {}).get("application/json", {})
        keys = body.get("schema", {}).get("properties", {})
        return {p["name"]: p["in"] for p in shown.get("parameters", ())}, set(keys)

    assert places("post", "/e/shelves/{shelf}/books") == (
        {"shelf": "path"},
        {"book_id", "book", "copies"},
    )
    assert places("post", "/e/books")[0] == {}
    assert places("get", "/e/books/{book_id}") == (
        {"book_id": "path", "shelf": "query", "copies": "query"},
        set(),
    )
    assert schema_of("post", "/e/books/{book_id}:lend", 200)["properties"]["data"] == {
        "type": "string"
    }
    # A pattern's own segments stand in the path, with a parameter for each `*`.
    assert places("get", "/e/halls/{shelf_1}/shelves/{shelf_2}/books")[0] == {
        "shelf_1": "path",
        "shelf_2": "path",
        "book_id": "query",
        "copies": "query",
    }
    (shelf, *_) = operation("get", "/e/rooms/{shelf}")["parameters"]
    assert shelf == {
        "name": "shelf",
        "in": "path",
        "required": True,
        "description": "What stands for `*` in `shelf`, which is `rooms/*`. Where.",
        "schema": {"type": "string"},
    }
    assert "book_id" in places("get", "/e/floors/{book_id}")[0]
    # OpenAPI has no word for a binding that takes every verb, nor a path for `**` beside `*`.
    assert "/e/any/{shelf}" not in DOCUMENT["paths"]
    head = operation("head", "/e/peek/{how}")
    assert not [a for a in head["responses"].values() if "content" in a or "$ref" in a]


def test_request_bodies() -> None:
    body = operation("post", "/e/say/{room_id}")["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert body["required"]
    assert "room_id" not in schema["properties"]
    assert accepts(schema, {"prompt": "x", "items": [{"rec_id": "a"}], "chat_id": None})
    for tag in ("42", 42, None):
        assert accepts(schema, {"prompt": "x", "tag": tag})
    for wrong in (
        {},
        {"prompt": ""},
        {"prompt": "x", "items": [{}]},
        {"prompt": "x" * 21},
        {"prompt": "x", "tag": 1.5},
    ):
        assert not accepts(schema, wrong)
    small = schema["properties"]["small_extra"]["description"]
    assert small == "Anything, but little of it. At most 20 bytes as JSON."
    assert accepts(schema, {"prompt": "x", "mood": ""})
    patch = operation("patch", "/e/patch/{kind}")["requestBody"]["content"]["application/json"]
    assert set(patch["schema"]["properties"]) == {"long_name", "age", "thing"}
    thing = operation("put", "/e/thing/{kind}")["requestBody"]
    assert accepts(thing["content"]["application/json"]["schema"], {"name": "x"})


def test_uploads_streams_and_downloads() -> None:
    form = operation("post", "/s/upload/{albumId}")["requestBody"]["content"]
    schema = form["multipart/form-data"]["schema"]
    assert set(schema["properties"]) == {"files", "coverImage", "raw", "raws", "title"}
    assert schema["required"] == ["files"]
    assert schema["properties"]["files"]["maxItems"] == 3
    events = operation("get", "/e/count/{how}")["responses"]["200"]["content"]
    item = events["text/event-stream"]["x-itemSchema"]["properties"]
    assert set(item) == {"event", "id", "data"}
    assert "Thing" in json.dumps(item["data"]["contentSchema"])
    assert set(operation("get", "/e/download")["responses"]["200"]["content"]) == {"image/png"}
    assert "204" in operation("get", "/e/count/{how}")["responses"]
    assert "204" not in operation("get", "/e/plain/{how}")["responses"]
    assert "304" in operation("get", "/e/download")["responses"]
    assert "304" not in operation("get", "/e/thing/{kind}")["responses"]
    followed = operation("post", "/s/upload/{albumId}/events")
    assert set(followed["requestBody"]["content"]) == {"multipart/form-data"}
    assert set(followed["responses"]["200"]["content"]) == {"text/event-stream"}


def test_security_is_what_access_says() -> None:
    assert operation("post", "/e/say/{room_id}")["security"] == [{"sdk_key": []}]
    assert operation("get", "/e/list/{room_id}")["security"] == []
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"sdk_key", "user"}
