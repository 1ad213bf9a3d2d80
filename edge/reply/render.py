"""From a typed reply to the JSON a REST client sees.

For each message a Python function with one dict literal is generated, compiled
once, and its result handed to orjson: six times as fast as protobuf's
MessageToJson, and the only way to print nulls (protobuf issue 4904). Messages
marked `cache_json` are kept as orjson.Fragment by their wire bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from keyword import iskeyword
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from cachetools import LRUCache
from google.protobuf.descriptor import FieldDescriptor as FieldKind
from google.protobuf.message import Message

from edge.contract.model import (
    WELL_KNOWN,
    WRAPPERS,
    Descriptor,
    FieldDescriptor,
    Surface,
    enum_word,
    field_rule,
    is_map,
    lower_camel,
)
from edge.digits import EXACT, number, number_of, printable, single_number
from edge.v1 import annotations_pb2 as rest

Render = Callable[[Any], Any]


class Renderer:
    """Renders messages for one surface.

    `zone` is the time zone of surfaces that write local times. `cache` holds the
    JSON of `cache_json` messages and may be shared between renderers. For one
    event loop; not thread-safe.
    """

    def __init__(self, surface: Surface, zone: ZoneInfo, cache: LRUCache[Any, bytes]) -> None:
        self._surface = surface
        self._cache = cache
        self._functions: dict[str, Render] = {}
        self._time = _time_format(surface.time_format, zone)

    def json(self, message: Message, field: str = "") -> bytes:
        """Return the JSON of `message`, or of one field of it (`response_body`)."""
        if field:
            return orjson.dumps(self._field_of(message.DESCRIPTOR, field)(message))
        return orjson.dumps(self.of(message.DESCRIPTOR)(message))

    def of(self, descriptor: Descriptor) -> Render:
        """Return the function that turns such a message into what orjson takes."""
        name = descriptor.full_name
        if name not in self._functions:
            if name in WELL_KNOWN:
                self._functions[name] = self._well_known(name)
            else:
                self._compile(descriptor)
        return self._functions[name]

    def _field_of(self, descriptor: Descriptor, name: str) -> Render:
        key = f"{descriptor.full_name}:{name}"
        if key not in self._functions:
            scope: dict[str, Any] = {}
            expression = self._expression(descriptor.fields_by_name[name], scope)
            self._functions[key] = eval(f"lambda m: {expression}", scope)  # noqa: S307
        return self._functions[key]

    def _compile(self, descriptor: Descriptor) -> None:
        """Generate a function per message. What goes into the source is a key's repr and
        names of fields, which protoc allows no other than identifiers."""
        name = descriptor.full_name
        # A message may hold itself: the name is there before the function is. Of one that fails
        # nothing is kept but in those inside it, which fail again.
        self._functions[name] = lambda message: self.of(descriptor)(message)
        scope: dict[str, Any] = {}
        entries = []
        try:
            for field in descriptor.fields:
                key, expression = self._surface.json_key(field), self._expression(field, scope)
                if field_rule(field).omit_unset:
                    has = f"m.HasField({field.name!r})" if field.has_presence else _access(field)
                    entries.append(f"**({{{key!r}: {expression}}} if {has} else {{}})")
                else:
                    entries.append(f"{key!r}: {expression}")
            source = f"lambda m: {{{', '.join(entries)}}}"
            function: Render = eval(compile(source, f"<render {name}>", "eval"), scope)  # noqa: S307
        except BaseException:
            del self._functions[name]
            raise
        if descriptor.GetOptions().Extensions[rest.message].cache_json:
            function = self._cached(name, function)
        self._functions[name] = function

    def _cached(self, name: str, function: Render) -> Render:
        cache, fragment, dumps = self._cache, orjson.Fragment, orjson.dumps

        def render(message: Message) -> orjson.Fragment:
            key = (name, self._surface, message.SerializeToString())
            text = cache.get(key)
            if text is None:
                text = dumps(function(message))
                if cache.getsizeof(text) <= cache.maxsize:
                    cache[key] = text
            return fragment(text)

        return render

    def _expression(self, field: FieldDescriptor, scope: dict[str, Any]) -> str:
        """Python source for the JSON value of a field of `m`."""
        access = _access(field)
        if is_map(field):
            entry = field.message_type.fields_by_name
            value = self._value("v", entry["value"], scope)
            key = {
                FieldKind.TYPE_STRING: "k",
                FieldKind.TYPE_BOOL: "('true' if k else 'false')",
            }.get(entry["key"].type, "str(k)")
            return f"{{{key}: {value} for k, v in sorted({access}.items(), key=lambda e: e[0])}}"
        if field.is_repeated:
            value = self._value("v", field, scope)
            return f"list({access})" if value == "v" else f"[{value} for v in {access}]"
        if not field.has_presence:
            return self._value(access, field, scope)
        if field.message_type is not None:
            value = self._value(access, field, scope)
            return f"({value} if m.HasField({field.name!r}) else None)"
        value = self._value("v", field, scope)
        return f"({value} if (v := {access}) or m.HasField({field.name!r}) else None)"

    def _value(self, value: str, field: FieldDescriptor, scope: dict[str, Any]) -> str:
        """Python source for the JSON of one value, given the source of the value itself."""
        if field.message_type is not None:
            name = f"r_{len(scope)}"
            scope[name] = self.of(field.message_type)
            return f"{name}({value})"
        if field.type == FieldKind.TYPE_ENUM:
            name = f"e_{len(scope)}"
            scope[name] = {v.number: enum_word(v) for v in reversed(field.enum_type.values)}
            return f"{name}.get({value}, {value})"
        if field.type == FieldKind.TYPE_DOUBLE:
            scope["number"] = number
            return f"number({value})"
        if field.type == FieldKind.TYPE_FLOAT:
            scope["single"] = single_number
            return f"single({value})"
        if field.type == FieldKind.TYPE_BYTES:
            scope["base64"] = _base64
            return f"base64({value})"
        return value

    def _well_known(self, name: str) -> Render:
        if name in WRAPPERS:
            if name == "google.protobuf.DoubleValue":
                return lambda m: number(m.value)
            if name == "google.protobuf.FloatValue":
                return lambda m: single_number(m.value)
            if name == "google.protobuf.BytesValue":
                return lambda m: _base64(m.value)
            return lambda m: m.value
        return {
            "google.protobuf.Timestamp": lambda m: self._time(m.seconds),
            "google.protobuf.Duration": lambda m: m.ToJsonString(),
            "google.protobuf.FieldMask": lambda m: ",".join(
                ".".join(map(lower_camel, path.split("."))) for path in m.paths
            ),
            **_FREE_FORM,
        }[name]


def _access(field: FieldDescriptor) -> str:
    """Python source for the value of a field of `m`."""
    # Python's own words are names to protobuf: `from`, `class`, `None`.
    return f"getattr(m, {field.name!r})" if iskeyword(field.name) else f"m.{field.name}"


def json_cache(max_bytes: int) -> LRUCache[Any, bytes]:
    """A cache for Renderer of about `max_bytes`: each entry counts its JSON and its wire bytes."""
    return LRUCache(maxsize=max_bytes, getsizeof=lambda text: 2 * len(text) + 256)


def json_value(message: Message) -> Any:
    """Return the JSON value that a Struct, Value or ListValue is."""
    return _FREE_FORM[message.DESCRIPTOR.full_name](message)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _struct(message: Any) -> dict[str, Any]:
    # Maps have no order on the wire; sorted, the same reply reads the same.
    return {key: _value(value) for key, value in sorted(message.fields.items(), key=lambda e: e[0])}


def _value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "number_value":
        value = message.number_value
        return number(value) if -EXACT < value < EXACT else printable(number_of(message))
    if kind == "struct_value":
        return _struct(message.struct_value)
    if kind == "list_value":
        return [_value(value) for value in message.list_value.values]
    if kind is None or kind == "null_value":
        return None
    return getattr(message, kind)


_FREE_FORM: dict[str, Render] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": lambda m: [_value(v) for v in m.values],
    "google.protobuf.Value": _value,
}


def _time_format(time_format: int, zone: ZoneInfo) -> Callable[[int], str]:
    if time_format == rest.TIME_FORMAT_LOCAL_SECONDS:
        return lru_cache(4096)(
            lambda seconds: datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")
        )
    return lru_cache(4096)(
        lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
