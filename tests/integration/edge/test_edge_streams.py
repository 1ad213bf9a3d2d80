"""Many replies: server-sent events for REST callers, messages for gRPC callers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import pytest

from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

TEAPOT = b'{"success":false,"error":{"code":"TEAPOT","message":"I am a teapot."}}'
OOPS = b'{"success":false,"error":{"code":"OOPS","message":"Internal error."}}'


def event(number: int) -> bytes:
    return b'event: tick\nid: %d\ndata: {"name":"n%d","times":[]}\n\n' % (number, number)


async def read(call: Any) -> tuple[dict[str, str], list[str], bytes]:
    """Headers, the content types, and all bytes of a stream."""
    chunks = [chunk async for chunk in call]
    headers = dict(await call.initial_metadata())
    return headers, [c.content_type for c in chunks], b"".join(c.data for c in chunks)


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_events_have_type_id_and_one_line_of_data(caller: Any) -> None:
    headers, types, body = await read(caller.events("EchoService/Count", how="ok"))
    assert set(types) == {"text/event-stream"}
    assert headers["x-http-status"] == "200"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"
    assert body == event(1) + event(2) + event(3)
    assert caller.notes == ["count ok"]


async def test_an_upload_that_is_followed(caller: Any) -> None:
    form = (
        b'--B\r\nContent-Disposition: form-data; name="title"\r\n\r\n%s\r\n'
        b"--B\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n\r\nabc\r\n--B--"
    )
    sent = {"content_type": "multipart/form-data; boundary=B", "album_id": "7"}
    headers, types, body = await read(
        caller.events("StatusService/Follow", body=form % b"all", **sent)
    )
    assert (headers["x-http-status"], set(types)) == ("200", {"text/event-stream"})
    assert body.startswith(b'event: file\ndata: {"seen":["a.png:3"],')
    for text, status, told in (
        (form % b"friend", "409", b'{"status":409,"data":{"errorCode":"FRIEND_2"'),
        ((form % b"all")[:-3], "400", b'{"status":400,"error":{"errorCode":"COMMON_2"'),
    ):
        headers, types, body = await read(caller.events("StatusService/Follow", body=text, **sent))
        assert (headers["x-http-status"], types) == (status, ["application/json"])
        assert body.startswith(told)


async def test_a_reply_without_marks_is_the_data_itself(caller: Any) -> None:
    _, _, body = await read(caller.events("EchoService/Plain", how="two"))
    assert body == b'data: {"number":0}\n\ndata: {"number":1}\n\n'


async def test_an_empty_stream_is_an_event_stream_all_the_same(caller: Any) -> None:
    headers, types, body = await read(caller.events("EchoService/Plain", how="empty"))
    assert (headers["x-http-status"], types, body) == (
        "200",
        ["text/event-stream"],
        b": keep-alive\n\n",
    )


@pytest.mark.parametrize(
    ("sent", "header", "how", "status"),
    [
        (None, "3", "over", "204"),
        ("3", None, "over", "204"),
        ("3", "garbage", "over", "204"),
        (None, "3", "ok", "200"),
        # Who has seen nothing is told that it is a stream, and so is who was told nonsense.
        (None, None, "over", "200"),
        (None, "garbage", "over", "200"),
    ],
)
async def test_a_stream_that_is_over_tells_who_has_seen_all_of_it(
    caller: Any, sent: str | None, header: str | None, how: str, status: str
) -> None:
    metadata = (("last-event-id", header),) if header is not None else ()
    strings = {"after": sent} if sent else {}
    call = caller.events("EchoService/Count", metadata, how=how, **strings)
    headers, types, body = await read(call)
    assert headers["x-http-status"] == status
    if status == "204":
        assert (types, body, headers["cache-control"]) == (
            [],
            b"",
            "no-store, no-transform",
        )
    else:
        assert set(types) == {"text/event-stream"}


async def test_a_stream_that_ends_because_the_server_stops_is_not_over(serve: Any) -> None:
    stopping = asyncio.Event()
    async with serve(stopping=stopping) as caller:
        stopping.set()
        metadata = (("last-event-id", "3"),)
        headers, types, _ = await read(caller.events("EchoService/Count", metadata, how="over"))
        assert (headers["x-http-status"], types) == ("200", ["text/event-stream"])


async def test_a_resumed_stream_is_messages_over_grpc(caller: Any) -> None:
    call = caller.echo.Count(pb.CountRequest(how="over", after=3))
    assert [reply async for reply in call] == []


@pytest.mark.parametrize(
    ("sent", "header", "first"),
    [
        ("5", None, 6),
        (None, "7", 8),
        ("5", "7", 8),
        ("5", "garbage", 6),
        (None, "garbage", 1),
        (None, "-1", 1),
        (None, "", 1),
    ],
)
async def test_a_stream_goes_on_where_the_client_left(
    caller: Any, sent: str | None, header: str | None, first: int
) -> None:
    metadata = (("last-event-id", header),) if header is not None else ()
    strings = {"after": sent} if sent else {}
    call = caller.events("EchoService/Count", metadata, how="ok", **strings)
    assert (await read(call))[2].startswith(event(first))


async def test_a_number_below_the_rule_is_refused_in_the_query(caller: Any) -> None:
    headers, types, body = await read(caller.events("EchoService/Count", how="ok", after="-1"))
    assert (headers["x-http-status"], types) == ("400", ["application/json"])
    assert b"after: must be at least 0" in body


@pytest.mark.parametrize("how", ["teapot", "late"])
async def test_an_error_before_the_first_event_is_an_ordinary_error(caller: Any, how: str) -> None:
    headers, types, body = await read(caller.events("EchoService/Count", how=how))
    assert (headers["x-http-status"], types, body) == ("418", ["application/json"], TEAPOT)
    assert headers["cache-control"] == "no-store"


async def test_an_interceptors_refusal_is_an_ordinary_error(serve: Any) -> None:
    @asynccontextmanager
    async def refuse(call: Any) -> AsyncIterator[Any]:
        raise edge_app.ApiError("NO_KEY")  # type: ignore[arg-type, attr-defined]
        yield

    async with serve(refuse) as caller:
        headers, types, _ = await read(caller.events("EchoService/Count", how="ok"))
        assert (headers["x-http-status"], types) == ("401", ["application/json"])


async def test_an_error_after_the_first_event_is_the_last_event(serve: Any) -> None:
    heard = []
    async with serve(on_error=lambda call, error: heard.append(str(error))) as caller:
        _, _, body = await read(caller.events("EchoService/Count", how="break"))
        assert body == event(1) + event(2) + event(3) + b"event: error\ndata: " + TEAPOT + b"\n\n"
        assert heard == []
        _, _, body = await read(caller.events("EchoService/Count", how="zero"))
        assert body.endswith(b"event: error\ndata: " + OOPS + b"\n\n")
        assert heard == ["secret"]


async def test_a_slow_start_opens_the_stream_and_errors_become_events(serve: Any) -> None:
    async with serve(open_seconds=0.01) as caller:
        headers, _, body = await read(caller.events("EchoService/Count", how="late"))
        assert headers["x-http-status"] == "200"
        assert body == b": keep-alive\n\nevent: error\ndata: " + TEAPOT + b"\n\n"


async def test_silence_is_filled_with_comments(serve: Any) -> None:
    async with serve(heartbeat_seconds=0.02) as caller:
        call = caller.events("EchoService/Count", how="hang")
        chunks = [(await call.read()).data for _ in range(6)]
        assert chunks[:3] == [event(1), event(2), event(3)]
        assert chunks[3:] == [b": keep-alive\n\n"] * 3
        call.cancel()


@pytest.mark.parametrize("how", ["hang", "flood"])
async def test_a_client_that_leaves_frees_everything(serve: Any, how: str) -> None:
    ended = []

    @asynccontextmanager
    async def note(call: Any) -> AsyncIterator[Any]:
        try:
            yield
        finally:
            ended.append(call.method.name)

    async with serve(note) as caller:
        before = len(asyncio.all_tasks())
        call = caller.events("EchoService/Count", how=how)
        await call.read()
        call.cancel()
        await until(lambda: caller.notes == [f"count {how}"] and ended == ["Count"])
        call = caller.echo.Count(pb.CountRequest(how=how))
        await call.read()
        call.cancel()
        await until(lambda: len(caller.notes) == 2 and len(ended) == 2)
        await until(lambda: len(asyncio.all_tasks()) <= before)


@pytest.mark.parametrize("how", ["teapot", "late", "break", "zero", "hang"])
@pytest.mark.parametrize("kind", ["rest", "grpc"])
async def test_what_a_failed_stream_held_is_let_go_without_the_collector(
    caller: Any, no_collector: Any, kind: str, how: str
) -> None:
    if kind == "rest":
        call = caller.events("EchoService/Count", how=how)
    else:
        call = caller.echo.Count(pb.CountRequest(how=how))
    with suppress(grpc.aio.AioRpcError):
        while (await call.read()) is not grpc.aio.EOF:
            if how == "hang":
                break
    call.cancel()
    await until(lambda: not edge_app.alive)


async def test_a_failure_while_cleaning_up_is_reported(serve: Any) -> None:
    heard = []

    @asynccontextmanager
    async def careless(call: Any) -> AsyncIterator[Any]:
        try:
            yield
        finally:
            raise edge_app.Unknown("careless")

    async with serve(careless, on_error=lambda call, error: heard.append(str(error))) as caller:
        call = caller.events("EchoService/Count", how="hang")
        await call.read()
        call.cancel()
        await until(lambda: heard == ["careless"])


async def test_native_streams_are_messages(caller: Any) -> None:
    replies = [reply async for reply in caller.echo.Count(pb.CountRequest(how="ok", after=4))]
    assert [reply.number for reply in replies] == [5, 6, 7]
    assert [reply async for reply in caller.echo.Plain(pb.CountRequest(how="empty"))] == []


@pytest.mark.parametrize(
    ("how", "before", "code"),
    [
        ("teapot", 0, grpc.StatusCode.FAILED_PRECONDITION),
        ("break", 3, grpc.StatusCode.FAILED_PRECONDITION),
        ("zero", 3, grpc.StatusCode.INTERNAL),
    ],
)
async def test_native_streams_end_in_a_status(
    caller: Any, how: str, before: int, code: Any
) -> None:
    call = caller.echo.Count(pb.CountRequest(how=how))
    for _ in range(before):
        assert await call.read() is not grpc.aio.EOF
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert refused.value.code() == code


async def test_a_bad_native_request_of_a_stream(caller: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.echo.Count(pb.CountRequest(after=-1)).read()
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "after: must be at least 0"
