"""Access fails closed: who is not vouched for reaches no servicer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from edge import Call, ContractError
from tests import shelf_app
from tests.shelf_app import METHODS, pb, pb_grpc, refuse  # type: ignore[attr-defined]
from tests.support import reason_of


async def says_no(call: Call) -> None:
    """Vouch for nobody."""


async def breaks(call: Call) -> object:
    """Fail in a way that nobody foresaw."""
    raise RuntimeError("secret")


@pytest.fixture(params=[shelf_app.librarian, says_no, breaks], ids=lambda f: f.__name__)
async def shelf(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[shelf_app.Shelf, Any, bool]]:
    address = f"unix:{tmp_path}/shelf.sock"
    async with (
        shelf_app.serving(address, {"librarian": request.param}) as served,
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield served, pb_grpc.ShelfServiceStub(channel), request.param is breaks


@pytest.mark.parametrize("name", METHODS)
async def test_no_method_is_reached_without_a_credential(
    shelf: tuple[shelf_app.Shelf, Any, bool], name: str
) -> None:
    served, stub, broken = shelf
    for authorization in (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic bGV0IG1lIGlu"):
        error = await refuse(stub, name, authorization)
        assert reason_of(error) == ("INTERNAL" if broken else "UNAUTHENTICATED")
        assert "secret" not in str(error.details())
    assert served.reached == []


async def test_who_is_vouched_for_is_let_in(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/shelf.sock"
    async with (
        shelf_app.serving(address, {"librarian": shelf_app.librarian}) as served,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub: Any = pb_grpc.ShelfServiceStub(channel)
        credential = (("authorization", f"bearer {shelf_app.SECRET}"),)
        assert (await stub.GetBook(pb.GetBookRequest(isbn="7"), metadata=credential)).isbn == "7"
        assert served.reached == ["GetBook"]


def test_an_access_that_nobody_checks_keeps_the_kit_from_starting() -> None:
    with pytest.raises(ContractError) as refused:
        shelf_app.interceptor({})
    for name in METHODS:
        assert f"ShelfService/{name}: no authenticator for access 'librarian'" in str(refused.value)
    with pytest.raises(ContractError, match="'public' would never be asked"):
        shelf_app.interceptor({"librarian": shelf_app.librarian, "public": shelf_app.librarian})
