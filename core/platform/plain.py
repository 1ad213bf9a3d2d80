"""Turn messages into plain JSON values, to store them as JSON, and free-form values back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from edge.digits import number, number_of, set_number


def plain(message: Message) -> Any:
    """Return a message as dicts, lists, strings and numbers, keyed by the names of its fields.

    An unset field with presence is left out. Free-form values (Struct, Value, ListValue) become
    the JSON values that they stand for. Whole numbers are ints everywhere (882, never 882.0).
    Enums, bytes, maps and timestamps are not supported.
    """
    free_form = _FREE_FORM.get(message.DESCRIPTOR.full_name)
    if free_form is not None:
        return free_form(message)
    return {
        field.name: [_scalar(value) for value in getattr(message, field.name)]
        if field.is_repeated
        else _scalar(getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def timestamp(moment: datetime) -> Timestamp:
    """Return a moment as the Timestamp that messages hold."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def fill(message: Any, value: Any) -> None:
    """Fill an empty Struct, Value or ListValue with a plain JSON value of its kind.

    protobuf's own setters would round whole numbers beyond 2^53.
    """
    kind = message.DESCRIPTOR.name
    if kind == "Struct":
        message.SetInParent()
        for key, item in value.items():
            fill(message.fields[key], item)
    elif kind == "ListValue":
        message.SetInParent()
        for item in value:
            fill(message.values.add(), item)
    elif value is None:
        message.null_value = 0
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, (int, float)):
        set_number(message, value)
    else:
        fill(message.struct_value if isinstance(value, dict) else message.list_value, value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    return number(value) if isinstance(value, float) else value


def _value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "number_value":
        return number_of(message)
    return None if kind in (None, "null_value") else _scalar(getattr(message, kind))


_FREE_FORM = {
    # Maps have no order on the wire. Sorted keys give the same text for the same message.
    "google.protobuf.Struct": lambda m: {key: _value(m.fields[key]) for key in sorted(m.fields)},
    "google.protobuf.ListValue": lambda m: [_value(value) for value in m.values],
    "google.protobuf.Value": _value,
}
