"""A server of tests/protos/shelftest, whose servicer notes every call that reaches it, and calls
that it must refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc

from edge import Authenticator, Call, EdgeInterceptor, Server, load_contract
from tests import edge_app
from tests.support import refusal

edge_app.stubs()
from shelftest.v1 import shelf_pb2 as pb  # noqa: E402
from shelftest.v1 import shelf_pb2_grpc as pb_grpc  # noqa: E402

SERVICE = "shelftest.v1.ShelfService"
SECRET = "let me in"
METHODS = ("GetBook", "CreateBook", "ScanBook", "WatchBooks", "ImportBooks", "EchoBooks")
# Each method that has a REST form, and how to call it.
REST = {
    "GetBook": ("GET", "/shelf/books/1", {}),
    "CreateBook": ("POST", "/shelf/books", {"json": {"isbn": "1"}}),
    "ScanBook": ("POST", "/shelf/scans", {"files": {"pages": ("a.pdf", b"x" * 2_000_000)}}),
    "WatchBooks": ("GET", "/shelf/events", {}),
}


async def librarian(call: Call) -> str | None:
    """Know who shows the secret."""
    return "ann" if call.bearer == SECRET else None


class Shelf(pb_grpc.ShelfServiceServicer):  # type: ignore[misc]
    """Notes the calls that reach it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def GetBook(self, request: Any, context: Any) -> Any:
        self.reached.append("GetBook")
        return pb.Book(isbn=request.isbn)

    async def CreateBook(self, request: Any, context: Any) -> Any:
        self.reached.append("CreateBook")
        return request

    async def ScanBook(self, request: Any, context: Any) -> Any:
        self.reached.append("ScanBook")
        return pb.Book(isbn=str(len(request.pages)))

    async def WatchBooks(self, request: Any, context: Any) -> Any:
        self.reached.append("WatchBooks")
        yield pb.Book(isbn="1")

    async def ImportBooks(self, request_iterator: Any, context: Any) -> Any:
        self.reached.append("ImportBooks")
        return pb.Book(isbn=str(len([book async for book in request_iterator])))

    async def EchoBooks(self, request_iterator: Any, context: Any) -> Any:
        self.reached.append("EchoBooks")
        async for book in request_iterator:
            yield book


def interceptor(authenticators: Mapping[str, Authenticator]) -> EdgeInterceptor:
    """The kit before the shelf."""
    return EdgeInterceptor(load_contract([SERVICE]), authenticators, domain="shelf")


@asynccontextmanager
async def serving(
    address: str, authenticators: Mapping[str, Authenticator]
) -> AsyncIterator[Shelf]:
    """Serve a shelf while the block runs."""
    shelf = Shelf()

    def register(server: grpc.aio.Server) -> None:
        pb_grpc.add_ShelfServiceServicer_to_server(shelf, server)

    server = Server(address, interceptor(authenticators), register)
    await server.start()
    try:
        yield shelf
    finally:
        await server.stop()


async def refuse(stub: Any, name: str, authorization: str | None) -> grpc.aio.AioRpcError:
    """Call a method, and return its error."""
    metadata = (("authorization", authorization),) if authorization else ()
    request = {
        "GetBook": pb.GetBookRequest(isbn="1"),
        "ScanBook": pb.ScanBookRequest(pages=b"x"),
        "WatchBooks": pb.WatchBooksRequest(),
    }.get(name, pb.Book(isbn="1"))
    sent: Any = iter([request]) if name in ("ImportBooks", "EchoBooks") else request
    call = getattr(stub, name)(sent, metadata=metadata, timeout=10)
    return await refusal(call.read() if name in ("WatchBooks", "EchoBooks") else call)
