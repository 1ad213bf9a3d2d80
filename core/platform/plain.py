"""Messages as plain JSON values, for what is stored as JSON."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from edge.render import number


def plain(message: Message) -> Any:
    """A message as dicts, lists, strings and numbers, under the names its fields have.

    What can be unset and is, is left out. Whole numbers are ints (882, never 882.0), also inside
    free-form values (Struct, Value, ListValue), which become the values they stand for. Enums,
    bytes, maps and timestamps are not what this is for.
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


def _scalar(value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    return number(value) if isinstance(value, float) else value


def _value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    return None if kind in (None, "null_value") else _scalar(getattr(message, kind))


_FREE_FORM = {
    # Maps have no order on the wire; sorted, the same message gives the same text.
    "google.protobuf.Struct": lambda m: {key: _value(m.fields[key]) for key in sorted(m.fields)},
    "google.protobuf.ListValue": lambda m: [_value(value) for value in m.values],
    "google.protobuf.Value": _value,
}
