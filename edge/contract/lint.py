"""What a contract may leave unsaid or say wrongly: each check yields a line a problem."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor as FieldKind

from edge.contract.envelope import form_problems
from edge.contract.model import (
    ANY_VERB,
    FLOATS,
    INTEGERS,
    Descriptor,
    FieldDescriptor,
    Method,
    MethodDescriptor,
    Surface,
    field_rule,
    has_text,
    is_free_form,
    is_mask,
    is_uuid,
    mask_field,
    messages_of,
)
from edge.contract.template import is_template
from edge.v1 import annotations_pb2 as rest


def surface_problems(surface: rest.Surface, where: str) -> Iterator[str]:
    """Yield what is wrong with a surface's own options."""
    for field in ("json_names", "time_format", "path_prefixes"):
        if not getattr(surface, field):
            yield f"{where} has no {field}"
    if bool(surface.envelope) == surface.HasField("envelope_form"):
        yield f"{where} must have either envelope or envelope_form"
    if surface.HasField("envelope_form"):
        for problem in form_problems(surface.envelope_form):
            yield f"{where}: envelope_form {problem}"
    for prefix in surface.path_prefixes:
        if not (prefix.startswith("/") and prefix.endswith("/")):
            yield f"{where}: prefix {prefix!r} must start and end with '/'"


def reason_problems(rule: rest.ErrorRule, where: str) -> Iterator[str]:
    """Yield what is wrong with one value of an enum of reasons."""
    if rule.grpc_code in (0, 2):
        yield f"{where}: grpc_code must be neither OK nor UNKNOWN"
    if not 400 <= rule.http_status <= 599:
        yield f"{where}: http_status must be 400 to 599"
    if not rule.message:
        yield f"{where}: has no message"


def rule_problems(
    method: MethodDescriptor, rule: rest.MethodRule, surface: Surface | None
) -> Iterator[str]:
    """Yield what is wrong with a method's own options."""
    where = method.full_name
    if rule.success_status and not 200 <= rule.success_status <= 299:
        yield f"{where}: success_status must be 200 to 299"
    if rule.max_values < 0:
        yield f"{where}: max_values must not be negative"
    if rule.timeout_seconds < 0:
        yield f"{where}: timeout_seconds must not be negative"
    if rule.ends and not method.server_streaming:
        yield f"{where}: ends is for streams"
    if rule.timeout_seconds and (method.server_streaming or method.client_streaming):
        yield f"{where}: a stream has no timeout_seconds"
    for name in rule.reasons:
        if surface is not None and name not in surface.reasons:
            yield f"{where}: {surface.reasons_enum or 'the surface'} has no reason {name}"


def rest_problems(method: Method, where: str) -> Iterator[str]:
    """Yield what is wrong with the REST forms of a method."""
    if not method.bindings:
        return
    if method.client_streaming:
        yield f"{where}: a method whose requests are a stream has no REST form"
    fields = method.input.fields_by_name
    for binding in method.bindings:
        if not any(binding.template.startswith(p) for p in method.surface.path_prefixes):
            yield f"{where}: {binding.template} is under none of the surface's path_prefixes"
        if binding.template.endswith("/"):
            yield f"{where}: {binding.template} must not end in '/' (clients may add one)"
        elif not is_template(binding.template):
            yield f"{where}: {binding.template} is no path template that Envoy takes"
        if len(set(binding.path_fields)) < len(binding.path_fields):
            yield f"{where}: {binding.template} has a variable twice"
        for name in binding.path_fields:
            field = fields.get(name)
            if field is None or field.message_type is not None or field.is_repeated:
                yield f"{where}: {{{name}}} is not a scalar field of {method.input.name}"
        if binding.body not in ("", "*"):
            body = fields.get(binding.body)
            if body is None or body.message_type is None:
                yield f"{where}: body {binding.body!r} is not a message of {method.input.name}"
        if binding.response_body and binding.response_body not in method.output.fields_by_name:
            yield f"{where}: {method.output.name} has no field {binding.response_body!r}"
        if mask_field(method.input) is not None and (method.has_parts or binding.body != "*"):
            yield f'{where}: body_keys needs body: "*", and no multipart'
        if method.has_parts and binding.body != "*":
            yield f'{where}: a multipart method needs body: "*"'
        if binding.verb in ("HEAD", ANY_VERB) and method.server_streaming:
            yield f"{where}: a stream has no answer to HEAD"
    known = all(binding.body in ("", "*", *fields) for binding in method.bindings)
    for name in method.query_fields if known else ():
        if not has_text(fields[name]):
            yield f"{where}: {name} is a message and cannot be a query parameter"


def message_problems(top: Descriptor) -> Iterator[str]:
    """Yield what is wrong with a message and those inside it."""
    for message in messages_of(top):
        for field in message.fields:
            for problem in _field_problems(field):
                yield f"{field.full_name}: {problem}"
        parts = Counter(field_rule(field).sse for field in message.fields)
        for part in (rest.SSE_ID, rest.SSE_EVENT, rest.SSE_DATA, rest.SSE_LAST_EVENT_ID):
            if parts[part] > 1:
                yield f"{message.full_name}: two fields are {rest.Sse.Name(part)}"


def json_problems(top: Descriptor, where: str, surface: Surface) -> Iterator[str]:
    """Yield what is wrong with the JSON of a message and those inside it."""
    for message in messages_of(top):
        keys: dict[str, str] = {}
        for field in message.fields:
            inner = field.message_type
            if inner is not None and inner.full_name == "google.protobuf.Any":
                yield f"{field.full_name}: google.protobuf.Any has no JSON form here"
            # A body may use any of the spellings.
            for key in sorted({surface.json_key(field), field.name, field.json_name}):
                if keys.setdefault(key, field.name) != field.name:
                    yield (
                        f"{message.full_name}: {keys[key]} and {field.name} are both "
                        f"{key!r} in JSON ({where})"
                    )


def _field_problems(field: FieldDescriptor) -> Iterator[str]:
    rule = field_rule(field)
    if rule.pattern:
        try:
            re.compile(rule.pattern)
        except re.error as error:
            yield f"pattern {rule.pattern!r} does not compile: {error}"
    text = field.type == FieldKind.TYPE_STRING
    number = field.type in INTEGERS or field.type in FLOATS
    if (rule.pattern or getattr(rule, "in") or is_uuid(field)) and not text:
        yield "pattern, in and UUID4 are for strings"
    if rule.no_control and not text:
        yield "no_control is for strings"
    singular = text and not field.is_repeated
    if rule.empty_is_absent and not (singular and field.has_presence):
        yield "empty_is_absent is for an `optional string`"
    if rule.any_case and not (singular and getattr(rule, "in")):
        yield "any_case is for a string with `in`"
    if rule.body_keys and not is_mask(field):
        yield "body_keys is for a google.protobuf.FieldMask"
    if rule.takes_number and not text:
        yield "takes_number is for strings"
    if rule.HasField("max_bytes") and not is_free_form(field):
        yield "max_bytes is for Struct, Value and ListValue"
    if rule.malformed_is_not_found and not is_uuid(field):
        yield "malformed_is_not_found is for UUIDs"
    if (rule.HasField("gte") or rule.HasField("lte")) and not number:
        yield "gte and lte are for numbers"
    sized = text or field.type == FieldKind.TYPE_BYTES or field.is_repeated
    if (rule.HasField("min_len") or rule.HasField("max_len")) and not sized:
        yield "min_len and max_len are for strings, bytes and repeated fields"
    if rule.part and field.type not in (
        FieldKind.TYPE_STRING,
        FieldKind.TYPE_BYTES,
        FieldKind.TYPE_MESSAGE,
    ):
        yield "a multipart part fills a string, bytes, or a message with bytes `content`"
    if rule.part and field.message_type is not None:
        content = field.message_type.fields_by_name.get("content")
        if content is None or content.type != FieldKind.TYPE_BYTES or content.is_repeated:
            yield "a message filled by a multipart part needs a field `bytes content`"
