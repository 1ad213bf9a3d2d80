"""Every method with a REST form goes once through all that its calls will go through.

So what a contract's lint does not foresee is a problem of the contract, told at the start with the
method's name, and not the fault of the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor as FieldKind
from google.protobuf.message import Message

from edge.contract.model import (
    FLOATS,
    HTTP_BODY,
    INTEGERS,
    Descriptor,
    FieldDescriptor,
    Method,
    Surface,
    is_map,
    messages_of,
)
from edge.envoy.descriptor import request_class
from edge.openapi import Writer
from edge.reply.errors import ApiError
from edge.reply.render import Renderer, json_cache
from edge.request.decode import Decoder, Violations
from edge.request.form import forms
from edge.request.validate import Validator


class Rehearsal:
    """Rehearses methods; what several of them share is gone through once."""

    def __init__(self) -> None:
        self._tools: dict[Surface, tuple[Renderer, Decoder, Validator]] = {}
        self._done: set[tuple[Surface, str, bool]] = set()

    def problems(self, method: Method, writer: Writer) -> Iterator[str]:
        """Yield what does not work of a method with a REST form."""
        steps: dict[str, Callable[[Method], object]] = {
            "be taken from Envoy": _take,
            "be decoded": self._decode,
            "be rendered": self._render,
            "be documented": lambda method: [
                orjson.dumps(writer.operation(method, binding, number))
                for number, binding in enumerate(method.bindings)
            ],
        }
        for what, step in steps.items():
            try:
                step(method)
            except Exception as error:
                kind = type(error).__name__
                yield f"{method.service}.{method.name}: cannot {what} ({kind}: {error})"

    def _tools_of(self, surface: Surface) -> tuple[Renderer, Decoder, Validator]:
        if surface not in self._tools:
            renderer = Renderer(surface, ZoneInfo("UTC"), json_cache(0))
            self._tools[surface] = (renderer, Decoder(surface), Validator(surface))
        return self._tools[surface]

    def _render(self, method: Method) -> None:
        renderer, _, _ = self._tools_of(method.surface)
        for message in self._new(method.surface, method.output, request=False):
            for one in (message, sample(message.DESCRIPTOR)):
                renderer.json(one)
        for binding in method.bindings:
            if binding.response_body:
                renderer.json(sample(method.output), binding.response_body)

    def _decode(self, method: Method) -> None:
        renderer, decoder, validator = self._tools_of(method.surface)
        for message in self._new(method.surface, method.input, request=True):
            value = orjson.loads(renderer.json(sample(message.DESCRIPTOR)))
            decoder.body(message, value, Violations())
            with suppress(ApiError):  # it is a sample: what counts is that it can be judged
                validator.validate(message)

    def _new(self, surface: Surface, top: Descriptor, *, request: bool) -> Iterator[Message]:
        """Yield an empty message of each kind inside `top` that has not had its turn."""
        for descriptor in messages_of(top) if top.full_name != HTTP_BODY else ():
            key = (surface, descriptor.full_name, request)
            if key not in self._done and not descriptor.GetOptions().map_entry:
                yield message_factory.GetMessageClass(descriptor)()
                self._done.add(key)


def _take(method: Method) -> None:
    request_class(method)
    forms(method)


def sample(descriptor: Descriptor) -> Message:
    """Return a message of a kind with all its fields set, the messages in it empty."""
    message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if is_map(field):
            entry = field.message_type.fields_by_name
            key, target = _value(entry["key"]), getattr(message, field.name)
            if entry["value"].message_type is not None:
                target[key].SetInParent()
            else:
                target[key] = _value(entry["value"])
        elif field.is_repeated:
            target = getattr(message, field.name)
            if field.message_type is not None:
                target.add()
            else:
                target.append(_value(field))
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, _value(field))
    return message


def _value(field: FieldDescriptor) -> Any:
    if field.type in INTEGERS or field.type in FLOATS:
        return 1
    if field.type == FieldKind.TYPE_ENUM:
        return field.enum_type.values[-1].number
    return {FieldKind.TYPE_BOOL: True, FieldKind.TYPE_BYTES: b"a"}.get(field.type, "a")
