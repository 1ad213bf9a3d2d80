"""What a contract says: its methods, surfaces and reasons, and what its fields' options mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.api import field_behavior_pb2, field_info_pb2
from google.protobuf.descriptor import FieldDescriptor as FieldKind

from edge.contract.envelope import EnvelopeForm
from edge.contract.template import matched
from edge.v1 import annotations_pb2 as rest

# Descriptors are Any to the type checker: in protobuf's own stubs each may be None or one
# of two classes at every step.
Descriptor: TypeAlias = Any
EnumDescriptor: TypeAlias = Any
EnumValueDescriptor: TypeAlias = Any
FieldDescriptor: TypeAlias = Any
MethodDescriptor: TypeAlias = Any
ServiceDescriptor: TypeAlias = Any

HTTP_BODY = "google.api.HttpBody"
WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
# Messages whose JSON form is not an object of their fields.
FREE_FORM = frozenset(
    ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")
)
TEXT_LIKE = frozenset(
    (
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
        "google.protobuf.FieldMask",
    )
)
WELL_KNOWN = WRAPPERS | FREE_FORM | TEXT_LIKE

INTEGERS = frozenset(
    (
        FieldKind.TYPE_INT32,
        FieldKind.TYPE_INT64,
        FieldKind.TYPE_UINT32,
        FieldKind.TYPE_UINT64,
        FieldKind.TYPE_SINT32,
        FieldKind.TYPE_SINT64,
        FieldKind.TYPE_FIXED32,
        FieldKind.TYPE_FIXED64,
        FieldKind.TYPE_SFIXED32,
        FieldKind.TYPE_SFIXED64,
    )
)
FLOATS = frozenset((FieldKind.TYPE_DOUBLE, FieldKind.TYPE_FLOAT))


# The verb of a binding that takes every verb.
ANY_VERB = "*"

# The access of a method that anybody may call.
PUBLIC = "public"


class ContractError(Exception):
    """The contract leaves something unsaid; `problems` names every instance."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("the contract is not complete:\n  " + "\n  ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Reason:
    """What clients see when an error of this name is raised."""

    name: str  # ErrorInfo.reason: the enum value without the enum's prefix
    code: str  # the code in the JSON body
    grpc_code: int
    http_status: int
    message: str
    general: bool
    condition: int
    fixed_message: bool
    comment_path: str  # full name of the enum value; empty for a default reason


@dataclass(frozen=True, eq=False, slots=True)
class Surface:
    """How a group of services looks to REST clients. One object per distinct surface."""

    envelope: EnvelopeForm
    json_names: int
    time_format: int
    path_prefixes: tuple[str, ...]
    reasons_enum: str
    reasons: Mapping[str, Reason]
    conditions: Mapping[int, Reason]

    def json_key(self, field: FieldDescriptor) -> str:
        """Return the key of a field in JSON; of a multipart part, the part's name."""
        rule = field_rule(field)
        if key := rule.json_key or rule.part:
            return key
        if self.json_names == rest.JSON_NAMES_CAMEL:
            return field.json_name
        # An explicit json_name wins over the proto name.
        return field.name if field.json_name == lower_camel(field.name) else field.json_name


@dataclass(frozen=True, slots=True)
class Binding:
    """One google.api.http rule of a method."""

    verb: str
    template: str
    path_fields: tuple[str, ...]
    body: str  # "", "*" or a field's name
    response_body: str

    def route(self) -> tuple[str, str]:
        """Return what the binding matches: two bindings with the same could not be told apart."""
        return self.verb, matched(self.template)


@dataclass(frozen=True, eq=False, slots=True)
class Method:
    """One RPC."""

    path: str  # "/package.Service/Method"
    service: str
    name: str
    access: str  # the name of an access level, or PUBLIC
    surface: Surface
    rule: rest.MethodRule
    input: Descriptor
    output: Descriptor
    client_streaming: bool
    server_streaming: bool
    bindings: tuple[Binding, ...]

    @property
    def success_status(self) -> int:
        """HTTP status of a success."""
        return self.rule.success_status or 200

    def json_type(self, reason: Reason | None = None) -> str:
        """Content-Type of a JSON success, or of the error of a reason."""
        if reason is not None and (kind := self.surface.envelope.error_type):
            return kind
        named = self.rule.charset and not (reason and reason.general)
        return f"application/json;charset={self.rule.charset}" if named else "application/json"

    @property
    def reads_body(self) -> bool:
        """Whether any REST form of the method has a request body."""
        return any(binding.body for binding in self.bindings)

    @property
    def reads_only(self) -> bool:
        """Whether the method changes nothing: all its REST forms are GETs."""
        return bool(self.bindings) and all(binding.verb == "GET" for binding in self.bindings)

    @property
    def path_fields(self) -> tuple[str, ...]:
        """Request fields that stand in a path, of all bindings."""
        names = (name for binding in self.bindings for name in binding.path_fields)
        return tuple(dict.fromkeys(names))

    @property
    def query_fields(self) -> tuple[str, ...]:
        """Request fields that may be query parameters, of all bindings."""
        names = (name for binding in self.bindings for name in self.query_fields_of(binding))
        return tuple(dict.fromkeys(names))

    def query_fields_of(self, binding: Binding) -> tuple[str, ...]:
        """Request fields that may be query parameters of one binding."""
        if binding.body == "*":
            return ()
        taken = {*binding.path_fields, binding.body}
        # A message that is a body elsewhere need not have a form as a parameter.
        taken.update(
            other.body
            for other in self.bindings
            if other.body not in ("", "*") and not has_text(self.input.fields_by_name[other.body])
        )
        return tuple(
            field.name
            for field in self.input.fields
            if field.name not in taken and not field_rule(field).body_keys
        )

    @property
    def has_parts(self) -> bool:
        """Whether the method takes multipart/form-data."""
        return any(field_rule(field).part for field in self.input.fields)


@dataclass(frozen=True, eq=False, slots=True)
class Contract:
    """The methods and surfaces of a set of services."""

    methods: Mapping[str, Method]
    surfaces: tuple[Surface, ...]
    services: tuple[ServiceDescriptor, ...]
    access_levels: Mapping[str, str]  # names and what they say of who that is
    left_out: tuple[str, ...] = ()  # what a lenient reading does not serve, or not over REST

    @property
    def rest_services(self) -> tuple[str, ...]:
        """Full names of the services with at least one REST method."""
        return tuple(dict.fromkeys(m.service for m in self.methods.values() if m.bindings))


def field_rule(field: FieldDescriptor) -> rest.FieldRule:
    """Return the field's rule; an empty one when it has none."""
    return field.GetOptions().Extensions[rest.field]


def is_required(field: FieldDescriptor) -> bool:
    """Return whether google.api.field_behavior says REQUIRED."""
    behaviours = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviours


def is_plain_number(field: FieldDescriptor) -> bool:
    """Return whether the field is a number or a bool: 0 and false are values like others."""
    return field.type in INTEGERS or field.type in FLOATS or field.type == FieldKind.TYPE_BOOL


def must_be_sent(field: FieldDescriptor) -> bool:
    """Return whether the field is required, and only JSON can show that it was left out."""
    return (
        is_required(field)
        and is_plain_number(field)
        and not field.has_presence
        and not field.is_repeated
    )


def is_uuid(field: FieldDescriptor) -> bool:
    """Return whether google.api.field_info says that the string is a UUID."""
    info = field.GetOptions().Extensions[field_info_pb2.field_info]
    return bool(info.format == field_info_pb2.FieldInfo.UUID4)


def is_mask(field: FieldDescriptor) -> bool:
    """Return whether the field is one google.protobuf.FieldMask."""
    message = field.message_type
    name = message.full_name if message is not None else ""
    return name == "google.protobuf.FieldMask" and not field.is_repeated


def mask_field(message: Descriptor) -> FieldDescriptor | None:
    """Return the field of a request that holds which keys a body had."""
    return next((f for f in message.fields if field_rule(f).body_keys), None)


def has_text(field: FieldDescriptor) -> bool:
    """Return whether a value of the field can be written as a query parameter."""
    message = field.message_type
    return message is None or message.full_name in WRAPPERS | TEXT_LIKE


def is_map(field: FieldDescriptor) -> bool:
    """Return whether the field is a map."""
    message = field.message_type
    return message is not None and message.GetOptions().map_entry


def is_free_form(field: FieldDescriptor) -> bool:
    """Return whether the field, or each of its elements, is any JSON value."""
    return field.message_type is not None and field.message_type.full_name in FREE_FORM


def lower_camel(name: str) -> str:
    """protoc's default json_name of a field name."""
    return re.sub(r"_+([A-Za-z0-9]?)", lambda found: found[1].upper(), name)


def enum_word(value: EnumValueDescriptor) -> str:
    """Return the word that stands for an enum value in JSON."""
    if word := value.GetOptions().Extensions[rest.word]:
        return word
    return value.name.removeprefix(enum_prefix(value.type)).lower()


def enum_words(enum: EnumDescriptor) -> list[str]:
    """Return the words of an enum's values but of the one that stands for none."""
    return [
        enum_word(value)
        for value in enum.values
        if value.number or not value.name.endswith("_UNSPECIFIED")
    ]


def sse_field(message: Descriptor, part: int) -> FieldDescriptor | None:
    """Return the field of a message that plays a part in server-sent events."""
    return next((f for f in message.fields if field_rule(f).sse == part), None)


def messages_of(message: Descriptor) -> Iterator[Descriptor]:
    """Yield the message and every message inside it, each once; JSON's own ones are not entered."""
    seen: dict[str, Descriptor] = {}
    waiting = [message]
    while waiting:
        current = waiting.pop()
        if current.full_name in seen or current.full_name in WELL_KNOWN:
            continue
        seen[current.full_name] = current
        waiting.extend(f.message_type for f in current.fields if f.message_type is not None)
    yield from seen.values()


def enum_prefix(enum: EnumDescriptor) -> str:
    """Return what the names of an enum's values begin with by the style guide: "BOOK_KIND_"."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", enum.name)
    return snake.upper() + "_"
