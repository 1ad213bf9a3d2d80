"""The contract as the edge sees it: methods, surfaces and error reasons, read from options.

Everything is read once at start; a contract that leaves something unsaid is
refused there, with every problem at once, and never half-served.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.api import annotations_pb2 as http_annotations
from google.api import field_behavior_pb2, field_info_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor as FieldKind

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
    comment_path: str  # full name of the enum value


@dataclass(frozen=True, eq=False, slots=True)
class Surface:
    """How a group of services looks to REST clients. One object per distinct surface."""

    envelope: int
    json_names: int
    time_format: int
    path_prefixes: tuple[str, ...]
    reasons_enum: str
    reasons: Mapping[str, Reason]
    conditions: Mapping[int, Reason]

    def json_key(self, field: FieldDescriptor) -> str:
        """The key of a field in JSON; of a multipart part, the part's name."""
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


@dataclass(frozen=True, eq=False, slots=True)
class Method:
    """One RPC."""

    path: str  # "/package.Service/Method"
    service: str
    name: str
    access: int
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
        """Request fields that may be query parameters."""
        if all(binding.body == "*" for binding in self.bindings):
            return ()
        taken = {*self.path_fields, *(binding.body for binding in self.bindings)}
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

    @classmethod
    def load(cls, service_names: Iterable[str]) -> Contract:
        """Read the named services ("package.Service") from their generated modules.

        The modules (`<package>/*_pb2.py`, also those of the enums of reasons) are
        imported here. Raises ContractError naming everything that is missing.
        """
        return _Loader().load(list(service_names))

    @property
    def rest_services(self) -> tuple[str, ...]:
        """Full names of the services with at least one REST method."""
        return tuple(dict.fromkeys(m.service for m in self.methods.values() if m.bindings))


def field_rule(field: FieldDescriptor) -> rest.FieldRule:
    """The field's rule; an empty one when it has none."""
    return field.GetOptions().Extensions[rest.field]


def is_required(field: FieldDescriptor) -> bool:
    """Whether google.api.field_behavior says REQUIRED."""
    behaviours = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviours


def is_uuid(field: FieldDescriptor) -> bool:
    """Whether google.api.field_info says that the string is a UUID."""
    info = field.GetOptions().Extensions[field_info_pb2.field_info]
    return bool(info.format == field_info_pb2.FieldInfo.UUID4)


def is_mask(field: FieldDescriptor) -> bool:
    """Whether the field is one google.protobuf.FieldMask."""
    message = field.message_type
    name = message.full_name if message is not None else ""
    return name == "google.protobuf.FieldMask" and not field.is_repeated


def mask_field(message: Descriptor) -> FieldDescriptor | None:
    """The field of a request that holds which keys a body had."""
    return next((f for f in message.fields if field_rule(f).body_keys), None)


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map."""
    message = field.message_type
    return message is not None and message.GetOptions().map_entry


def is_free_form(field: FieldDescriptor) -> bool:
    """Whether the field, or each of its elements, is any JSON value."""
    return field.message_type is not None and field.message_type.full_name in FREE_FORM


def lower_camel(name: str) -> str:
    """protoc's default json_name of a field name."""
    return re.sub(r"_+([A-Za-z0-9]?)", lambda found: found[1].upper(), name)


def enum_word(value: EnumValueDescriptor) -> str:
    """The word that stands for an enum value in JSON."""
    if word := value.GetOptions().Extensions[rest.word]:
        return word
    return value.name.removeprefix(_enum_prefix(value.type)).lower()


def sse_field(message: Descriptor, part: int) -> FieldDescriptor | None:
    """The field of a message that plays a part in server-sent events."""
    return next((f for f in message.fields if field_rule(f).sse == part), None)


def messages_of(message: Descriptor) -> Iterator[Descriptor]:
    """The message and every message inside it, each once; JSON's own ones are not entered."""
    seen: dict[str, Descriptor] = {}
    waiting = [message]
    while waiting:
        current = waiting.pop()
        if current.full_name in seen or current.full_name in WELL_KNOWN:
            continue
        seen[current.full_name] = current
        waiting.extend(f.message_type for f in current.fields if f.message_type is not None)
    yield from seen.values()


def import_package(package: str) -> None:
    """Import the generated modules of a proto package, where there are any."""
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if found.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{found.name}")


def _enum_prefix(enum: EnumDescriptor) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", enum.name)
    return snake.upper() + "_"


class _Loader:
    """Reads a contract and collects what is wrong with it."""

    def __init__(self) -> None:
        self.pool = descriptor_pool.Default()  # type: ignore[no-untyped-call]
        self.problems: list[str] = []
        self.surfaces: dict[bytes, Surface] = {}
        self.routes: dict[tuple[str, str], str] = {}

    def load(self, names: Sequence[str]) -> Contract:
        methods: dict[str, Method] = {}
        services = []
        for name in dict.fromkeys(names):
            import_package(name.rpartition(".")[0])
            try:
                service = self.pool.FindServiceByName(name)
            except KeyError:
                self.problems.append(f"{name}: there is no such service")
                continue
            services.append(service)
            surface = self._surface(service)
            for method in service.methods:
                if read := self._method(method, surface):
                    methods[read.path] = read
        if self.problems:
            raise ContractError(self.problems)
        return Contract(methods, tuple(self.surfaces.values()), tuple(services))

    def _surface(self, service: ServiceDescriptor) -> Surface | None:
        options: rest.Surface = service.GetOptions().Extensions[rest.surface]
        key = options.SerializeToString(deterministic=True)
        if key in self.surfaces:
            return self.surfaces[key]
        before = len(self.problems)
        where = f"{service.full_name}: (edge.v1.surface)"
        for field in ("envelope", "json_names", "time_format", "reasons", "path_prefixes"):
            if not getattr(options, field):
                self.problems.append(f"{where} has no {field}")
        for prefix in options.path_prefixes:
            if not (prefix.startswith("/") and prefix.endswith("/")):
                self.problems.append(f"{where}: prefix {prefix!r} must start and end with '/'")
        reasons = self._reasons(options.reasons, where) if options.reasons else {}
        if len(self.problems) > before:
            return None
        surface = Surface(
            envelope=options.envelope,
            json_names=options.json_names,
            time_format=options.time_format,
            path_prefixes=tuple(options.path_prefixes),
            reasons_enum=options.reasons,
            reasons=reasons,
            conditions={r.condition: r for r in reasons.values() if r.condition},
        )
        self.surfaces[key] = surface
        return surface

    def _reasons(self, name: str, where: str) -> dict[str, Reason]:
        import_package(name.rpartition(".")[0])
        try:
            enum = self.pool.FindEnumTypeByName(name)
        except KeyError:
            self.problems.append(f"{where}: there is no enum {name}")
            return {}
        reasons: dict[str, Reason] = {}
        conditions: dict[int, str] = {}
        for value in enum.values:
            rule: rest.ErrorRule = value.GetOptions().Extensions[rest.error]
            if value.number == 0:
                continue
            short = value.name.removeprefix(_enum_prefix(enum))
            if rule.grpc_code in (0, 2):
                self.problems.append(
                    f"{name}.{value.name}: grpc_code must be neither OK nor UNKNOWN"
                )
            if not 400 <= rule.http_status <= 599:
                self.problems.append(f"{name}.{value.name}: http_status must be 400 to 599")
            if not rule.message:
                self.problems.append(f"{name}.{value.name}: has no message")
            if rule.condition and rule.condition in conditions:
                word = rest.Condition.Name(rule.condition)
                other = conditions[rule.condition]
                self.problems.append(f"{name}: {other} and {value.name} both stand for {word}")
            conditions.setdefault(rule.condition, value.name)
            reasons[short] = Reason(
                name=short,
                code=rule.code or short,
                grpc_code=rule.grpc_code,
                http_status=rule.http_status,
                message=rule.message,
                general=rule.general,
                condition=rule.condition,
                fixed_message=rule.fixed_message,
                comment_path=f"{name}.{value.name}",
            )
        for word, number in rest.Condition.items():
            if number and number not in conditions:
                self.problems.append(f"{name}: no value stands for {word}")
        return reasons

    def _method(self, method: MethodDescriptor, surface: Surface | None) -> Method | None:
        where = method.full_name
        rule: rest.MethodRule = method.GetOptions().Extensions[rest.method]
        if not rule.access:
            self.problems.append(f"{where}: (edge.v1.method) has no access")
        if rule.success_status and not 200 <= rule.success_status <= 299:
            self.problems.append(f"{where}: success_status must be 200 to 299")
        if rule.max_values < 0:
            self.problems.append(f"{where}: max_values must not be negative")
        if rule.timeout_seconds < 0:
            self.problems.append(f"{where}: timeout_seconds must not be negative")
        if rule.ends and not method.server_streaming:
            self.problems.append(f"{where}: ends is for streams")
        if rule.timeout_seconds and (method.server_streaming or method.client_streaming):
            self.problems.append(f"{where}: a stream has no timeout_seconds")
        for name in rule.reasons:
            if surface is not None and name not in surface.reasons:
                self.problems.append(f"{where}: {surface.reasons_enum} has no reason {name}")
        bindings = self._bindings(method)
        for message in (method.input_type, method.output_type):
            if message.full_name != HTTP_BODY:
                self._message(message, where, surface, in_json=bool(bindings))
        if surface is None:
            return None
        read = Method(
            path=f"/{method.containing_service.full_name}/{method.name}",
            service=method.containing_service.full_name,
            name=method.name,
            access=rule.access,
            surface=surface,
            rule=rule,
            input=method.input_type,
            output=method.output_type,
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
            bindings=bindings,
        )
        self._check_rest(read, where)
        return read

    def _bindings(self, method: MethodDescriptor) -> tuple[Binding, ...]:
        if not method.GetOptions().HasExtension(http_annotations.http):
            return ()
        rule = method.GetOptions().Extensions[http_annotations.http]
        bindings = []
        for one in (rule, *rule.additional_bindings):
            kind = one.WhichOneof("pattern")
            if kind is None:
                self.problems.append(f"{method.full_name}: google.api.http has no path")
                continue
            custom = kind == "custom"
            template = one.custom.path if custom else getattr(one, kind)
            bindings.append(
                Binding(
                    verb=one.custom.kind if custom else kind.upper(),
                    template=template,
                    path_fields=tuple(re.findall(r"\{([^=}]+)", template)),
                    body=one.body,
                    response_body=one.response_body,
                )
            )
        return tuple(bindings)

    def _check_rest(self, method: Method, where: str) -> None:
        """What only matters to a method with a REST form."""
        bad = self.problems.append
        if not method.bindings:
            return
        if method.client_streaming:
            bad(f"{where}: a method whose requests are a stream has no REST form")
        fields = method.input.fields_by_name
        for binding in method.bindings:
            route = (binding.verb, re.sub(r"\{[^}]*\}", "*", binding.template))
            if (other := self.routes.setdefault(route, where)) != where:
                bad(f"{where}: {binding.verb} {binding.template} is already {other}")
            if not any(binding.template.startswith(p) for p in method.surface.path_prefixes):
                bad(f"{where}: {binding.template} is under none of the surface's path_prefixes")
            if binding.template.endswith("/"):
                bad(f"{where}: {binding.template} must not end in '/' (clients may add one)")
            for name in binding.path_fields:
                field = fields.get(name)
                if field is None or field.message_type is not None or field.is_repeated:
                    bad(f"{where}: {{{name}}} is not a scalar field of {method.input.name}")
            if binding.body not in ("", "*"):
                body = fields.get(binding.body)
                if body is None or body.message_type is None:
                    bad(f"{where}: body {binding.body!r} is not a message of {method.input.name}")
            if binding.response_body and binding.response_body not in method.output.fields_by_name:
                bad(f"{where}: {method.output.name} has no field {binding.response_body!r}")
            if mask_field(method.input) is not None and (method.has_parts or binding.body != "*"):
                bad(f'{where}: body_keys needs body: "*", and no multipart')
            if method.has_parts and binding.body != "*":
                bad(f'{where}: a multipart method needs body: "*"')
        if len({binding.response_body for binding in method.bindings}) > 1:
            bad(f"{where}: all bindings must have the same response_body")
        if len({binding.body for binding in method.bindings if binding.body}) > 1:
            bad(f"{where}: all bindings with a body must have the same body")
        for name in method.query_fields:
            message = fields[name].message_type
            if message is not None and message.full_name not in WRAPPERS | TEXT_LIKE:
                bad(f"{where}: {name} is a message and cannot be a query parameter")

    def _message(self, top: Descriptor, where: str, surface: Surface | None, in_json: bool) -> None:
        for message in messages_of(top):
            keys: dict[str, str] = {}
            for field in message.fields:
                for problem in _field_problems(field, in_json):
                    text = f"{field.full_name}: {problem}"
                    if text not in self.problems:
                        self.problems.append(text)
                if in_json and surface is not None:
                    # A body may use any of the spellings.
                    for key in sorted({surface.json_key(field), field.name, field.json_name}):
                        if keys.setdefault(key, field.name) != field.name:
                            self.problems.append(
                                f"{message.full_name}: {keys[key]} and {field.name} are both "
                                f"{key!r} in JSON ({where})"
                            )
            for part in (rest.SSE_ID, rest.SSE_EVENT, rest.SSE_DATA, rest.SSE_LAST_EVENT_ID):
                if sum(field_rule(f).sse == part for f in message.fields) > 1:
                    self.problems.append(
                        f"{message.full_name}: two fields are {rest.Sse.Name(part)}"
                    )


def _field_problems(field: FieldDescriptor, in_json: bool) -> Iterator[str]:
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
    seen_unset = sized or field.has_presence or field.type == FieldKind.TYPE_ENUM
    if is_required(field) and not seen_unset:
        yield "a required number or bool must be `optional`, or its absence cannot be seen"
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
    if not in_json:
        return
    if field.type == FieldKind.TYPE_FLOAT:
        yield "use double: a float shows its rounding in JSON"
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Any":
        yield "google.protobuf.Any has no JSON form here"
