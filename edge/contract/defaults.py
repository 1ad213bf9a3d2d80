"""The reasons that a surface has where it declares none of its own for a condition.

Statuses are those of google.rpc.Code's own table (google/rpc/code.proto), but 413 and 415, which
are HTTP's own (RFC 9110).
"""

from __future__ import annotations

from google.rpc import code_pb2 as code

from edge.contract.model import Reason
from edge.v1 import annotations_pb2 as rest


def _reason(name: str, grpc_code: int, http_status: int, message: str, condition: int) -> Reason:
    return Reason(
        name=name,
        code=name,
        grpc_code=grpc_code,
        http_status=http_status,
        message=message,
        general=False,
        condition=condition,
        fixed_message=False,
        comment_path="",
    )


DEFAULT_REASONS = (
    _reason(
        "INVALID_ARGUMENT",
        code.INVALID_ARGUMENT,
        400,
        "The request is not valid.",
        condition=rest.CONDITION_INVALID_ARGUMENT,
    ),
    _reason(
        "UNAUTHENTICATED",
        code.UNAUTHENTICATED,
        401,
        "A valid credential is needed: send it as 'Authorization: Bearer <credential>'.",
        condition=rest.CONDITION_UNAUTHENTICATED,
    ),
    _reason("NOT_FOUND", code.NOT_FOUND, 404, "Not found.", condition=rest.CONDITION_NOT_FOUND),
    _reason(
        "TOO_LARGE",
        code.RESOURCE_EXHAUSTED,
        413,
        "The request is too large.",
        condition=rest.CONDITION_TOO_LARGE,
    ),
    _reason(
        "UNSUPPORTED_MEDIA_TYPE",
        code.INVALID_ARGUMENT,
        415,
        "The request's body must not be compressed.",
        condition=rest.CONDITION_UNSUPPORTED_ENCODING,
    ),
    _reason(
        "RATE_LIMITED",
        code.RESOURCE_EXHAUSTED,
        429,
        "Too many requests: retry a little later.",
        condition=rest.CONDITION_RATE_LIMITED,
    ),
    _reason("INTERNAL", code.INTERNAL, 500, "Internal error.", condition=rest.CONDITION_INTERNAL),
    _reason(
        "UNAVAILABLE",
        code.UNAVAILABLE,
        503,
        "The service is not available just now: retry a little later.",
        condition=rest.CONDITION_UNAVAILABLE,
    ),
    _reason(
        "DEADLINE_EXCEEDED",
        code.DEADLINE_EXCEEDED,
        504,
        "The answer took too long: retry a little later.",
        condition=rest.CONDITION_DEADLINE_EXCEEDED,
    ),
)
