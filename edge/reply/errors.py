"""Typed errors, and what clients see of them.

A handler raises `ApiError` with a reason of its surface's catalogue; the edge
turns it into a gRPC status with google.rpc.ErrorInfo, or into the documented
JSON body. Reasons and their codes are in the contract (google.aip.dev/193).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from edge.contract.model import Reason, Surface
from edge.v1 import annotations_pb2 as rest


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field: its JSON path, for example items[0].rec_id, and why."""

    field: str
    description: str


class ReasonName(StrEnum):
    """A reason of a surface: `python -m edge.gen` makes a subclass of each enum of reasons."""


class ApiError(Exception):
    """A failure that the contract knows.

    `reason` is one of the surface's reasons (BookReason.OUT_OF_STOCK, generated), or a
    condition (edge.v1.Condition), which every surface has a reason for. `message` defaults
    to the catalogue's, `metadata` goes into ErrorInfo, `retry_after` is in seconds.
    """

    def __init__(
        self,
        reason: ReasonName | int,
        message: str | None = None,
        *,
        fields: Sequence[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.fields = tuple(fields)
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        reason = rest.Condition.Name(self.reason) if isinstance(self.reason, int) else self.reason  # type: ignore[arg-type]
        details = "; ".join(f"{f.field}: {f.description}" for f in self.fields)
        return ": ".join(part for part in (reason, self.message or details) if part)


def invalid(*violations: FieldViolation) -> ApiError:
    """Return the error of a request that breaks a rule of the contract."""
    return ApiError(rest.CONDITION_INVALID_ARGUMENT, fields=violations)


def reason_of(surface: Surface, error: BaseException) -> Reason:
    """Return the reason clients see for `error`; what the contract does not know is internal."""
    if isinstance(error, ApiError):
        if isinstance(error.reason, int):
            return surface.conditions[error.reason]
        if known := surface.reasons.get(error.reason):
            return known
    return surface.conditions[rest.CONDITION_INTERNAL]


def message_of(reason: Reason, error: BaseException) -> str:
    """Return the message clients see for `error` under `reason`."""
    if isinstance(error, ApiError) and not reason.fixed_message:
        if reason.condition == rest.CONDITION_INTERNAL:
            return reason.message
        if error.message:
            return error.message
        if error.fields:
            return "; ".join(f"{f.field}: {f.description}" for f in error.fields)
    return reason.message


def body_of(
    surface: Surface, reason: Reason, message: str, fields: Sequence[FieldViolation] = ()
) -> bytes:
    """Return the documented JSON body of an error."""
    found = [(each.field, each.description) for each in fields]
    return surface.envelope.error_body(
        reason.http_status, reason.code, message, found, general=reason.general
    )


def error_body(surface: Surface, condition: int, message: str | None = None) -> tuple[int, bytes]:
    """HTTP status and documented JSON body of a condition, for replies made outside the core."""
    reason = surface.conditions[condition]
    return reason.http_status, body_of(surface, reason, message or reason.message)


def status_of(
    domain: str, reason: Reason, message: str, error: BaseException | None = None
) -> status_pb2.Status:
    """The gRPC status of an error: ErrorInfo always, BadRequest and RetryInfo where they apply.

    The metadata of ErrorInfo has the `code` of the JSON body where it is not the reason's name.
    """
    details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason.name, domain=domain)]
    if reason.code != reason.name:
        details[0].metadata["code"] = reason.code
    if isinstance(error, ApiError):
        details[0].metadata.update(error.metadata)
        if error.fields:
            violations = [
                error_details_pb2.BadRequest.FieldViolation(
                    field=f.field, description=f.description
                )
                for f in error.fields
            ]
            details.append(error_details_pb2.BadRequest(field_violations=violations))
        if error.retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(math.ceil(error.retry_after * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=reason.grpc_code, message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def status_headers(status: status_pb2.Status) -> dict[str, str]:
    """Return the status as headers, for replies to gRPC callers that are made outside the core."""
    return {
        "grpc-status": str(status.code),
        "grpc-status-details-bin": base64.b64encode(status.SerializeToString()).decode(),
    }
