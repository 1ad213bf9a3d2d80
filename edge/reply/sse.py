"""Server-sent events: the frames of https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

from google.protobuf.message import Message

from edge.contract.model import Method, is_required, sse_field
from edge.reply.render import Renderer
from edge.v1 import annotations_pb2 as rest

CONTENT_TYPE = b"text/event-stream"
KEEP_ALIVE = b": keep-alive\n\n"
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class Framer:
    """Frames the replies of one streaming method."""

    def __init__(self, method: Method, renderer: Renderer) -> None:
        self._renderer = renderer
        names = {
            part: field.name if (field := sse_field(method.output, part)) is not None else ""
            for part in (rest.SSE_ID, rest.SSE_EVENT, rest.SSE_DATA)
        }
        self._id, self._event, self._data = names.values()
        data = sse_field(method.output, rest.SSE_DATA)
        self._may_be_bare = bool(self._id) and data is not None and is_required(data)

    def frame(self, message: Message, response_body: str = "") -> bytes:
        """One event: its type and id when the contract says so, and one line of JSON.

        That is the field marked as the data, else the binding's `response_body`, else the message.

        A reply without the data that the contract requires is a mark: its id alone, which a
        browser remembers for its next connection and raises no event for.
        """
        if self._may_be_bare and not message.HasField(self._data):
            return b"id: " + _line(getattr(message, self._id)) + b"\n\n"
        lines = []
        if self._event and (event := _line(getattr(message, self._event))):
            lines.append(b"event: " + event)
        if self._id:
            lines.append(b"id: " + _line(getattr(message, self._id)))
        lines.append(b"data: " + self._renderer.json(message, self._data or response_body))
        return b"\n".join(lines) + b"\n\n"


def error_frame(body: bytes) -> bytes:
    """Return the last event of a stream that failed: the documented error body."""
    return b"event: error\ndata: " + body + b"\n\n"


def _line(value: object) -> bytes:
    # A line break would end the field, and a NUL makes clients drop an id.
    return str(value).replace("\r", " ").replace("\n", " ").replace("\0", "").encode()
