"""What REST clients get, as an OpenAPI 3.1 document written from the contract alone.

Unlike the generators that only know google.api.http, it tells the truth about
what this edge adds: envelopes, nulls, success statuses, error bodies, multipart
and server-sent events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from google.protobuf.descriptor import FieldDescriptor as FieldKind
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from edge.contract import envelope
from edge.contract.model import (
    FLOATS,
    HTTP_BODY,
    INTEGERS,
    PUBLIC,
    WRAPPERS,
    Binding,
    Contract,
    Descriptor,
    FieldDescriptor,
    Method,
    Reason,
    Surface,
    enum_words,
    field_rule,
    is_map,
    is_required,
    is_uuid,
    sse_field,
)
from edge.contract.template import matched, precedence, variables
from edge.reply.errors import body_of
from edge.v1 import annotations_pb2 as rest

Schema = dict[str, Any]

# Those that a path item has (OpenAPI 3.1, 4.8.9).
_VERBS = frozenset(("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"))

# What any method may answer, whatever it does.
_ALWAYS = (
    rest.CONDITION_INVALID_ARGUMENT,
    rest.CONDITION_RATE_LIMITED,
    rest.CONDITION_INTERNAL,
    rest.CONDITION_UNAVAILABLE,
    rest.CONDITION_DEADLINE_EXCEEDED,
)
_WITH_FIELDS = (rest.CONDITION_INVALID_ARGUMENT, rest.CONDITION_TOO_LARGE)
_RETRYABLE = (rest.CONDITION_RATE_LIMITED, rest.CONDITION_UNAVAILABLE)


def document(contract: Contract, image: FileDescriptorSet, info: Mapping[str, str]) -> Schema:
    """Return the OpenAPI document of the contract's REST methods.

    `image` is the contract with its comments, `info` the document's title, version
    and description. The same input gives the same document.
    """
    return Writer(contract, comments(image)).document(info)


def comments(image: FileDescriptorSet) -> dict[str, str]:
    """Return the comment of each named thing in the files, by its full name."""
    found: dict[str, str] = {}
    for file in image.file:
        texts = {
            tuple(place.path): place.leading_comments or place.trailing_comments
            for place in file.source_code_info.location
        }

        def note(path: tuple[int, ...], name: str, texts: Any = texts) -> None:
            lines = [line.strip() for line in texts.get(path, "").strip().splitlines()]
            found[name.removeprefix(".")] = "\n".join(lines)

        def enum(path: tuple[int, ...], scope: str, proto: Any, note: Any = note) -> None:
            note(path, f"{scope}.{proto.name}")
            for index, value in enumerate(proto.value):
                note((*path, 2, index), f"{scope}.{proto.name}.{value.name}")

        def message(
            path: tuple[int, ...], scope: str, proto: Any, note: Any = note, enum: Any = enum
        ) -> None:
            name = f"{scope}.{proto.name}"
            note(path, name)
            for index, field in enumerate(proto.field):
                note((*path, 2, index), f"{name}.{field.name}")
            for index, nested in enumerate(proto.nested_type):
                message((*path, 3, index), name, nested, note, enum=enum)
            for index, nested in enumerate(proto.enum_type):
                enum((*path, 4, index), name, nested)

        for index, proto in enumerate(file.message_type):
            message((4, index), file.package, proto)
        for index, listed in enumerate(file.enum_type):
            enum((5, index), file.package, listed)
        for index, service in enumerate(file.service):
            note((6, index), f"{file.package}.{service.name}")
            for number, method in enumerate(service.method):
                note((6, index, 2, number), f"{file.package}.{service.name}.{method.name}")
    return found


class _PathPart(NamedTuple):
    """What stands for one `*` of a path's variable."""

    name: str
    field: FieldDescriptor
    pattern: str  # of the whole variable
    star: str  # "*", or "**" for any number of segments


class Writer:
    def __init__(self, contract: Contract, notes: Mapping[str, str]) -> None:
        self.contract = contract
        self.notes = notes
        self.schemas: dict[str, Schema] = {}
        self.names: dict[tuple[Surface, str, bool], str] = {}
        self.responses: dict[str, Schema] = {}
        self.schemes: dict[str, Schema] = {}
        self.path_names: dict[str, str] = {}

    def document(self, info: Mapping[str, str]) -> Schema:
        paths: dict[str, Schema] = {}
        tags: dict[str, Schema] = {}
        shown = self.shown()
        for method in self.contract.methods.values():
            for number, binding in enumerate(method.bindings):
                if binding in shown:
                    path, operation = self.operation(method, binding, number)
                    paths.setdefault(path, {})[binding.verb.lower()] = operation
            if method.bindings:
                tag = method.service.rpartition(".")[2]
                tags[tag] = _described({"name": tag}, self.notes.get(method.service, ""))
        return {
            "openapi": "3.1.0",
            "info": dict(info),
            "servers": [{"url": "/"}],
            "tags": list(tags.values()),
            "paths": paths,
            "components": {
                "schemas": dict(sorted(self.schemas.items())),
                "responses": dict(sorted(self.responses.items())),
                "securitySchemes": dict(sorted(self.schemes.items())),
            },
        }

    def shown(self) -> set[Binding]:
        """The bindings that OpenAPI has words for. Of several that are one path there, which `*`
        and `**` are, it is the one that Envoy prefers."""
        operations: dict[tuple[str, str], Binding] = {}
        bindings = [b for method in self.contract.methods.values() for b in method.bindings]
        for binding in sorted(bindings, key=lambda binding: precedence(binding.template)):
            if binding.verb in _VERBS:
                path = matched(binding.template).replace("**", "*")
                operations.setdefault((binding.verb, path), binding)
        return set(operations.values())

    # Operations

    def operation(self, method: Method, binding: Binding, number: int) -> tuple[str, Schema]:
        service = method.service.rpartition(".")[2]
        note = self.notes.get(f"{method.service}.{method.name}", "")
        path, path_parts = self.path(method, binding)
        operation: Schema = {
            "operationId": f"{service}_{method.name}" + (f"_{number + 1}" if number else ""),
            "tags": [service],
            "summary": _first_sentence(note),
            "description": note,
        }
        if parameters := self.parameters(method, binding, path_parts):
            operation["parameters"] = parameters
        if binding.body:
            operation["requestBody"] = self.request_body(method, binding)
        operation["responses"] = self.answers(method, binding)
        operation["security"] = self.security(method)
        return path, operation

    def path(self, method: Method, binding: Binding) -> tuple[str, list[_PathPart]]:
        """The path as OpenAPI writes it, and what stands for its variables: one parameter for each
        `*` of a variable's pattern, whose other segments are the path's own. Paths that differ
        only in their variables' names are one path in OpenAPI: the first names win."""
        parts: list[_PathPart] = []
        fields = method.input.fields_by_name

        def shown(found: re.Match[str]) -> str:
            ((name, pattern),) = variables(found[0])
            stars = pattern.count("*") - pattern.count("**")
            key = method.surface.json_key(fields[name])

            def segment(star: re.Match[str]) -> str:
                number = sum(part.field is fields[name] for part in parts) + 1
                label = key if stars == 1 else f"{key}_{number}"
                parts.append(_PathPart(label, fields[name], pattern, star[0]))
                return "{" + label + "}"

            return re.sub(r"\*\*?", segment, pattern)

        path = re.sub(r"\{[^}]*\}", shown, binding.template)
        path = self.path_names.setdefault(re.sub(r"\{[^}]*\}", "{}", path), path)
        names = re.findall(r"\{([^}]*)\}", path)
        return path, [part._replace(name=n) for part, n in zip(parts, names, strict=True)]

    def parameters(
        self, method: Method, binding: Binding, path_parts: Sequence[_PathPart]
    ) -> list[Schema]:
        surface, fields = method.surface, method.input.fields_by_name
        parameters = [self.path_parameter(surface, part) for part in path_parts]
        parameters += [
            self.parameter(
                surface, fields[name], surface.json_key(fields[name]), "query",
                required=is_required(fields[name]),
            )
            for name in method.query_fields_of(binding)
        ]  # fmt: skip
        parameters += [
            {"name": name.title(), "in": "header", "schema": {"type": "string"}}
            for name in method.rule.headers
        ]
        if (resume := sse_field(method.input, rest.SSE_LAST_EVENT_ID)) is not None:
            parameters.append(
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": f"Sets `{surface.json_key(resume)}`, and wins when both are "
                    "sent. A value that is none of ours counts as absent.",
                    "schema": {"type": "string"},
                }
            )
        return parameters

    def path_parameter(self, surface: Surface, part: _PathPart) -> Schema:
        parameter = self.parameter(surface, part.field, part.name, "path", required=True)
        if part.pattern not in ("*", "**"):
            key = surface.json_key(part.field)
            note = f"What stands for `{part.star}` in `{key}`, which is `{part.pattern}`."
            parameter["schema"] = {"type": "string"}
            parameter["description"] = f"{note} {parameter.get('description', '')}".strip()
        return parameter

    def parameter(
        self, surface: Surface, field: FieldDescriptor, name: str, place: str, required: bool
    ) -> Schema:
        parameter: Schema = {"name": name, "in": place}
        if note := self.notes.get(field.full_name, ""):
            parameter["description"] = note
        if required:
            parameter["required"] = True
        schema = self.field(surface, field, request=True, nullable=False)
        return parameter | {"schema": schema}

    def request_body(self, method: Method, binding: Binding) -> Schema:
        surface = method.surface
        if binding.body == "*":
            fields = [f for f in method.input.fields if f.name not in binding.path_fields]
            needed = any(is_required(f) for f in fields)
            if method.has_parts:
                return {"required": True, "content": {"multipart/form-data": self.form(fields)}}
            if binding.path_fields:
                schema = self.object(surface, fields, request=True)
            else:
                schema = self.message(surface, method.input, request=True)
        else:
            field = method.input.fields_by_name[binding.body]
            needed = is_required(field)
            schema = self.field(surface, field, request=True)
        body: Schema = {"content": {"application/json": {"schema": schema}}}
        return body | {"required": True} if needed else body

    def form(self, fields: Iterable[FieldDescriptor]) -> Schema:
        """Return the schema of a multipart body; files are binary, so they have no type."""
        properties: Schema = {}
        required = []
        for field in fields:
            rule = field_rule(field)
            if not rule.part:
                continue
            part: Schema = {"type": "string", **_limits(field)} if _is_text(field) else {}
            if field.is_repeated:
                part = {"type": "array", "items": part, **_counts(field)}
            properties[rule.part] = _described(part, self.notes.get(field.full_name, ""))
            if is_required(field):
                required.append(rule.part)
        schema: Schema = {"type": "object", "properties": properties}
        return {"schema": schema | ({"required": required} if required else {})}

    def security(self, method: Method) -> list[Schema]:
        if method.access == PUBLIC:
            return []
        note = self.contract.access_levels[method.access]
        self.schemes[method.access] = _described({"type": "http", "scheme": "bearer"}, note)
        return [{method.access: []}]

    # Answers

    def answers(self, method: Method, binding: Binding) -> Schema:
        if binding.verb == "HEAD":
            return {code: {"description": "The headers alone."} for code in self.statuses(method)}
        answers: Schema = {str(method.success_status): self.success(method, binding)}
        if method.output.full_name == HTTP_BODY and method.reads_only:
            answers["304"] = {"description": "The client holds them already (If-None-Match)."}
        if method.rule.ends and sse_field(method.input, rest.SSE_LAST_EVENT_ID) is not None:
            answers["204"] = {
                "description": "The client has seen all of it, and need not come back."
            }
        by_status: dict[int, list[Reason]] = {}
        for reason in self.reasons(method):
            by_status.setdefault(reason.http_status, []).append(reason)
        for status, reasons in sorted(by_status.items()):
            answers[str(status)] = self.error(method, status, reasons)
        return answers

    def statuses(self, method: Method) -> list[str]:
        codes = {method.success_status, *(r.http_status for r in self.reasons(method))}
        return [str(code) for code in sorted(codes)]

    def reasons(self, method: Method) -> list[Reason]:
        """Return the reasons a method may answer with: those it names, and those of its kind."""
        surface = method.surface
        conditions = list(_ALWAYS)
        if method.access != PUBLIC:
            conditions.append(rest.CONDITION_UNAUTHENTICATED)
        if method.reads_body:
            conditions += (rest.CONDITION_TOO_LARGE, rest.CONDITION_UNSUPPORTED_ENCODING)
        if any(field_rule(field).malformed_is_not_found for field in method.input.fields):
            conditions.append(rest.CONDITION_NOT_FOUND)
        names = {
            *(surface.conditions[condition].name for condition in conditions),
            *method.rule.reasons,
        }
        return [reason for reason in surface.reasons.values() if reason.name in names]

    def success(self, method: Method, binding: Binding) -> Schema:
        if method.output.full_name == HTTP_BODY:
            types = list(method.rule.content_types) or ["*/*"]
            return {"description": "The bytes.", "content": {name: {} for name in types}}
        surface = method.surface
        if method.server_streaming:
            return self.events(method, binding)
        if binding.response_body:
            field = method.output.fields_by_name[binding.response_body]
            data = self.field(surface, field, request=False)
        else:
            data = self.message(surface, method.output, request=False)
        form = None if method.rule.bare else surface.envelope.success
        known = {envelope.DATA: data, envelope.STATUS: {"const": method.success_status}}
        schema = data if form is None else _form_schema(form, known)
        note = self.notes.get(method.output.full_name, "") or "Success."
        return {"description": note, "content": {method.json_type(): {"schema": schema}}}

    def events(self, method: Method, binding: Binding) -> Schema:
        """Return a stream. `x-itemSchema` describes one event, as OpenAPI 3.2's itemSchema does."""
        surface = method.surface
        data = sse_field(method.output, rest.SSE_DATA)
        if data is None and binding.response_body:
            data = method.output.fields_by_name[binding.response_body]
        schema = (
            self.message(surface, method.output, request=False)
            if data is None
            else self.field(surface, data, request=False)
        )
        properties: Schema = {}
        for key, part in (("event", rest.SSE_EVENT), ("id", rest.SSE_ID)):
            if (field := sse_field(method.output, part)) is not None:
                properties[key] = _described(
                    {"type": "string"}, self.notes.get(field.full_name, "")
                )
        properties["data"] = {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": schema,
        }
        return {
            "description": "Server-sent events. A comment line comes after 15 seconds of silence. "
            "A failure after the first event is an event `error` whose data is the body of "
            "the error, and ends the stream.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "x-itemSchema": _object(properties),
                }
            },
        }

    def error(self, method: Method, status: int, reasons: Sequence[Reason]) -> Schema:
        """Return a reference to the response of an HTTP status that these reasons have."""
        surface = method.surface
        label = surface.reasons_enum.rpartition(".")[2].removesuffix("Reason") or "Error"
        name = "-".join([label, str(status), *(reason.name for reason in reasons)])
        by_type: dict[str, list[Reason]] = {}
        for reason in reasons:
            by_type.setdefault(method.json_type(reason), []).append(reason)
        if method.json_type() in by_type and method.rule.charset:
            name += f"-{method.rule.charset}"
        if name not in self.responses:
            lines = [
                f"`{r.code}`: {self.notes.get(r.comment_path, '') or r.message}" for r in reasons
            ]
            response: Schema = {
                "description": "\n\n".join(lines),
                "content": {
                    kind: _error_media(surface, status, some) for kind, some in by_type.items()
                },
            }
            if any(reason.condition in _RETRYABLE for reason in reasons):
                response["headers"] = {
                    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
                }
            if any(reason.condition == rest.CONDITION_UNSUPPORTED_ENCODING for reason in reasons):
                response["headers"] = {"Accept-Encoding": {"schema": {"const": "identity"}}}
            self.responses[name] = response
        return {"$ref": f"#/components/responses/{name}"}

    # Schemas

    def message(self, surface: Surface, message: Descriptor, request: bool) -> Schema:
        """A reference to a message's schema, or the schema itself where JSON has none by name."""
        known = self.well_known(surface, message)
        if known is not None:
            return known
        key = (surface, message.full_name, request)
        if key not in self.names:
            taken = set(self.names.values())
            short = message.full_name.rpartition(".")[2]
            candidates = (short, f"{short}Input", message.full_name, f"{message.full_name}.Input")
            numbered = (f"{message.full_name}.{n}" for n in range(2, 100))
            name = next(n for n in (*candidates, *numbered) if n not in taken)
            self.names[key] = name
            self.schemas[name] = _described(
                self.object(surface, message.fields, request),
                self.notes.get(message.full_name, ""),
            )
        return {"$ref": f"#/components/schemas/{self.names[key]}"}

    def object(self, surface: Surface, fields: Iterable[FieldDescriptor], request: bool) -> Schema:
        properties, required = {}, []
        for field in fields:
            if request and field_rule(field).body_keys:
                continue
            key = surface.json_key(field)
            schema = self.field(surface, field, request)
            note = self.notes.get(field.full_name, "")
            if request and field_rule(field).HasField("max_bytes"):
                note = f"{note} At most {field_rule(field).max_bytes} bytes as JSON.".lstrip()
            properties[key] = _described(schema, note)
            # A reply has every key but those left out when unset.
            if is_required(field) if request else not field_rule(field).omit_unset:
                required.append(key)
        schema = {"type": "object", "properties": properties}
        return schema | {"required": required} if required else schema

    def field(
        self, surface: Surface, field: FieldDescriptor, request: bool, nullable: bool = True
    ) -> Schema:
        """Return the schema of a field, null included where it may be."""
        if is_map(field):
            value = field.message_type.fields_by_name["value"]
            return {"type": "object", "additionalProperties": self.value(surface, value, request)}
        if field.is_repeated:
            items = self.value(surface, field, request)
            return {"type": "array", "items": items, **(_counts(field) if request else {})}
        schema = self.value(surface, field, request)
        if not (nullable and field.has_presence) or is_required(field):
            return schema
        return schema if field_rule(field).omit_unset and not request else _nullable(schema)

    def value(self, surface: Surface, field: FieldDescriptor, request: bool) -> Schema:
        """Return the schema of one value of a field."""
        if field.message_type is not None:
            return self.message(surface, field.message_type, request)
        if not request:
            return _scalar(field)
        schema = {**_scalar(field), **_limits(field)}
        rule = field_rule(field)
        others: list[Schema] = [{"type": "integer"}] if rule.takes_number else []
        others += [{"const": ""}] if rule.empty_is_absent else []
        return {"anyOf": [schema, *others]} if others else schema

    def well_known(self, surface: Surface, message: Descriptor) -> Schema | None:
        name = message.full_name
        if name in WRAPPERS:
            return _scalar(message.fields[0])
        if name == "google.protobuf.Timestamp":
            if surface.time_format == rest.TIME_FORMAT_LOCAL_SECONDS:
                pattern = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"
                return {"type": "string", "pattern": pattern}
            return {"type": "string", "format": "date-time"}
        found: dict[str, Schema] = {
            "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d+)?s$"},
            "google.protobuf.FieldMask": {"type": "string"},
            "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
            "google.protobuf.ListValue": {"type": "array", "items": {}},
            "google.protobuf.Value": {},
        }
        return found.get(name)


def _is_text(field: FieldDescriptor) -> bool:
    return bool(field.type == FieldKind.TYPE_STRING)


def _scalar(field: FieldDescriptor) -> Schema:
    if field.type == FieldKind.TYPE_ENUM:
        return {"type": "string", "enum": enum_words(field.enum_type)}
    if field.type == FieldKind.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    if field.type == FieldKind.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type in INTEGERS:
        wide = field.cpp_type in (FieldKind.CPPTYPE_INT64, FieldKind.CPPTYPE_UINT64)
        return {"type": "integer", "format": "int64" if wide else "int32"}
    if field.type in FLOATS:
        single = field.type == FieldKind.TYPE_FLOAT
        return {"type": "number", "format": "float" if single else "double"}
    return {"type": "string", "format": "uuid"} if is_uuid(field) else {"type": "string"}


def _limits(field: FieldDescriptor) -> Schema:
    """Return the bounds of one value of a field."""
    rule = field_rule(field)
    limits: Schema = {}
    if rule.HasField("gte"):
        limits["minimum"] = _number(rule.gte)
    if rule.HasField("lte"):
        limits["maximum"] = _number(rule.lte)
    if words := list(getattr(rule, "in")):
        limits["enum"] = words
    if rule.pattern:
        limits["pattern"] = f"^(?:{rule.pattern})$"
    elif rule.no_control:
        limits["pattern"] = r"^[^\x00-\x1f\x7f-\x9f]*$"
    if _is_text(field) and not field.is_repeated:
        least = max(rule.min_len, int(is_required(field)))
        if least:
            limits["minLength"] = least
        if rule.HasField("max_len"):
            limits["maxLength"] = rule.max_len
    return limits


def _counts(field: FieldDescriptor) -> Schema:
    """Return how many elements a repeated field may have."""
    rule = field_rule(field)
    least = max(rule.min_len, int(is_required(field)))
    counts = {"minItems": least} if least else {}
    return counts | ({"maxItems": rule.max_len} if rule.HasField("max_len") else {})


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _nullable(schema: Schema) -> Schema:
    if not schema:
        return schema
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _described(schema: Schema, note: str) -> Schema:
    return {**schema, "description": note} if note else schema


def _first_sentence(note: str) -> str:
    return re.split(r"(?<=\.)\s", note.replace("\n", " "), maxsplit=1)[0]


def _error_media(surface: Surface, status: int, reasons: Sequence[Reason]) -> Schema:
    """Return what a body of an HTTP status is, whichever of these reasons it has."""
    shapes = [
        _error_schema(surface, status, [r for r in reasons if r.general is general])
        for general in (False, True)
        if any(r.general is general for r in reasons)
    ]
    return {
        "schema": shapes[0] if len(shapes) == 1 else {"oneOf": shapes},
        "examples": {reason.name: {"value": _example(surface, reason)} for reason in reasons},
    }


def _error_schema(surface: Surface, status: int, reasons: Sequence[Reason]) -> Schema:
    form = surface.envelope.general_error if reasons[0].general else surface.envelope.error
    known: dict[str, Schema] = {
        envelope.STATUS: {"const": status},
        envelope.TITLE: {"const": envelope.title(status)},
        envelope.CODE: {"enum": sorted({reason.code for reason in reasons})},
        envelope.MESSAGE: {"type": "string"},
    }
    if any(reason.condition in _WITH_FIELDS for reason in reasons):
        texts = (envelope.FIELD, envelope.POINTER, envelope.DESCRIPTION)
        known[envelope.FIELDS] = {
            "type": "array",
            "items": _form_schema(
                surface.envelope.violation, {text: {"type": "string"} for text in texts}
            ),
            "description": "What is wrong, by the path of the field.",
        }
    return _form_schema(form, known)


def _form_schema(form: Any, known: Mapping[str, Schema]) -> Schema:
    """Return the schema of an envelope's form whose variables have these schemas; others have none.

    A list of fields at fault may be missing.
    """
    if isinstance(form, str) and form.startswith("$"):
        return known.get(form, {})
    if not isinstance(form, dict):
        return {"const": form}
    present = {key: value for key, value in form.items() if _has_schema(value, known)}
    schema = _object({key: _form_schema(value, known) for key, value in present.items()})
    schema["required"] = [key for key, value in present.items() if value != envelope.FIELDS]
    return schema


def _has_schema(form: Any, known: Mapping[str, Schema]) -> bool:
    return form != envelope.FIELDS or form in known


def _example(surface: Surface, reason: Reason) -> Any:
    return orjson.loads(body_of(surface, reason, reason.message))
