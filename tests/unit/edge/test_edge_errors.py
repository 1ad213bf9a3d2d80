"""Errors as clients see them."""

import json
from typing import Any

import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2

from edge.reply.errors import (
    ApiError,
    FieldViolation,
    body_of,
    error_body,
    invalid,
    message_of,
    reason_of,
    status_of,
)
from edge.v1 import annotations_pb2 as rest
from tests import edge_app

METHODS = edge_app.contract().methods
PLAIN = METHODS["/edgetest.v1.EchoService/Say"].surface
STATUS = METHODS["/edgetest.v1.StatusService/Upload"].surface


def body(surface: Any, error: Any) -> tuple[int, dict[str, Any]]:
    reason = reason_of(surface, error)
    fields = getattr(error, "fields", ())
    return reason.http_status, json.loads(
        body_of(surface, reason, message_of(reason, error), fields)
    )


def test_a_reason_of_the_catalogue() -> None:
    assert body(PLAIN, ApiError("TEAPOT")) == (  # type: ignore[arg-type]
        418,
        {"success": False, "error": {"code": "TEAPOT", "message": "I am a teapot."}},
    )
    assert body(PLAIN, ApiError("TEAPOT", "Only tea."))[1]["error"]["message"] == "Only tea."  # type: ignore[arg-type]


def test_a_domain_error_and_a_general_one_of_the_status_envelope() -> None:
    assert body(STATUS, ApiError("FRIEND")) == (  # type: ignore[arg-type]
        409,
        {"status": 409, "data": {"errorCode": "FRIEND_2", "message": "이미 친구입니다."}},
    )
    assert body(STATUS, ApiError(rest.CONDITION_NOT_FOUND)) == (
        404,
        {"status": 404, "error": {"errorCode": "COMMON_4", "message": "Not found."}},
    )


def test_violations_are_in_the_message_and_in_a_list() -> None:
    error = invalid(FieldViolation("prompt", "is required"), FieldViolation("limit", "is bad"))
    status, found = body(PLAIN, error)
    assert status == 400
    assert found["error"]["message"] == "prompt: is required; limit: is bad"
    assert found["error"]["fields"] == [
        {"field": "prompt", "description": "is required"},
        {"field": "limit", "description": "is bad"},
    ]


def test_a_fixed_message_stays() -> None:
    error = ApiError(
        rest.CONDITION_INVALID_ARGUMENT, "other", fields=[FieldViolation("title", "is required")]
    )
    found = body(STATUS, error)[1]["error"]
    assert found["message"] == "요청 변수가 잘못되었습니다."
    assert found["fields"] == [{"field": "title", "description": "is required"}]


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("secret"),
        ApiError("NO_SUCH", "secret"),  # type: ignore[arg-type]
        ApiError("INTERNAL", "secret"),  # type: ignore[arg-type]
        TimeoutError("secret"),
    ],
)
def test_nothing_of_a_fault_of_ours_is_told(error: str) -> None:
    expected = {"success": False, "error": {"code": "OOPS", "message": "Internal error."}}
    assert body(PLAIN, error) == (500, expected)
    reason = reason_of(PLAIN, error)  # type: ignore[arg-type]
    assert "secret" not in str(status_of("d", reason, message_of(reason, error), ValueError("x")))  # type: ignore[arg-type]


def test_bodies_for_replies_made_elsewhere() -> None:
    assert error_body(PLAIN, rest.CONDITION_UNAVAILABLE) == (
        503,
        b'{"success":false,"error":{"code":"OOPS","message":"Away."}}',
    )
    assert error_body(STATUS, rest.CONDITION_TOO_LARGE, "x") == (
        413,
        b'{"status":413,"error":{"errorCode":"COMMON_5","message":"x"}}',
    )


def test_the_grpc_status_has_the_details_of_aip_193() -> None:
    error = ApiError(
        "INVALID",  # type: ignore[arg-type]
        fields=[FieldViolation("a.b", "bad")],
        metadata={"k": "v"},
        retry_after=1.5,
    )
    reason = reason_of(PLAIN, error)
    status = status_of("shop", reason, message_of(reason, error), error)
    info, request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for packed, detail in zip(status.details, (info, request, retry), strict=True):
        assert packed.Unpack(detail)
    assert (info.reason, info.domain, dict(info.metadata)) == ("INVALID", "shop", {"k": "v"})
    assert request.field_violations[0].field == "a.b"
    assert retry.retry_delay == duration_pb2.Duration(seconds=1, nanos=500_000_000)
    assert (status.code, status.message) == (3, "a.b: bad")


def test_an_error_reads_well_in_a_log() -> None:
    assert str(ApiError("TEAPOT")) == "TEAPOT"  # type: ignore[arg-type]
    assert str(invalid(FieldViolation("a", "bad"))) == "CONDITION_INVALID_ARGUMENT: a: bad"
