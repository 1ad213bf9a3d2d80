"""Nobody without a credential reaches a servicer: gRPC, gRPC-Web, REST and SSE, through Envoy.

The contract declares no reasons and answers with problem+json: what clients see are defaults.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from edge import load_contract
from tests import shelf_app
from tests.e2e.envoy_front import front_of_app
from tests.shelf_app import METHODS, REST, SECRET, SERVICE, pb, pb_grpc, refuse  # type: ignore[attr-defined]
from tests.support import reason_of

REFUSED = (None, "Bearer", "Bearer wrong", "Basic bGV0IG1lIGlu", "Bearer " + "x" * 9000)
MESSAGE = "A valid credential is needed: send it as 'Authorization: Bearer <credential>'."


@dataclass
class Running:
    """A running Envoy before a shelf."""

    shelf: shelf_app.Shelf
    http: httpx.AsyncClient
    channel: grpc.aio.Channel


@pytest.fixture(scope="module")
async def front() -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory(prefix="shelf-") as name:
        core = Path(name) / "core.sock"
        authenticators = {"librarian": shelf_app.librarian}
        async with (
            shelf_app.serving(f"unix:{core}", authenticators) as shelf,
            front_of_app(core, load_contract([SERVICE]), "shelf") as running,
            httpx.AsyncClient(base_url=running.url) as http,
            grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
        ):
            yield Running(shelf, http, channel)


def headers(authorization: str | None) -> dict[str, str]:
    return {"authorization": authorization} if authorization else {}


@pytest.mark.parametrize("name", REST)
async def test_over_rest_and_sse(front: Running, name: str) -> None:
    verb, path, sent = REST[name]
    front.shelf.reached.clear()
    for authorization in REFUSED:
        answer = await front.http.request(verb, path, headers=headers(authorization), **sent)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["content-type"]) == (
            401,
            "application/problem+json",
        )
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": MESSAGE,
            "code": "UNAUTHENTICATED",
        }
    assert front.shelf.reached == []
    answer = await front.http.request(verb, path, headers=headers(f"Bearer {SECRET}"), **sent)  # type: ignore[arg-type]
    assert (answer.is_success, front.shelf.reached) == (True, [name])


@pytest.mark.parametrize("name", METHODS)
async def test_over_grpc(front: Running, name: str) -> None:
    front.shelf.reached.clear()
    for authorization in REFUSED:
        error = await refuse(pb_grpc.ShelfServiceStub(front.channel), name, authorization)
        assert reason_of(error) == "UNAUTHENTICATED"
    assert front.shelf.reached == []


@pytest.mark.parametrize("name", ["GetBook", "CreateBook", "ScanBook", "WatchBooks"])
async def test_over_grpc_web(front: Running, name: str) -> None:
    front.shelf.reached.clear()
    message = pb.Book(isbn="1").SerializeToString()
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    kind = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    for authorization in REFUSED:
        answer = await front.http.post(
            f"/{SERVICE}/{name}", content=frame, headers=kind | headers(authorization)
        )
        trailers = answer.content.decode(errors="replace") + str(dict(answer.headers))
        assert "grpc-status:16" in trailers.replace(" ", "").replace("'", "")
    assert front.shelf.reached == []


async def test_the_fields_at_fault_and_envoys_own_errors_are_problems(front: Running) -> None:
    allowed = headers(f"Bearer {SECRET}")
    answer = await front.http.post(
        "/shelf/books", json={"authors": [{"name": "a"}, {}]}, headers=allowed
    )
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["errors"] == [
        {"pointer": "#/isbn", "detail": "is required"},
        {"pointer": "#/authors/1/name", "detail": "is required"},
    ]
    nowhere = await front.http.get("/shelf/nowhere", headers=allowed)
    assert nowhere.headers["content-type"] == "application/problem+json"
    assert (nowhere.json()["status"], nowhere.json()["code"]) == (404, "NOT_FOUND")
    created = await front.http.post("/shelf/books", json={"isbn": "1"}, headers=allowed)
    assert (created.status_code, created.json()) == (
        201,
        {"isbn": "1", "title": None, "authors": []},
    )
