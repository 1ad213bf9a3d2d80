"""One reply: the same method for REST and gRPC callers, over a real server."""

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from edge.reply.errors import ApiError, FieldViolation
from edge.serve.call import current_call
from edge.serve.interceptor import EdgeInterceptor
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

ROOM = str(uuid.uuid4())


def details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The details of a gRPC error by their type's name."""
    status = rpc_status.from_call(error)
    found = {}
    for packed in status.details:
        name = packed.TypeName().rpartition(".")[2]
        detail = getattr(error_details_pb2, name)()
        packed.Unpack(detail)
        found[name] = detail
    return found


async def test_a_rest_call_and_a_grpc_call_of_one_method(caller: Any) -> None:
    answer = await caller.rest("EchoService/Say", b'{"prompt":"hi"}', room_id=ROOM)
    assert (answer.status, answer.content_type) == (202, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["success"] is True
    said = answer.json()["data"]["said"]
    assert (said["room_id"], said["prompt"], said["chat_id"]) == (ROOM, "hi", None)
    request = pb.SayRequest(room_id=ROOM, prompt="hi")
    assert await caller.echo.Say(request) == pb.SayResponse(said=request)


async def test_path_query_and_body_have_their_own_fields(caller: Any) -> None:
    answer = await caller.rest(
        "EchoService/Say", b'{"prompt":"hi","room_id":"other"}', room_id=[ROOM, "from the query"]
    )
    assert answer.json()["data"]["said"]["room_id"] == ROOM
    answer = await caller.rest("EchoService/List", room_id="r", limit="5", friend_ids=["a", "b"])
    asked = answer.json()["data"]["asked"]
    assert (asked["limit"], asked["friend_ids"], asked["page"]) == (5, ["a", "b"], None)
    answer = await caller.rest("EchoService/PutThing", b'{"name":"n"}', kind="k", dry_run="true")
    assert answer.json() == {"success": True, "data": {"name": "n", "times": []}}


async def test_an_empty_body_is_an_empty_object(caller: Any) -> None:
    for body in (b"", b" \n", b"{}", None):
        answer = await caller.rest("StatusService/Word", body)
        assert (answer.status, answer.json()) == (200, {"status": 200, "data": "0 성공"})
    answer = await caller.rest("EchoService/Say", b"", room_id=ROOM)
    assert answer.json()["error"]["message"] == "prompt: is required"


async def test_query_fields_are_not_bound_beside_a_whole_body(caller: Any) -> None:
    answer = await caller.rest("StatusService/Word", b'{"friendId":8}', friend_id="9")
    assert answer.json()["data"] == "8 성공"
    answer = await caller.rest("StatusService/Word", friend_id="9")
    assert answer.json()["data"] == "9 성공"


async def test_bodies_of_all_shapes(caller: Any) -> None:
    assert (await caller.rest("EchoService/GetThing", kind="none")).json()["data"] is None
    assert (await caller.rest("StatusService/Numbers")).json() == {"status": 200, "data": [1, 2.5]}
    assert (await caller.rest("StatusService/Bare")).json() == {"choices": ["a"]}
    assert (await caller.rest("EchoService/Fail", how="not")).json()["data"] == {}
    download = await caller.rest("EchoService/Download")
    assert (download.content_type, download.body) == ("image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (b'{"long_name": "a", "age": null}', ["long_name", "age"]),
        (b'{"longName": null, "long_name": null, "age": 1, "age": 2}', ["long_name", "age"]),
        (b'{"thing": {"name": "x"}}', ["thing"]),
        (b'{"kind": "b", "nobody": 1, "update_mask": "age", "updateMask": "age"}', []),
        (b"{}", []),
        (b"", []),
        (None, []),
    ],
)
async def test_a_method_can_tell_which_keys_a_body_had(
    caller: Any, body: bytes | None, changed: Any
) -> None:
    answer = await caller.rest("EchoService/Patch", body, kind="a")
    assert answer.json() == {"success": True, "data": {"changed": changed}}


@pytest.mark.parametrize(
    ("paths", "fault"),
    [
        (None, None),
        ([], None),
        (["age", "thing"], None),
        (["nobody"], "must name fields among long_name, age, thing"),
        (["age", "thing.name"], "must name fields among long_name, age, thing"),
        (["kind"], "must name fields among long_name, age, thing"),
        (["update_mask"], "must name fields among long_name, age, thing"),
        (["longName"], "must name fields among long_name, age, thing"),
        (["*"], "must name fields among long_name, age, thing"),
        ([""], "must name fields among long_name, age, thing"),
    ],
)
async def test_a_mask_over_grpc_names_fields(caller: Any, paths: Any, fault: str | None) -> None:
    request = pb.PatchRequest(kind="a", age=1)
    if paths is not None:
        request.update_mask.SetInParent()
        request.update_mask.paths.extend(paths)
    if fault is None:
        changed = (await caller.echo.Patch(request)).changed
        assert list(changed) == (paths or [])
    else:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.echo.Patch(request)
        (violation,) = details(refused.value)["BadRequest"].field_violations
        assert (violation.field, violation.description) == ("update_mask", fault)


@pytest.mark.parametrize(
    ("mood", "seen"),
    [("Calm", "Calm"), ("CALM", "Calm"), ("calm", "Calm"), ("WILD", "wild"), ("", None)],
)
async def test_words_in_any_case_and_an_empty_string_that_is_none(
    caller: Any, mood: str, seen: str | None
) -> None:
    body = json.dumps({"prompt": "x", "mood": mood}).encode()
    answer = await caller.rest("EchoService/Say", body, room_id=ROOM)
    assert answer.json()["data"]["said"]["mood"] == seen
    said = (await caller.echo.Say(pb.SayRequest(room_id=ROOM, prompt="x", mood=mood))).said
    assert (said.mood if said.HasField("mood") else None) == seen
    for wrong in ("calmer", " calm", "wıld"):
        body = json.dumps({"prompt": "x", "mood": wrong}).encode()
        answer = await caller.rest("EchoService/Say", body, room_id=ROOM)
        assert answer.json()["error"]["message"] == "mood: must be one of Calm, wild"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b'{"friendId": 1}', 200, "application/json;charset=UTF-8"),
        (b'{"friendId": 7}', 409, "application/json;charset=UTF-8"),
        (b'{"friendId": "x"}', 400, "application/json"),
    ],
)
async def test_a_method_may_name_the_charset_of_its_own_replies(
    caller: Any, body: bytes, status: int, kind: str
) -> None:
    answer = await caller.rest("StatusService/Remove", body)
    assert (answer.status, answer.content_type) == (status, kind)


@pytest.mark.parametrize(
    "coding",
    ["gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "gzip,", "no-such"],
)
async def test_an_encoded_body_is_told_what_is_read(caller: Any, coding: str) -> None:
    metadata = (("content-encoding", coding),)
    body = gzip.compress(b'{"prompt": "x"}')
    answer = await caller.rest("EchoService/Say", body, metadata=metadata, room_id=ROOM)
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")
    assert answer.json() == {"success": False, "error": {"code": "PACKED", "message": "Packed."}}
    form = "multipart/form-data; boundary=B"
    answer = await caller.rest("StatusService/Upload", body, form, metadata=metadata, album_id="1")
    assert (answer.status, answer.json()["error"]["errorCode"]) == (415, "COMMON_7")


@pytest.mark.parametrize("coding", ["identity", "Identity", "", " ", "identity, identity"])
async def test_a_body_as_it_is_may_say_so(caller: Any, coding: str) -> None:
    metadata = (("content-encoding", coding),)
    answer = await caller.rest(
        "EchoService/Say", b'{"prompt": "x"}', metadata=metadata, room_id=ROOM
    )
    assert answer.status == 202


async def test_of_several_encodings_each_counts(caller: Any) -> None:
    metadata = (("content-encoding", "gzip"), ("content-encoding", "identity"))
    answer = await caller.rest("EchoService/Say", b"\x1f\x8b", metadata=metadata, room_id=ROOM)
    assert answer.status == 415
    # Where there is no body nothing is encoded.
    answer = await caller.rest("EchoService/List", metadata=metadata, room_id=ROOM)
    assert answer.status == 200


async def test_decoding_and_rules_are_told_together(caller: Any) -> None:
    body = {"prompt": " ", "ratio": "x", "items": [{"rec_id": "a"}, {}], "extra": {"k": "\0"}}
    answer = await caller.rest("EchoService/Say", json.dumps(body).encode(), room_id="malformed")
    assert answer.status == 400
    assert {f["field"]: f["description"] for f in answer.json()["error"]["fields"]} == {
        "ratio": "must be a number",
        "prompt": "is required",
        "items[1].rec_id": "is required",
        "extra.k": "must not contain the NUL character",
    }
    answer = await caller.rest("EchoService/Say", b'{"prompt":"x"}', room_id="malformed")
    assert answer.status == 404


async def test_bodies_that_are_not_json_and_urls_that_are_not_utf8(caller: Any) -> None:
    for body in (b"{oops", b"[" * 100_000, b"\xff\xfe", b"[]"):
        answer = await caller.rest("EchoService/Say", body, room_id=ROOM)
        assert answer.status == 400
        assert answer.json()["error"]["message"].startswith("body: ")
    answer = await caller.raw("/edgetest.v1.EchoService/List", b"\x0a\x01\xff")
    assert (answer.status, answer.json()["error"]["message"]) == (400, "url: must be UTF-8")


async def test_a_broken_rule_over_grpc_names_the_field(caller: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.echo.Say(pb.SayRequest(room_id="malformed"))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "prompt: is required"
    found = details(refused.value)
    assert (found["ErrorInfo"].reason, found["ErrorInfo"].domain) == ("INVALID", "echo")
    assert [v.field for v in found["BadRequest"].field_violations] == ["prompt"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.echo.Say(pb.SayRequest(room_id="malformed", prompt="x"))
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


async def test_bytes_that_are_no_message(caller: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.channel.unary_unary("/edgetest.v1.EchoService/Say")(b"\xff\xff")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "request: not a valid edgetest.v1.SayRequest"


async def test_a_typed_error_over_both(caller: Any) -> None:
    answer = await caller.rest("EchoService/Fail", how="teapot")
    assert (answer.status, answer.headers["retry-after"]) == (418, "2")
    assert answer.json() == {
        "success": False,
        "error": {"code": "TEAPOT", "message": "I am a teapot."},
    }
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.echo.Fail(pb.FailRequest(how="teapot"))
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    found = details(refused.value)
    assert dict(found["ErrorInfo"].metadata) == {"spout": "short"}
    assert found["RetryInfo"].retry_delay.ToMilliseconds() == 1200


@pytest.mark.parametrize("how", ["unknown", "zero", "timeout", "none", "cancelled-inside"])
async def test_a_fault_of_ours_tells_nothing_and_is_reported(serve: Any, how: str) -> None:
    heard = []
    async with serve(
        on_error=lambda call, error: heard.append((call.method.name, error))
    ) as caller:
        answer = await caller.rest("EchoService/Fail", how=how)
        assert (answer.status, answer.json()["error"]) == (
            500,
            {"code": "OOPS", "message": "Internal error."},
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.echo.Fail(pb.FailRequest(how=how))
        assert refused.value.code() == grpc.StatusCode.INTERNAL
        assert refused.value.details() == "Internal error."
        assert details(refused.value)["ErrorInfo"].reason == "INTERNAL"
    assert [name for name, _ in heard] == ["Fail", "Fail"]


async def test_a_known_error_is_not_reported(serve: Any) -> None:
    heard = []
    async with serve(on_error=lambda call, error: heard.append(error)) as caller:
        await caller.rest("EchoService/Fail", how="teapot")
        await caller.rest("EchoService/Say", b"{", room_id=ROOM)
    assert heard == []


async def test_a_servicers_own_abort_is_left_alone(caller: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.echo.Fail(pb.FailRequest(how="abort"))
    assert refused.value.code() == grpc.StatusCode.DATA_LOSS


async def test_too_large_is_413_and_resource_exhausted(serve: Any) -> None:
    async with serve(max_body_bytes=100) as caller:
        body = json.dumps({"prompt": "x", "code": "A" * 100}).encode()
        answer = await caller.rest("EchoService/Say", body, room_id=ROOM)
        assert (answer.status, answer.json()["error"]["code"]) == (413, "TOO_LARGE")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.echo.Say(pb.SayRequest(prompt="x" * 100))
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        # The method's own limit wins over the default.
        large = b"x" * 100_001
        assert (await caller.rest("StatusService/Upload", large, album_id="1")).status == 413
        assert (await caller.rest("StatusService/Upload", large[1:], album_id="1")).status == 400


async def test_more_large_bodies_at_a_time_than_there_is_room_for(serve: Any) -> None:
    from edgetest.v1 import edgetest_pb2_grpc

    async with serve(max_body_bytes=1000, large_bodies_bytes=100_000) as caller:
        stub = edgetest_pb2_grpc.StatusServiceStub(caller.channel)
        large = pb.UploadRequest(files=[pb.File(content=b"x" * 60_000)], title="slow")
        slow = asyncio.ensure_future(stub.Upload(large))
        async with asyncio.timeout(20):
            while caller.notes != ["began"]:
                await asyncio.sleep(0.01)
        large.title = ""
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Upload(large)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details(refused.value)["RetryInfo"].retry_delay.seconds == 5
        answer = await caller.rest("StatusService/Upload", b"x" * 60_000, album_id="7")
        assert (answer.status, answer.headers["retry-after"]) == (429, "5")
        assert (await caller.rest("StatusService/Upload", b"x", album_id="7")).status == 400
        slow.cancel()
        async with asyncio.timeout(20):
            while (
                await caller.rest("StatusService/Upload", b"x" * 60_000, album_id="7")
            ).status != 400:
                await asyncio.sleep(0.01)


async def test_an_upload(caller: Any) -> None:
    body = (
        b"--B\r\nContent-Disposition: form-data; name=files; filename=test.png\r\n"
        b"Content-Type: image/png\r\n\r\nabc\r\n--B--\r\n"
    )
    kind = "multipart/form-data; boundary=B"
    answer = await caller.rest("StatusService/Upload", body, kind, album_id="7")
    assert answer.status == 201
    assert answer.json()["data"]["seen"][0] == "files:test.png:image/png:3"
    assert answer.json()["data"]["createdAt"] == "1970-01-01 09:00:00"
    answer = await caller.rest("StatusService/Upload", body[:-10], kind, album_id="7")
    assert answer.status == 400
    assert answer.json()["error"]["fields"][0]["field"] == "body"
    answer = await caller.rest("StatusService/Upload", b"", kind, album_id="7")
    assert answer.status == 400
    json_body = b'{"files":[{"content":"AQ=="}]}'
    for body, kind in ((b"x=1", "text/plain"), (json_body, "application/json")):
        answer = await caller.rest("StatusService/Upload", body, kind, album_id="7")
        assert answer.json()["error"]["fields"] == [
            {"field": "body", "description": "must be multipart/form-data"}
        ]
    answer = await caller.rest("StatusService/Upload", album_id="7")
    assert answer.json()["error"]["fields"] == [{"field": "files", "description": "is required"}]


async def test_a_message_over_the_methods_limit(caller: Any) -> None:
    """Over gRPC there is no Envoy that knows the limit of a method."""
    from edgetest.v1 import edgetest_pb2_grpc

    stub = edgetest_pb2_grpc.StatusServiceStub(caller.channel)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Upload(pb.UploadRequest(files=[pb.File(content=b"x" * 100_000)]))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details(refused.value)["ErrorInfo"].reason == "TOO_LARGE"
    reply = await stub.Upload(pb.UploadRequest(files=[pb.File(content=b"x" * 99_000)]))
    assert reply.seen[0] == "files:::99000"


async def test_a_reply_with_headers_of_its_own(caller: Any) -> None:
    answer = await caller.rest("EchoService/Download", how="kept")
    assert (answer.status, answer.body) == (200, b"\x89PNG")
    assert answer.headers["cache-control"] == "private, max-age=60, immutable"
    assert (answer.headers["etag"], answer.headers["content-disposition"]) == ('"v1"', "inline")
    assert (await caller.rest("EchoService/Download")).headers["cache-control"] == "no-store"
    answer = await caller.rest("EchoService/Download", how="teapot")
    assert (answer.status, answer.headers["cache-control"]) == (418, "no-store")


@pytest.mark.parametrize(
    ("held", "status"),
    [('"v1"', 304), ('"v0", W/"v1"', 304), ("*", 304), ('"v2"', 200), ("v1", 200), ("", 200)],
)
async def test_a_client_that_holds_the_reply_is_not_sent_it_again(
    caller: Any, held: str, status: int
) -> None:
    asked = (("if-none-match", held),)
    answer = await caller.rest("EchoService/Download", metadata=asked, how="kept")
    assert (answer.status, bool(answer.body)) == (status, status == 200)
    assert answer.headers["etag"] == '"v1"'
    assert answer.headers["cache-control"] == "private, max-age=60, immutable"
    # Without a tag there is nothing to hold, and an error stays one.
    assert (await caller.rest("EchoService/Download", metadata=asked)).status == 200
    answer = await caller.rest("EchoService/Download", metadata=asked, how="teapot")
    assert answer.status == 418


async def test_interceptors_run_in_order_before_anything_is_read(serve: Any) -> None:
    seen = []

    def named(name: str) -> Any:
        @asynccontextmanager
        async def interceptor(call: Any) -> AsyncIterator[Any]:
            seen.append(f"{name} in")
            call.response_headers["x-request-id"] = "r1"
            assert call.request is None
            try:
                yield
            except Exception as error:
                seen.append(f"{name} {type(error).__name__}")
                raise
            else:
                seen.append(f"{name} {type(call.request).__name__}")

        return interceptor

    @asynccontextmanager
    async def identity(call: Any) -> AsyncIterator[Any]:
        if call.metadata.get("authorization") != "Bearer good":
            raise ApiError("NO_KEY")  # type: ignore[arg-type]
        call.identity = "me"
        assert current_call.get() is call
        yield

    async with serve(named("log"), identity, named("inner")) as caller:
        answer = await caller.rest("EchoService/Say", b"{not json", room_id="x")
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.headers["x-request-id"] == "r1"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.channel.unary_unary("/edgetest.v1.EchoService/Say")(b"\xff")
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert dict(refused.value.initial_metadata())["x-request-id"] == "r1"
        assert seen == ["log in", "log ApiError"] * 2
        seen.clear()
        good = (("authorization", "Bearer good"),)
        answer = await caller.rest(
            "EchoService/Say", b'{"prompt":"x"}', metadata=good, room_id=ROOM
        )
        assert answer.status == 202
        assert seen == ["log in", "inner in", "inner SayRequest", "log SayRequest"]
        call = caller.echo.Say(pb.SayRequest(room_id=ROOM, prompt="x"), metadata=good)
        await call
        assert dict(await call.initial_metadata())["x-request-id"] == "r1"


async def test_health_goes_through_and_everything_else_is_unknown(caller: Any) -> None:
    health = health_pb2_grpc.HealthStub(caller.channel)
    reply = await health.Check(health_pb2.HealthCheckRequest())
    assert reply.status == health_pb2.HealthCheckResponse.SERVING
    for path in ("/edgetest.v1.EchoService/Nope", "/other.v1.S/M"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.channel.unary_unary(path)(b"")
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_a_service_outside_the_contract_is_not_served(serve: Any) -> None:
    async with serve(passthrough=()) as caller:
        health = health_pb2_grpc.HealthStub(caller.channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health.Check(health_pb2.HealthCheckRequest())
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_a_method_without_a_rest_form_cannot_be_called_as_one(caller: Any) -> None:
    call = caller.echo.Sum(
        iter([pb.SumRequest(number=1)]), metadata=(("x-envoy-original-path", "/"),)
    )
    assert await call == pb.SumResponse(sum=1)


async def test_client_streams_are_typed_and_checked(caller: Any) -> None:
    numbers = [pb.SumRequest(number=n) for n in (1, 2, 3)]
    assert await caller.echo.Sum(iter(numbers)) == pb.SumResponse(sum=6)
    assert [r.sum async for r in caller.echo.Chat(iter(numbers))] == [1, 2, 3]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.echo.Sum(iter([pb.SumRequest(number=11)]))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "number: must be at most 10"


async def test_a_caller_that_leaves_ends_its_handler(caller: Any) -> None:
    task = asyncio.create_task(caller.rest("EchoService/Fail", how="slow"))
    async with asyncio.timeout(20):
        while caller.notes != ["began"]:
            await asyncio.sleep(0.01)
        task.cancel()
        while caller.notes != ["began", "ended"]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["teapot", "zero", "slow"])
@pytest.mark.parametrize("kind", ["rest", "grpc"])
async def test_what_a_failed_call_held_is_let_go_without_the_collector(
    caller: Any, no_collector: Any, kind: str, how: str
) -> None:
    if kind == "rest":
        task = asyncio.create_task(caller.rest("EchoService/Fail", how=how))
    else:
        task = asyncio.ensure_future(caller.echo.Fail(pb.FailRequest(how=how)))
    async with asyncio.timeout(20):
        if how == "slow":
            while caller.notes != ["began"]:
                await asyncio.sleep(0.01)
            task.cancel()
        await asyncio.wait((task,))
        while edge_app.alive:
            await asyncio.sleep(0.01)


async def test_a_servicer_of_the_wrong_kind_is_refused_when_it_is_called() -> None:
    class Sync:
        def Say(self, request: Any, context: Any) -> None:
            return None

    from edgetest.v1 import edgetest_pb2_grpc

    edge = EdgeInterceptor(edge_app.contract(), edge_app.EVERYBODY, domain="d")
    handler = grpc.unary_unary_rpc_method_handler(Sync().Say)
    assert edgetest_pb2_grpc.EchoServiceServicer

    async def continuation(details: Any) -> Any:
        return handler

    class Details:
        method = "/edgetest.v1.EchoService/Say"

    with pytest.raises(TypeError, match="must be a coroutine function"):
        await edge.intercept_service(continuation, Details())


def test_field_violations_are_values() -> None:
    assert FieldViolation("a", "b") == FieldViolation("a", "b")
