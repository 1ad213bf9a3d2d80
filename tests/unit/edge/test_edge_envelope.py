"""Envelopes are data, and a surface that declares no reasons has the common ones."""

import json
from typing import Any

import pytest

from edge import PUBLIC, load_contract
from edge.contract.envelope import READY_MADE, form_problems, pointer, read_form
from edge.openapi import document
from edge.v1 import annotations_pb2 as rest
from tests import edge_app

FIELDS = [("items[0].rec_id", "is required")]


def error(
    form: rest.EnvelopeForm, *, general: bool = False, fields: list[Any] = FIELDS
) -> dict[str, Any]:
    assert not list(form_problems(form))
    return json.loads(read_form(form).error_body(400, "CODE", "what", fields, general))


def test_the_ready_made_ones() -> None:
    success = READY_MADE[rest.ENVELOPE_SUCCESS_DATA]
    assert read_form(success).around(200) == (b'{"success":true,"data":', b"}")
    violation = {"field": "items[0].rec_id", "description": "is required"}
    found = {"code": "CODE", "message": "what", "fields": [violation]}
    assert error(success) == {"success": False, "error": found}

    status = READY_MADE[rest.ENVELOPE_STATUS_DATA]
    assert read_form(status).around(201) == (b'{"status":201,"data":', b"}")
    found = {"errorCode": "CODE", "message": "what"}
    assert error(status, fields=[]) == {"status": 400, "data": found}
    assert error(status, fields=[], general=True) == {"status": 400, "error": found}

    problem = READY_MADE[rest.ENVELOPE_PROBLEM_JSON]
    assert read_form(problem).around(200) == (b"", b"")
    assert error(problem) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "what",
        "code": "CODE",
        "errors": [{"pointer": "#/items/0/rec_id", "detail": "is required"}],
    }


def test_one_of_its_own() -> None:
    form = rest.EnvelopeForm(
        success='{"v": 1, "ok": {"result": "$data", "in": ["$status"]}}',
        error='["$code", "$title", {"why": "$fields"}]',
        violation='"$description"',
    )
    assert read_form(form).around(202) == (b'{"v":1,"ok":{"result":', b',"in":[202]}}')
    assert error(form) == ["CODE", "Bad Request", {"why": ["is required"]}]  # type: ignore[comparison-overlap]
    assert error(form, fields=[]) == ["CODE", "Bad Request", {}]  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({}, "has no error"),
        ({"error": "{"}, "error is not JSON"),
        ({"error": '"$data"'}, "error: there is no variable $data here"),
        ({"error": "{}", "success": '{"data": 1}'}, "success must have $data once"),
        ({"error": "{}", "success": '["$data", "$data"]'}, "success must have $data once"),
        ({"error": '"$fields"'}, "error has $fields, and there is no violation"),
        ({"error": "{}", "violation": '"$code"'}, "violation: there is no variable $code here"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(form: dict[str, Any], problem: str) -> None:
    assert any(each.startswith(problem) for each in form_problems(rest.EnvelopeForm(**form)))


def test_pointers() -> None:
    assert pointer("body") == "#/body"
    assert pointer("a[10][2].b/c~d") == "#/a/10/2/b~1c~0d"


def test_a_contract_without_reasons_has_the_common_ones() -> None:
    edge_app.stubs()
    contract = load_contract(["shelftest.v1.ShelfService"])
    (surface,) = contract.surfaces
    assert {r.name: (r.grpc_code, r.http_status) for r in surface.reasons.values()} == {
        "INVALID_ARGUMENT": (3, 400),
        "UNAUTHENTICATED": (16, 401),
        "NOT_FOUND": (5, 404),
        "TOO_LARGE": (8, 413),
        "UNSUPPORTED_MEDIA_TYPE": (3, 415),
        "RATE_LIMITED": (8, 429),
        "INTERNAL": (13, 500),
        "UNAVAILABLE": (14, 503),
        "DEADLINE_EXCEEDED": (4, 504),
    }
    assert set(surface.conditions) == set(rest.Condition.values()) - {0}
    assert contract.access_levels == {"librarian": "Who works here."}
    assert all(method.access != PUBLIC for method in contract.methods.values())


def test_openapi_tells_of_them() -> None:
    from google.protobuf import descriptor_pb2

    edge_app.stubs()
    contract = load_contract(["shelftest.v1.ShelfService"])
    info = {"title": "t", "version": "1", "description": ""}
    written = document(contract, descriptor_pb2.FileDescriptorSet(), info)
    assert written["components"]["securitySchemes"] == {
        "librarian": {"type": "http", "scheme": "bearer", "description": "Who works here."}
    }
    answers = written["paths"]["/shelf/books"]["post"]["responses"]
    name = answers["400"]["$ref"].rpartition("/")[2]
    (kind,) = written["components"]["responses"][name]["content"].items()
    assert kind[0] == "application/problem+json"
    properties = kind[1]["schema"]["properties"]
    assert properties["type"] == {"const": "about:blank"}
    assert properties["errors"]["items"]["required"] == ["pointer", "detail"]
    assert "errors" not in kind[1]["schema"]["required"]
    assert kind[1]["examples"]["INVALID_ARGUMENT"]["value"]["status"] == 400
