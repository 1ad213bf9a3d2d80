"""Envelopes: what stands around a success and what an error looks like, as data.

A form is JSON in which a string that is a variable's name stands for its value. The ready-made
ones are written like a contract's own (edge.v1.EnvelopeForm says which variables there are).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from edge.v1 import annotations_pb2 as rest

DATA, STATUS, TITLE, CODE, MESSAGE, FIELDS = (
    "$data",
    "$status",
    "$title",
    "$code",
    "$message",
    "$fields",
)
FIELD, POINTER, DESCRIPTION = "$field", "$pointer", "$description"
_OF_SUCCESS = {DATA, STATUS}
_OF_ERROR = {STATUS, TITLE, CODE, MESSAGE, FIELDS}
_OF_VIOLATION = {FIELD, POINTER, DESCRIPTION}

_FIELD_AND_DESCRIPTION = '{"field": "$field", "description": "$description"}'
READY_MADE = {
    rest.ENVELOPE_SUCCESS_DATA: rest.EnvelopeForm(
        success='{"success": true, "data": "$data"}',
        error='{"success": false,'
        ' "error": {"code": "$code", "message": "$message", "fields": "$fields"}}',
        violation=_FIELD_AND_DESCRIPTION,
    ),
    rest.ENVELOPE_STATUS_DATA: rest.EnvelopeForm(
        success='{"status": "$status", "data": "$data"}',
        error='{"status": "$status",'
        ' "data": {"errorCode": "$code", "message": "$message", "fields": "$fields"}}',
        general_error='{"status": "$status",'
        ' "error": {"errorCode": "$code", "message": "$message", "fields": "$fields"}}',
        violation=_FIELD_AND_DESCRIPTION,
    ),
    rest.ENVELOPE_PROBLEM_JSON: rest.EnvelopeForm(
        error='{"type": "about:blank", "title": "$title", "status": "$status",'
        ' "detail": "$message", "code": "$code", "errors": "$fields"}',
        violation='{"pointer": "$pointer", "detail": "$description"}',
        error_type="application/problem+json",
    ),
}


@dataclass(frozen=True, eq=False, slots=True)
class EnvelopeForm:
    """A surface's envelope, read: JSON values with variables."""

    success: Any  # None: the reply itself
    error: Any
    general_error: Any
    violation: Any
    error_type: str  # empty: that of a success

    def around(self, status: int) -> tuple[bytes, bytes]:
        """Return what stands before and after the JSON of a success."""
        if self.success is None:
            return b"", b""
        text = orjson.dumps(_filled(self.success, {STATUS: status}))
        before, _, after = text.partition(orjson.dumps(DATA))
        return before, after

    def error_body(
        self, status: int, code: str, message: str, fields: Sequence[tuple[str, str]], general: bool
    ) -> bytes:
        """Return the JSON of an error; `fields` are paths and what is wrong there."""
        values: dict[str, Any] = {
            STATUS: status,
            TITLE: title(status),
            CODE: code,
            MESSAGE: message,
            FIELDS: [
                _filled(
                    self.violation, {FIELD: path, POINTER: pointer(path), DESCRIPTION: description}
                )
                for path, description in fields
            ]
            or _NOTHING,
        }
        return orjson.dumps(_filled(self.general_error if general else self.error, values))


def read_form(form: rest.EnvelopeForm) -> EnvelopeForm:
    """Read a contract's form; `form_problems` must have found nothing."""
    error = json.loads(form.error)
    return EnvelopeForm(
        success=json.loads(form.success) if form.success else None,
        error=error,
        general_error=json.loads(form.general_error) if form.general_error else error,
        violation=json.loads(form.violation) if form.violation else None,
        error_type=form.error_type,
    )


def form_problems(form: rest.EnvelopeForm) -> Iterator[str]:
    """Yield what is wrong with a contract's own form."""
    if not form.error:
        yield "has no error"
    for name, allowed in (
        ("success", _OF_SUCCESS),
        ("error", _OF_ERROR),
        ("general_error", _OF_ERROR),
        ("violation", _OF_VIOLATION),
    ):
        if not (text := getattr(form, name)):
            continue
        try:
            value = json.loads(text)
        except ValueError as error:
            yield f"{name} is not JSON: {error}"
            continue
        used = list(_variables(value))
        for variable in used:
            if variable not in allowed:
                yield f"{name}: there is no variable {variable} here"
        if name == "success" and used.count(DATA) != 1:
            yield f"success must have {DATA} once"
        if FIELDS in used and not form.violation:
            yield f"{name} has {FIELDS}, and there is no violation"


def title(status: int) -> str:
    """Return the phrase of an HTTP status; that of its hundred's first for one without."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return HTTPStatus(status // 100 * 100).phrase


def pointer(path: str) -> str:
    """Return the fragment of RFC 6901 for a field's path: items[0].name is #/items/0/name."""
    parts = path.replace("[", ".").replace("]", "").split(".")
    return "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


_NOTHING = object()


def _filled(form: Any, values: Mapping[str, Any]) -> Any:
    """Return the form with its variables' values; the keys of what is nothing are left out."""
    if isinstance(form, str):
        return values.get(form, form)
    if isinstance(form, list):
        return [_filled(each, values) for each in form]
    if isinstance(form, dict):
        filled = {key: _filled(value, values) for key, value in form.items()}
        return {key: value for key, value in filled.items() if value is not _NOTHING}
    return form


def _variables(form: Any) -> Iterator[str]:
    if isinstance(form, str) and form.startswith("$"):
        yield form
    elif isinstance(form, dict | list):
        for each in form.values() if isinstance(form, dict) else form:
            yield from _variables(each)
