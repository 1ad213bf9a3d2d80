"""multipart/form-data into the typed request, by the option `part` of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as FieldKind
from google.protobuf.message import Message
from multipart import MultipartError, ParserLimitReached, PushMultipartParser, parse_options_header

from edge.contract.model import FieldDescriptor, field_rule
from edge.reply.errors import ApiError, FieldViolation, invalid
from edge.request.decode import Decoder, Violations
from edge.v1 import annotations_pb2 as rest

MAX_PARTS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str
    content_type: str
    content: bytes


def is_multipart(content_type: str) -> bool:
    """Return whether a Content-Type is multipart/form-data."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def parse(content_type: str, data: bytes) -> Iterator[Part]:
    """The parts of a body; raises ApiError for one that is broken off, malformed or too large."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary:
        raise invalid(FieldViolation("body", "the Content-Type has no boundary"))
    try:
        # A part's headers may be in any encoding: bytes as they come, looked at in `_text`.
        with PushMultipartParser(
            boundary, max_segment_count=MAX_PARTS, header_charset="latin-1"
        ) as parser:
            segment: Any = None
            chunks: list[bytes] = []
            for event in parser.parse(data) if data else ():
                if event is None:
                    yield Part(
                        _text(segment.name),
                        _text(segment.filename or ""),
                        _text(segment.header("Content-Type") or ""),
                        b"".join(chunks),
                    )
                    chunks = []
                elif isinstance(event, (bytes, bytearray)):
                    chunks.append(bytes(event))
                else:
                    segment = event
    except ParserLimitReached:  # of MAX_PARTS, or of a part's headers
        raise ApiError(rest.CONDITION_TOO_LARGE) from None
    except (MultipartError, ValueError, LookupError) as error:
        what = error.args[0] if error.args else ""
        raise invalid(
            FieldViolation("body", f"not a complete multipart/form-data body: {what}")
        ) from None


def _text(header: str) -> str:
    """A header's bytes as UTF-8; what is none, and NUL, which no field takes, is replaced: what a
    file is called is no reason to refuse it."""
    return header.encode("latin-1").decode(errors="replace").replace("\0", "\ufffd")


def fill(
    message: Message, content_type: str, data: bytes, decoder: Decoder, report: Violations
) -> None:
    """Fill `message` from a multipart body. Parts no field asks for are ignored, and so are files
    without a name and without bytes, which is what browsers send for an input without a file. Of
    several parts for one single field the last counts."""
    fields: dict[str, FieldDescriptor] = {
        name: field for field in message.DESCRIPTOR.fields if (name := field_rule(field).part)
    }
    texts: dict[str, list[str]] = {}
    for part in parse(content_type, data):
        field = fields.get(part.name)
        if field is None:
            continue
        if field.message_type is not None:
            if part.content or part.filename:
                _set_file(message, field, part)
        elif field.type == FieldKind.TYPE_BYTES:
            if field.is_repeated:
                getattr(message, field.name).append(part.content)
            else:
                setattr(message, field.name, part.content)
        else:
            try:
                text = part.content.decode()
            except UnicodeDecodeError:
                report(part.name, "must be UTF-8 text")
            else:
                texts.setdefault(field.name, []).append(text)
    for name, values in texts.items():
        decoder.strings(message, name, values, report)


def _set_file(message: Message, field: FieldDescriptor, part: Part) -> None:
    values: dict[str, Any] = {
        "content": part.content,
        "filename": part.filename,
        "content_type": part.content_type,
    }
    known = field.message_type.fields_by_name
    target = getattr(message, field.name)
    if field.is_repeated:
        target = target.add()
    else:
        target.Clear()
        target.SetInParent()
    for name, value in values.items():
        if name in known:
            setattr(target, name, value)
