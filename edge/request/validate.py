"""The rules of the contract, checked on the typed request, the same for gRPC and REST.

Two rules change it, `empty_is_absent` and `any_case`: whoever comes after sees one form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from google.protobuf.descriptor import FieldDescriptor as FieldKind
from google.protobuf.message import Message

from edge.contract.model import (
    FLOATS,
    FREE_FORM,
    TEXT_LIKE,
    WRAPPERS,
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    Surface,
    enum_words,
    field_rule,
    is_free_form,
    is_map,
    is_plain_number,
    is_required,
    is_uuid,
)
from edge.digits import single
from edge.reply.render import json_value
from edge.request.decode import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    Violations,
    shown_key,
    too_long,
)
from edge.v1 import annotations_pb2 as rest

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# C0, DEL and C1: what a terminal may take as an order.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")

# A check of one value at a path.
Check = Callable[[Any, str, "Violations"], None]


class Validator:
    """Checks messages against the options of their fields, for one surface."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._checks: dict[str, list[Check]] = {}

    def validate(self, message: Message, findings: Violations | None = None) -> None:
        """Raise ApiError naming every broken rule of `message`, and what `findings` holds."""
        findings = findings or Violations()
        findings.count_anew()
        self._message(message, "", findings)
        findings.check()

    def check_field(self, message: Message, field: FieldDescriptor, findings: Violations) -> None:
        """Report what is wrong with one field of `message`."""
        if (check := self._field(field)) is not None:
            check(message, "", findings)

    def _of(self, descriptor: Descriptor) -> list[Check]:
        checks = self._checks.get(descriptor.full_name)
        if checks is None:
            # Listed before it is filled: a message may hold itself.
            checks = self._checks[descriptor.full_name] = []
            checks.extend(c for f in descriptor.fields if (c := self._field(f)) is not None)
        return checks

    def _message(self, message: Message, path: str, findings: Violations) -> None:
        for check in self._of(message.DESCRIPTOR):
            check(message, path, findings)

    def _field(self, field: FieldDescriptor) -> Check | None:
        """Return the check of a field, called with the message that holds it."""
        name, key, rule = field.name, self._surface.json_key(field), field_rule(field)
        required, presence = is_required(field), field.has_presence
        value_checks = list(self._value_checks(field))
        size_checks = list(_size_checks(field, rule)) if field.is_repeated else []

        def at(path: str) -> str:
            return f"{path}.{key}" if path else key

        if is_map(field):
            entry = field.message_type.fields_by_name
            key_checks = list(self._value_checks(entry["key"]))
            item_checks = list(self._value_checks(entry["value"]))
            if not (required or size_checks or key_checks or item_checks):
                return None

            def check_map(message: Message, path: str, findings: Violations) -> None:
                entries = getattr(message, name)
                if required and not entries:
                    findings(at(path), "is required")
                    return
                for check in size_checks:
                    check(entries, at(path), findings)
                if at(path) in findings.found:
                    return
                for entry_key, value in entries.items():
                    for check in key_checks:
                        check(entry_key, at(path), findings)
                    for check in item_checks:
                        check(value, f"{at(path)}.{entry_key}", findings)

            return check_map

        if field.is_repeated:
            if not (required or size_checks or value_checks):
                return None

            def check_repeated(message: Message, path: str, findings: Violations) -> None:
                values = getattr(message, name)
                if required and not values:
                    findings(at(path), "is required")
                    return
                for check in size_checks:
                    check(values, at(path), findings)
                if at(path) in findings.found:
                    return
                for index, value in enumerate(values) if value_checks else ():
                    for check in value_checks:
                        check(value, f"{at(path)}[{index}]", findings)

            return check_repeated

        if not (required or value_checks):
            return None
        blank_is_missing = field.type == FieldKind.TYPE_STRING and not (
            rule.malformed_is_not_found or rule.HasField("min_len")
        )

        words = {w.lower(): w for w in getattr(rule, "in")} if rule.any_case else {}

        def check_one(message: Message, path: str, findings: Violations) -> None:
            if rule.empty_is_absent and not getattr(message, name):
                message.ClearField(name)
            value = getattr(message, name)
            if words and (word := words.get(value.lower())) and word != value:
                setattr(message, name, word)
                value = word
            if presence and not message.HasField(name):
                missing = True
            elif (presence and not required) or field.message_type is not None:
                missing = False
            elif is_plain_number(field):
                # Whether one that is required was sent, the decoder has seen where it can be.
                missing = not (presence or value or required)
            else:  # a string, bytes or an enum: its default is as good as nothing
                missing = not (value.strip() if blank_is_missing and required else value)
            if missing:
                if required:
                    findings(at(path), "is required")
                return
            for check in value_checks:
                check(value, at(path), findings)
                if at(path) in findings.found:
                    return

        return check_one

    def _value_checks(self, field: FieldDescriptor) -> Iterator[Check]:
        """Yield the checks of one value of a field: of the field itself, or of an element."""
        rule = field_rule(field)
        if field.type == FieldKind.TYPE_STRING:
            if rule.malformed_is_not_found:
                yield _names_something
                return
            yield _no_control if rule.no_control else _no_nul
            if is_uuid(field):
                yield _is_uuid
            if words := list(getattr(rule, "in")):
                yield _one_of(words)
            if rule.pattern:
                yield _matches(rule.pattern)
        elif field.type in FLOATS:
            yield _is_finite
        elif field.type == FieldKind.TYPE_ENUM:
            yield _is_known(field.enum_type)
        elif field.message_type is not None and not is_map(field):
            name = field.message_type.full_name
            if name in FREE_FORM:
                if not field.is_repeated:
                    yield _free_form_size(rule)
                yield _free_form
            elif name in WRAPPERS:
                inner = _wrapped_check(field.message_type.fields[0])
                if inner is not None:
                    yield _on_wrapped(inner)
            elif rule.body_keys:
                yield _names_fields_of(field.containing_type)
            elif name in TEXT_LIKE:
                yield _TEXT_LIKE_CHECKS[name]
            else:
                yield self._message
        if rule.HasField("gte") or rule.HasField("lte"):
            yield _in_bounds(rule, single if field.type == FieldKind.TYPE_FLOAT else float)
        if not field.is_repeated:
            yield from _size_checks(field, rule)


def _size_checks(field: FieldDescriptor, rule: rest.FieldRule) -> Iterator[Check]:
    low = rule.min_len if rule.HasField("min_len") else None
    high = rule.max_len if rule.HasField("max_len") else None
    if high is None and field.is_repeated:
        high = MAX_ELEMENTS
    if low is None and high is None:
        return
    if field.is_repeated:
        unit = "element"
    else:
        unit = "character" if field.type == FieldKind.TYPE_STRING else "byte"

    def check(value: Any, path: str, findings: Violations) -> None:
        if low is not None and len(value) < low:
            findings(path, f"must have at least {low} {unit}{'s' * (low != 1)}")
        elif high is not None and len(value) > high:
            findings(path, too_long(high, unit))

    yield check
    if field.is_repeated and is_free_form(field):
        yield _free_form_size(rule)


def _wrapped_check(field: FieldDescriptor) -> Check | None:
    if field.type == FieldKind.TYPE_STRING:
        return _no_nul
    return _is_finite if field.type in FLOATS else None


def _on_wrapped(check: Check) -> Check:
    return lambda message, path, findings: check(message.value, path, findings)


def _names_something(value: str, path: str, findings: Violations) -> None:
    if not UUID.fullmatch(value):
        findings.names_nothing = True


def _is_uuid(value: str, path: str, findings: Violations) -> None:
    if not UUID.fullmatch(value):
        findings(path, "must be a UUID")


def _no_nul(value: str, path: str, findings: Violations) -> None:
    if "\0" in value:
        findings(path, "must not contain the NUL character")


def _no_control(value: str, path: str, findings: Violations) -> None:
    if CONTROLS.search(value):
        findings(path, "must not contain control characters")


def _is_finite(value: float, path: str, findings: Violations) -> None:
    if not math.isfinite(value):
        findings(path, "must be a finite number")


def _is_known(enum: EnumDescriptor) -> Check:
    known = frozenset(enum.values_by_number)
    text = "must be one of " + ", ".join(enum_words(enum))

    def check(value: int, path: str, findings: Violations) -> None:
        if value not in known:
            findings(path, text)

    return check


def _is_time(value: Any, path: str, findings: Violations) -> None:
    # The years 0001 to 9999, as google.protobuf.Timestamp says.
    if not (-62_135_596_800 <= value.seconds <= 253_402_300_799 and 0 <= value.nanos < 10**9):
        findings(path, "must be a time of the years 1 to 9999")


def _is_duration(value: Any, path: str, findings: Violations) -> None:
    # 10,000 years either way, as google.protobuf.Duration says.
    fits = abs(value.seconds) <= 315_576_000_000 and abs(value.nanos) < 10**9
    if not fits or value.seconds * value.nanos < 0:
        findings(path, "must be a duration of at most 10,000 years")


def _is_mask(value: Any, path: str, findings: Violations) -> None:
    for field in value.paths:
        _no_nul(field, path, findings)


def _names_fields_of(message: Descriptor) -> Check:
    allowed = [f.name for f in message.fields if not (is_required(f) or field_rule(f).body_keys)]
    text = "must name fields among " + ", ".join(allowed)

    def check(value: Any, path: str, findings: Violations) -> None:
        if not set(value.paths) <= set(allowed):
            findings(path, text)

    return check


def _one_of(words: list[str]) -> Check:
    allowed, text = frozenset(words), "must be one of " + ", ".join(words)

    def check(value: str, path: str, findings: Violations) -> None:
        if value not in allowed:
            findings(path, text)

    return check


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: str, path: str, findings: Violations) -> None:
        if not compiled.fullmatch(value):
            findings(path, f"must match {pattern}")

    return check


def _in_bounds(rule: rest.FieldRule, rounded: Callable[[float], float]) -> Check:
    """Return the check against the bounds, which are `rounded` as the value is."""
    low = rounded(rule.gte) if rule.HasField("gte") else -math.inf
    high = rounded(rule.lte) if rule.HasField("lte") else math.inf

    def check(value: float, path: str, findings: Violations) -> None:
        if value < low:
            findings(path, f"must be at least {rule.gte:.17g}")
        elif value > high:
            findings(path, f"must be at most {rule.lte:.17g}")

    return check


def _free_form_size(rule: rest.FieldRule) -> Check:
    """Return the check that a free-form field is not larger than one sent as JSON may be."""
    most = rule.max_bytes if rule.HasField("max_bytes") else None

    def check(value: Any, path: str, findings: Violations) -> None:
        if path in findings.found:
            return
        if not findings.take_values(_count_values(value, findings.values_left), path):
            return
        if most is not None:
            one = isinstance(value, Message)
            json = orjson.dumps(json_value(value) if one else [json_value(v) for v in value])
            if len(json) > most:
                findings(path, f"must be at most {most} bytes as JSON")

    return check


def _count_values(value: Any, most: int) -> int:
    """As in edge.request.decode, of a message or of a repeated field of them."""
    waiting: list[Any] = [value] if isinstance(value, Message) else list(value)
    count = 0 if isinstance(value, Message) else len(waiting)
    while waiting and count <= most:
        inner = waiting.pop()
        kind = inner.DESCRIPTOR.name
        if kind == "Value":
            if inner.WhichOneof("kind") in ("struct_value", "list_value"):
                waiting.append(getattr(inner, inner.WhichOneof("kind")))
            continue
        count += len(inner.fields if kind == "Struct" else inner.values)
        if count <= most:
            waiting.extend(inner.fields.values() if kind == "Struct" else inner.values)
    return count


def _free_form(value: Any, path: str, findings: Violations) -> None:
    """A Struct, Value or ListValue: its texts and numbers, and not deeper than JSON may be."""
    check = {"Struct": _check_struct, "ListValue": _check_list, "Value": _check_value}
    check[value.DESCRIPTOR.name](value, path, findings, 0)


def _check_value(value: Any, path: str, findings: Violations, depth: int) -> None:
    if depth > MAX_DEPTH:
        findings(path, f"is nested more than {MAX_DEPTH} levels deep")
        return
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        _no_nul(value.string_value, path, findings)
    elif kind == "number_value":
        _is_finite(value.number_value, path, findings)
    elif kind == "struct_value":
        _check_struct(value.struct_value, path, findings, depth)
    elif kind == "list_value":
        _check_list(value.list_value, path, findings, depth)


def _check_struct(value: Any, path: str, findings: Violations, depth: int) -> None:
    for key, item in value.fields.items():
        if "\0" in key:
            findings(path, "must not have a key with the NUL character")
        else:
            _check_value(item, f"{path}.{shown_key(key)}", findings, depth + 1)


def _check_list(value: Any, path: str, findings: Violations, depth: int) -> None:
    for index, item in enumerate(value.values):
        _check_value(item, f"{path}[{index}]", findings, depth + 1)


_TEXT_LIKE_CHECKS: dict[str, Check] = {
    "google.protobuf.Timestamp": _is_time,
    "google.protobuf.Duration": _is_duration,
    "google.protobuf.FieldMask": _is_mask,
}
