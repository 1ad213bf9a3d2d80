"""From what a REST client sends to the typed request.

Envoy hands over path and query parameters as strings and the body as bytes (see
`edge.envoy.descriptor`); everything is parsed here, so that one place names the field that
is wrong. JSON follows the protobuf mapping (both spellings of a key, integers
also as strings, unknown keys ignored) with two additions: null means unset
everywhere, and an enum may be sent as the word it is answered with. protobuf's
json_format stops at the first error, without a full path, and takes five times
as long for a small body.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from google.protobuf.descriptor import FieldDescriptor as FieldKind
from google.protobuf.message import Message

from edge.contract.model import (
    FLOATS,
    FREE_FORM,
    INTEGERS,
    TEXT_LIKE,
    WRAPPERS,
    Descriptor,
    FieldDescriptor,
    Surface,
    enum_word,
    enum_words,
    field_rule,
    is_free_form,
    is_map,
    must_be_sent,
)
from edge.digits import EXACT, loads, loads_leniently, set_number, single
from edge.reply.errors import ApiError, FieldViolation, invalid
from edge.v1 import annotations_pb2 as rest

MAX_VIOLATIONS = 20
# A parsed message may nest 100 levels, and one JSON object in a free-form value takes three.
MAX_DEPTH = 30
# Elements of one array or map without a max_len, values in all free-form fields of a request:
# reading a megabyte of them would hold up every other call for most of a second.
MAX_ELEMENTS = 10_000

Convert = Callable[[Any], Any]


def too_long(most: int, unit: str) -> str:
    """Return what is said of a value with more than `most` characters, bytes or elements."""
    return f"must have at most {most} {unit}{'s' * (most != 1)}"


class Wrong(Exception):
    """A value is not what its field takes; the text says what it must be."""


class Violations:
    """Collects what is wrong with a request: the first thing of each field, at most
    MAX_VIOLATIONS in all. Knows how many free-form values it may still hold.
    """

    def __init__(self, max_values: int = MAX_ELEMENTS) -> None:
        self.found: dict[str, FieldViolation] = {}
        # An id that names nothing was malformed (option malformed_is_not_found).
        self.names_nothing = False
        self._max_values = self.values_left = max_values

    def count_anew(self) -> None:
        """Forget the values counted: the same request is gone through once more."""
        self.values_left = self._max_values

    def take_values(self, count: int, path: str) -> bool:
        """Count the values of one field. When they are too many, report it; False then."""
        if count > self._max_values:
            self(path, f"must have at most {self._max_values} values")
        elif count > self.values_left:
            most = f"{self._max_values} values"
            self(path, f"must have at most {most} together with the fields before it")
        else:
            self.values_left -= count
            return True
        return False

    def __call__(self, path: str, description: str) -> None:
        if path not in self.found and len(self.found) < MAX_VIOLATIONS:
            self.found[path] = FieldViolation(path, description)

    def check(self) -> None:
        """Raise for what was reported; without that, for a malformed id."""
        if self.found:
            raise invalid(*self.found.values())
        if self.names_nothing:
            raise ApiError(rest.CONDITION_NOT_FOUND)


def parse_json(data: bytes) -> Any:
    """Return the JSON value in `data`; raises ApiError naming the body, the line and the column."""
    try:
        return loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        # json takes lone surrogates and NaN, which the field they are in is then blamed for.
        try:
            return loads_leniently(data)
        except (ValueError, RecursionError):
            where = f"(line {error.lineno} column {error.colno})"
            raise invalid(FieldViolation("body", f"not valid JSON: {error.msg} {where}")) from None


class Decoder:
    """Fills typed messages from JSON values and strings, for one surface."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._tables: dict[str, _Table] = {}

    def body(
        self, message: Message, value: Any, report: Violations, skip: Sequence[str] = ()
    ) -> None:
        """Fill `message` from the JSON object `value`, but for the fields named in `skip`."""
        if not isinstance(value, dict):
            raise invalid(FieldViolation("body", "must be a JSON object"))
        if skip:
            table = self._table(message.DESCRIPTOR)
            value = {
                key: item
                for key, item in value.items()
                if (field := table.get(key)) is not None and field.name not in skip
            }
        self._fill(message, value, "", 0, report=report, skip=skip)

    def names(self, message: Message, value: dict[str, Any], skip: Sequence[str]) -> list[str]:
        """The fields of `message` that have a key in the JSON object `value`, null included."""
        table = self._table(message.DESCRIPTOR)
        found = (table[key].name for key in value if key in table)
        return [name for name in dict.fromkeys(found) if name not in skip]

    def field(self, message: Message, name: str, value: Any, report: Violations) -> None:
        """Fill one field of `message` from the JSON value of that field alone."""
        field = self._table(message.DESCRIPTOR)[name]
        if value is not None:
            field.set(message, value, field.key, 0, report)

    def missing(self, message: Message, name: str, report: Violations) -> None:
        """Report a required field that was not sent."""
        report(self._table(message.DESCRIPTOR)[name].key, "is required")

    def strings(
        self, message: Message, name: str, values: Sequence[str], report: Violations
    ) -> None:
        """Fill one field from the strings of a path, a query or a multipart part."""
        field = self._table(message.DESCRIPTOR)[name]
        if field.repeated:
            field.set(message, [field.unquote(v) for v in values], field.key, 0, report)
        else:
            field.set(message, field.unquote(values[-1]), field.key, 0, report)

    def _table(self, descriptor: Descriptor) -> _Table:
        table = self._tables.get(descriptor.full_name)
        if table is None:
            table = self._tables[descriptor.full_name] = _Table()
            for descriptor_field in descriptor.fields:
                if field_rule(descriptor_field).body_keys:
                    continue
                field = _Field(self, descriptor_field, self._surface.json_key(descriptor_field))
                keys = (descriptor_field.name, descriptor_field.json_name, field.key)
                for key in keys:
                    table[key] = field
                if must_be_sent(descriptor_field):
                    table.needed.append((field, keys))
        return table

    def _fill(
        self,
        message: Message,
        value: dict[str, Any],
        path: str,
        depth: int,
        report: Violations,
        skip: Sequence[str] = (),
    ) -> None:
        if depth > MAX_DEPTH:
            report(path, f"is nested more than {MAX_DEPTH} levels deep")
            return
        table = self._table(message.DESCRIPTOR)
        for key, item in value.items():
            if item is None or (field := table.get(key)) is None:
                continue
            field.set(message, item, f"{path}.{field.key}" if path else field.key, depth, report)
        for field, keys in table.needed:
            if field.name not in skip and all(value.get(key) is None for key in keys):
                report(f"{path}.{field.key}" if path else field.key, "is required")


class _Table(dict[str, "_Field"]):
    """The fields of a message by their keys in JSON."""

    def __init__(self) -> None:
        super().__init__()
        # Those that a JSON object must have one of the keys of.
        self.needed: list[tuple[_Field, tuple[str, ...]]] = []


class _Field:
    """How one field is filled."""

    def __init__(self, decoder: Decoder, field: FieldDescriptor, key: str) -> None:
        self.name = field.name
        self.key = key
        self.repeated = field.is_repeated and not is_map(field)
        rule = field_rule(field)
        # A list that is too long is not even read.
        self._most = rule.max_len if self.repeated and rule.HasField("max_len") else MAX_ELEMENTS
        self._is_free_form = is_free_form(field)
        self._decoder = decoder
        self._message = field.message_type
        self.set: Callable[[Message, Any, str, int, Violations], None]
        if is_map(field):
            entry = field.message_type.fields_by_name
            self._convert_key = _map_key(entry["key"])
            self._value = entry["value"]
            if self._value.message_type is None:
                self._convert = scalar(self._value)
            self.set = self._set_map
        elif self.repeated:
            if self._message is None:
                self._convert = scalar(field)
                self.set = self._set_scalars
            else:
                self.set = self._set_messages
        elif self._message is None:
            self._convert = scalar(field)
            self.set = self._set_scalar
        else:
            self.set = self._set_message
        inner = self._message.full_name if self._message is not None else ""
        self._is_bool = field.type == FieldKind.TYPE_BOOL or inner == "google.protobuf.BoolValue"

    def unquote(self, text: str) -> Any:
        """The JSON value that a string outside of JSON stands for: only bool is not a string."""
        return {"true": True, "false": False}.get(text, text) if self._is_bool else text

    def _set_scalar(
        self, message: Message, value: Any, path: str, depth: int, report: Violations
    ) -> None:
        try:
            setattr(message, self.name, self._convert(value))
        except Wrong as wrong:
            report(path, str(wrong))

    def _set_scalars(
        self, message: Message, value: Any, path: str, depth: int, report: Violations
    ) -> None:
        if not self._is_list(value, path, report):
            return
        target = getattr(message, self.name)
        del target[:]
        for index, item in enumerate(value):
            try:
                target.append(self._convert(item))
            except Wrong as wrong:
                report(f"{path}[{index}]", str(wrong))

    def _is_list(self, value: Any, path: str, report: Violations) -> bool:
        if not isinstance(value, list):
            report(path, "must be an array")
        elif len(value) > self._most:
            report(path, too_long(self._most, "element"))
        else:
            return True
        return False

    def _set_message(
        self, message: Message, value: Any, path: str, depth: int, report: Violations
    ) -> None:
        message.ClearField(self.name)
        if self._is_free_form and not _has_few_values(value, path, report):
            return
        target = getattr(message, self.name)
        target.SetInParent()
        self._fill_one(target, value, path, depth, report=report)

    def _set_messages(
        self, message: Message, value: Any, path: str, depth: int, report: Violations
    ) -> None:
        if not self._is_list(value, path, report):
            return
        if self._is_free_form and not _has_few_values(value, path, report):
            return
        target = getattr(message, self.name)
        del target[:]
        for index, item in enumerate(value):
            self._fill_one(target.add(), item, f"{path}[{index}]", depth, report=report)

    def _set_map(
        self, message: Message, value: Any, path: str, depth: int, report: Violations
    ) -> None:
        if not isinstance(value, dict):
            report(path, "must be a JSON object")
            return
        if len(value) > MAX_ELEMENTS:
            report(path, too_long(MAX_ELEMENTS, "element"))
            return
        target = getattr(message, self.name)
        target.clear()
        for key, item in value.items():
            where = f"{path}.{shown_key(key)}"
            try:
                if self._value.message_type is None:
                    target[self._convert_key(key)] = self._convert(item)
                elif not is_free_form(self._value) or _has_few_values(item, where, report):
                    self._fill_one(
                        target[self._convert_key(key)], item, where, depth, report=report
                    )
            except Wrong as wrong:
                report(where, str(wrong))

    def _fill_one(
        self, target: Message, value: Any, path: str, depth: int, report: Violations
    ) -> None:
        name = target.DESCRIPTOR.full_name
        try:
            if name in FREE_FORM:
                _FREE_FORM_SETTERS[name](target, value, path, depth)
            elif name in WRAPPERS:
                target.value = scalar(target.DESCRIPTOR.fields[0])(value)  # type: ignore[attr-defined]
            elif name in TEXT_LIKE:
                _set_text_like(target, value)
            elif isinstance(value, dict):
                self._decoder._fill(target, value, path, depth + 1, report=report)
            else:
                report(path, "must be a JSON object")
        except Wrong as wrong:
            report(wrong.args[1] if len(wrong.args) > 1 else path, wrong.args[0])


def scalar(field: FieldDescriptor) -> Convert:
    """Return a function from a JSON value to a scalar field's value; it raises Wrong."""
    kind = field.type
    if kind == FieldKind.TYPE_STRING:
        return _string_or_digits if field_rule(field).takes_number else _string
    if kind in INTEGERS:
        bits = 64 if "64" in _TYPE_NAMES[kind] else 32
        signed = not _TYPE_NAMES[kind].startswith(("UINT", "FIXED"))
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return lambda value: _integer(value, low, high)
    if kind == FieldKind.TYPE_FLOAT:
        return _float
    if kind in FLOATS:
        return _double
    if kind == FieldKind.TYPE_BOOL:
        return _bool
    if kind == FieldKind.TYPE_BYTES:
        return _bytes
    if kind == FieldKind.TYPE_ENUM:
        words: dict[str, int] = {}
        for value in field.enum_type.values:
            words.setdefault(enum_word(value), value.number)
            words.setdefault(value.name, value.number)
        numbers = frozenset(field.enum_type.values_by_number)
        shown = enum_words(field.enum_type)
        return lambda value: _enum(value, words, numbers, shown)
    raise AssertionError(f"{field.full_name}: no JSON form")


_TYPE_NAMES = {
    number: name.removeprefix("TYPE_")
    for name, number in vars(FieldKind).items()
    if name.startswith("TYPE_")
}
_TOO_WIDE = "must be a number of a double's range"
_INTEGER = re.compile(r"-?[0-9]{1,25}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity")


def shown_key(key: str) -> str:
    """Return a client's own key in an error's path: short and printable."""
    return "".join(c if c.isprintable() else "\ufffd" for c in key[:64])


def _string(value: Any) -> str:
    if type(value) is not str:
        raise Wrong("must be a string")
    if not value.isascii():
        _no_surrogates(value)
    return value


def _string_or_digits(value: Any) -> str:
    if type(value) is float and value.is_integer() and abs(value) < EXACT:
        value = int(value)  # 1e2, 100.0
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise Wrong("must be a string or a whole number")
    return _string(value)


def _no_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Wrong("has half of a surrogate pair") from None


def _integer(value: Any, low: int, high: int) -> int:
    if type(value) is str and _INTEGER.fullmatch(value):
        value = int(value)
    elif type(value) is float and (value.is_integer() or math.isinf(value)):
        value = int(value) if not math.isinf(value) else high + 1
    if type(value) is not int:
        raise Wrong("must be a whole number")
    if not low <= value <= high:
        raise Wrong(f"must be between {low} and {high}")
    return value


def _double(value: Any) -> float:
    if type(value) is str and _NUMBER.fullmatch(value):
        return float(value)
    if type(value) not in (int, float):
        raise Wrong("must be a number")
    try:
        return float(value)
    except OverflowError:
        raise Wrong(_TOO_WIDE) from None


def _float(value: Any) -> float:
    try:
        return single(_double(value))
    except OverflowError:
        raise Wrong("must be a number of a float's range") from None


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Wrong("must be true or false")
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise Wrong("must be a base64 string")
    standard = value.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("must be a base64 string") from None


def _enum(value: Any, words: dict[str, int], numbers: frozenset[int], shown: list[str]) -> int:
    number = words.get(value) if type(value) is str else value
    if type(number) is not int or number not in numbers:
        raise Wrong("must be one of " + ", ".join(shown))
    return number


def _map_key(field: FieldDescriptor) -> Convert:
    if field.type == FieldKind.TYPE_STRING:
        return _string
    if field.type == FieldKind.TYPE_BOOL:
        return lambda key: _bool({"true": True, "false": False}.get(key, key))
    return scalar(field)


def _set_text_like(target: Any, value: Any) -> None:
    """Timestamp, Duration and FieldMask: a string of the protobuf JSON mapping."""
    name = target.DESCRIPTOR.name
    wanted = {
        "Timestamp": "a time such as 2026-04-29T05:28:08Z",
        "Duration": "a duration such as 1.5s",
        "FieldMask": "a comma-separated list of fields",
    }[name]
    if type(value) is not str or not value.isascii():
        raise Wrong(f"must be {wanted}")
    try:
        target.FromJsonString(value)
    except (ValueError, OverflowError):
        raise Wrong(f"must be {wanted}") from None


def _has_few_values(value: Any, path: str, report: Violations) -> bool:
    """Return whether the value of a free-form field may be read: looking costs much less."""
    return report.take_values(_count_values(value, report.values_left), path)


def _count_values(value: Any, most: int) -> int:
    """Return how many values a JSON value holds; only that it is more than `most` when it is."""
    waiting, count = [value], 0
    while waiting and count <= most:
        inner = waiting.pop()
        if type(inner) in (dict, list):
            count += len(inner)
            if count <= most:
                waiting.extend(inner.values() if type(inner) is dict else inner)
    return count


def _set_value(target: Any, value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Wrong(f"is nested more than {MAX_DEPTH} levels deep", path)
    if value is None:
        target.null_value = 0
    elif value is True or value is False:
        target.bool_value = value
    elif type(value) is str:
        target.string_value = _at(path, _string, value)
    elif type(value) in (int, float):
        try:
            set_number(target, value)
        except OverflowError:
            raise Wrong(_TOO_WIDE, path) from None
    elif type(value) is dict:
        _set_struct(target.struct_value, value, path, depth)
    else:
        _set_list(target.list_value, value, path, depth)


def _set_struct(target: Any, value: Any, path: str, depth: int) -> None:
    if type(value) is not dict:
        raise Wrong("must be a JSON object", path)
    target.SetInParent()
    for key, item in value.items():
        where = f"{path}.{shown_key(key)}"
        _set_value(target.fields[_at(where, _string, key)], item, where, depth + 1)


def _set_list(target: Any, value: Any, path: str, depth: int) -> None:
    if type(value) is not list:
        raise Wrong("must be an array", path)
    target.SetInParent()
    for index, item in enumerate(value):
        _set_value(target.values.add(), item, f"{path}[{index}]", depth + 1)


def _at(path: str, convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except Wrong as wrong:
        raise Wrong(wrong.args[0], path) from None


_FREE_FORM_SETTERS: dict[str, Callable[[Any, Any, str, int], None]] = {
    "google.protobuf.Struct": _set_struct,
    "google.protobuf.Value": _set_value,
    "google.protobuf.ListValue": _set_list,
}
