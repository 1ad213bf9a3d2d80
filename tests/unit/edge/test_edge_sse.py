"""Frames of server-sent events."""

from typing import Any
from zoneinfo import ZoneInfo

from onegenie.tenant.v1 import tenant_pb2

from edge.contract.load import load_contract
from edge.reply.render import Renderer, json_cache
from edge.reply.sse import Framer, error_frame
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

METHODS = edge_app.contract().methods


def frame(message: Any, method: str = "Count") -> bytes:
    found = METHODS[f"/edgetest.v1.EchoService/{method}"]
    renderer = Renderer(found.surface, ZoneInfo("UTC"), json_cache(1000))
    return Framer(found, renderer).frame(message)


def test_data_is_one_line_whatever_is_in_it() -> None:
    message = pb.CountResponse(number=3, event="tick", thing=pb.Thing(name="a\nb\r\n"))
    assert frame(message) == (b'event: tick\nid: 3\ndata: {"name":"a\\nb\\r\\n","times":[]}\n\n')


def test_nothing_breaks_out_of_its_line() -> None:
    message = pb.CountResponse(number=3, event="a\nid: 9\r\0b")
    assert frame(message) == b"event: a id: 9 b\nid: 3\ndata: null\n\n"


def test_an_event_without_a_type_is_a_message() -> None:
    assert frame(pb.CountResponse(number=1)).startswith(b"id: 1\n")
    assert frame(pb.PlainResponse(number=1), "Plain") == b'data: {"number":1}\n\n'


def test_the_error_that_ends_a_stream() -> None:
    assert error_frame(b"{}") == b"event: error\ndata: {}\n\n"


def test_a_reply_without_its_data_is_an_id_alone() -> None:
    # `thing` of Count need not be there; `event` of StreamEvents must.
    contract = load_contract(["onegenie.tenant.v1.TenantService"])
    method = contract.methods["/onegenie.tenant.v1.TenantService/StreamEvents"]
    framer = Framer(method, Renderer(method.surface, ZoneInfo("UTC"), json_cache(1000)))
    beat = tenant_pb2.StreamEventsResponse(sequence=7, kind="heartbeat")
    assert framer.frame(beat) == b"id: 7\n\n"
    beat.event.event_id = "evt_1"
    assert framer.frame(beat).startswith(b"event: heartbeat\nid: 7\ndata: {")
