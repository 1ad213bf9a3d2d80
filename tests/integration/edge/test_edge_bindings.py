"""Each google.api.http binding by itself: which one matched says what is path, query and body."""

import json
from typing import Any

import pytest

from edge.envoy.descriptor import BODY_NAME, request_class
from tests import edge_app

edge_app.stubs()

SHELVE = "/edgetest.v1.EchoService/Shelve"


async def shelve(caller: Any, line: str, body: dict[str, Any] | None = None, **strings: str) -> Any:
    """The answer to a request line as Envoy hands it on."""
    verb, target = line.split()
    message = request_class(edge_app.contract().methods[SHELVE])()
    for name, value in strings.items():
        getattr(message, name).append(value)
    if body is not None:
        getattr(message, BODY_NAME).data = json.dumps(body).encode()
    where = (("x-envoy-original-path", target), ("x-envoy-original-method", verb))
    answer = await caller.raw(SHELVE, message.SerializeToString(), where)
    assert answer.status == 200, answer.json()
    return answer.json()["data"]


def said(shelf: str = "", book_id: str = "", book: Any = None, copies: Any = None) -> Any:
    return {"shelf": shelf, "book_id": book_id, "book": book, "copies": copies}


async def test_a_variable_of_one_binding_is_a_key_of_anothers_body(caller: Any) -> None:
    body = {"shelf": "in the body", "book_id": "b", "book": {"title": "t"}, "copies": 2}
    for line, strings, shelf in (
        ("POST /e/shelves/s/books", {"shelf": "s"}, "s"),
        ("POST /e/books", {}, "in the body"),
    ):
        found = await shelve(caller, line, body, **strings)
        assert found == said(shelf, "b", {"title": "t"}, 2)


async def test_a_whole_body_is_not_overridden_by_a_parameter(caller: Any) -> None:
    found = await shelve(caller, "POST /e/books?shelf=evil", {"shelf": "s"}, shelf="evil")
    assert found == said("s")
    found = await shelve(caller, "POST /e/books?copies=9", copies="9")
    assert found == said()  # an empty body is an empty object


async def test_parameters_are_what_is_neither_path_nor_body(caller: Any) -> None:
    found = await shelve(
        caller, "GET /e/books/b?shelf=s&copies=3", book_id="b", shelf="s", copies="3"
    )
    assert found == said("s", "b", None, 3)
    line = "GET /e/any/s?book_id=b"
    assert await shelve(caller, line, shelf="s", book_id="b") == said("s", "b")


async def test_bodies_and_response_bodies_differ(caller: Any) -> None:
    found = await shelve(caller, "PUT /e/books/b", {"title": "t"}, book_id="b")
    assert found == {"title": "t"}
    found = await shelve(caller, "POST /e/books/b:lend", {"shelf": "s"}, book_id="b")
    assert found == "s"


@pytest.mark.parametrize(
    ("line", "data"),
    [
        ("GET /e/books/x", said("s", "b")),  # a `*` before a `**`
        ("GET /e/books/x/y?a=/e/any/x", "s"),
        ("GET /e/books", "s"),  # `**` is nothing, too
        ("GET /e/books/x%2Fy", said("s", "b")),
        ("DELETE /e/any/x", said("s", "b")),  # any verb
    ],
)
async def test_envoys_order_of_preference(caller: Any, line: str, data: Any) -> None:
    assert await shelve(caller, line, shelf="s", book_id="b") == data


async def test_a_request_that_no_binding_takes_is_a_fault_of_ours(serve: Any) -> None:
    heard = []
    async with serve(on_error=lambda call, error: heard.append(str(error))) as caller:
        with pytest.raises(AssertionError, match="OOPS"):
            await shelve(caller, "PATCH /e/books/b", book_id="b")
    assert heard == ["PATCH /e/books/b is none of the method's bindings"]


async def test_names_that_are_pythons_own(caller: Any) -> None:
    body = {
        "class": 3,
        "None": {"class": 4, "lambda": "l"},
        "self": ["a"],
        "m": "m",
        "import": {"a": 1},
    }
    answer = await caller.rest("EchoService/Odd", json.dumps(body).encode(), **{"from": "f"})
    inner = {"from": "", "class": 4, "None": None, "self": [], "lambda": "l", "import": {}}
    assert answer.json()["data"] == {"from": "f", **body, "None": inner}


async def test_an_answer_to_head_has_no_body(caller: Any) -> None:
    head = (("x-envoy-original-path", "/e/peek/x"), ("x-envoy-original-method", "HEAD"))
    for how, status in (("x", 200), ("teapot", 418)):
        raw = edge_app.rest_request("/edgetest.v1.EchoService/Peek", how=how)
        answer = await caller.raw("/edgetest.v1.EchoService/Peek", raw, head)
        assert (answer.status, answer.content_type, answer.body) == (
            status,
            "application/json",
            b"",
        )
        answer = await caller.rest("EchoService/Peek", how=how)
        assert answer.status == status


async def test_a_required_number_is_there_or_is_missed(caller: Any) -> None:
    wanted = {"id": 5, "amount": 0, "isExact": False}

    async def measured(body: Any, **strings: Any) -> Any:
        sent = json.dumps(body).encode() if body is not None else None
        return (await caller.rest("EchoService/Measure", sent, **strings)).json()

    data = (await measured(wanted, id="5"))["data"]
    assert {key: data[key] for key in wanted} == wanted
    found = await measured({"amount": None, "inner": {"id": 1}}, id="5")
    assert found["error"]["fields"] == [
        {"field": field, "description": "is required"}
        for field in ("inner.amount", "inner.isExact", "amount", "isExact")
    ]
    assert "error" not in await measured({**wanted, "inner": {**wanted, "exact": True}}, id="5")
    for empty in ({}, None):  # type: ignore[var-annotated]
        found = await measured(empty, id="5")
        assert [f["field"] for f in found["error"]["fields"]] == ["amount", "isExact"]
    assert "error" not in await measured(None, id="5", amount="0", exact="false")
    found = await measured({**wanted, "amount": -2}, id="0")
    assert found["error"]["message"] == "amount: must be at least -1"


async def test_over_grpc_a_required_number_may_be_nought(caller: Any) -> None:
    from edgetest.v1 import edgetest_pb2 as pb

    request = pb.MeasureRequest(inner=pb.MeasureRequest())
    assert await caller.echo.Measure(request) == request


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (0.1, None),
        (-0.1, None),
        ("0.05", None),
        (0.11, "must be at most 0.10000000000000001"),
        (1e39, "must be a number of a float's range"),
        ("1e39", "must be a number of a float's range"),
        ("Infinity", "must be a finite number"),
        ("NaN", "must be a finite number"),
        (True, "must be a number"),
    ],
)
async def test_floats(caller: Any, value: Any, fault: str | None) -> None:
    body = {"amount": 1, "isExact": True, "quality": value, "others": [0.3], "maybe": 1e30}
    answer = await caller.rest("EchoService/Measure", json.dumps(body).encode(), id="1")
    if fault is None:
        data = answer.json()["data"]
        assert (data["quality"], data["others"], data["maybe"]) == (float(value), [0.3], 1e30)
    else:
        assert answer.json()["error"]["message"] == f"quality: {fault}"
