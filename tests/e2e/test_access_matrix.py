"""Every method in every form x every kind of credential: who is let in is what the contract says.

Each request is one that cannot be read, so that whoever is let in hears that, and nothing comes of
it; whoever is not hears only that, in the shape of the surface.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from onegenie.error.v1 import reason_pb2

from core.app.services import SERVICES
from core.platform.clock import utc_now
from core.room.media.files import AUDIENCE as MEDIA
from core.shop.tenants.revoke_key import revoke_key
from edge.contract.model import PUBLIC, Binding, Method
from edge.v1 import annotations_pb2 as rest
from tests.e2e.cases import KEYS, Case, Replies, Reply, contract, failure, problems
from tests.e2e.people import CALLERS
from tests.e2e.service import Service
from tests.support import create_key

# Whom each access level lets in; nobody else.
RIGHT = {
    "sdk_key": {"sdk", "second", "other", "poor"},
    "tenant_admin": {"admin", "other admin"},
    "signage": {"signage"},
    "user": {"user", "friend", "stranger"},
    "service": {"service"},
}
# No message of protobuf, no JSON, no form.
UNREADABLE = b"\xff"
AT_ONCE = 16


@pytest.fixture(scope="module")
async def credentials(replies: Replies) -> dict[str, str | None]:
    """The Authorization header of every kind of caller; None for a call without one."""
    known, people = replies.variables, replies.people
    secrets_ = {
        name: known[variable]
        for name, variable in (KEYS | CALLERS).items()
        if variable in known  # "new" is of one case only
    }
    made_up = {
        "made-up " + prefix: prefix + secrets.token_urlsafe(32)
        for prefix in ("osk_", "oat_", "osg_", "ort_", "")
    }
    demo = await replies.service.caller(known["SDK_KEY"])
    async with people.database.begin() as conn:
        for kind in ("admin", "signage"):
            key_id, made_up[f"revoked {kind}"] = await create_key(
                conn, demo.tenant_id, kind, "revoked"
            )
            await revoke_key(conn, demo.tenant_id, key_id)
    refresh = await people.make(["refresh token"])
    claims = {"file": known["USER_FILE_ID"], "size": "picture"}
    tokens = {
        "media token": people.signer.sign(MEDIA, claims, utc_now() + timedelta(days=1)),
        "refresh token": refresh["REFRESH_TOKEN"],
        "sdk without its prefix": known["SDK_KEY"].removeprefix("osk_"),
        "sdk as a staff's": known["SDK_KEY"].replace("osk_", "oat_"),
    }
    headers = {name: f"Bearer {secret}" for name, secret in (secrets_ | made_up | tokens).items()}
    others = {
        "empty": "",
        "scheme alone": "Bearer",
        "sdk without a scheme": known["SDK_KEY"],
        "user without a scheme": known["USER_TOKEN"],
        "sdk by another scheme": f"Basic {known['SDK_KEY']}",
        "two keys": f"Bearer {known['SDK_KEY']}, Bearer {known['USER_TOKEN']}",
    }
    assert len(headers) > 25
    return {"none": None} | headers | others


Send = Callable[[str | None], Awaitable[Reply]]


async def wrong_cells(
    credentials: dict[str, str | None], transport: str, rows: list[tuple[str, Method, Send]]
) -> list[str]:
    """Each method's form and caller whose answer is not the contract's."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def cell(name: str, method: Method, send: Send, caller: str) -> list[str]:
        async with turn:
            reply = await send(credentials[caller])
        let_in = method.access == PUBLIC or caller in RIGHT[method.access]
        found = (
            _wrongly_refused(method, transport, reply)
            if let_in
            else _wrongly_let_in(method, transport, reply)
        )
        return [f"{name}, {caller}: {problem}" for problem in found]

    calls = [cell(*row, caller) for row in rows for caller in credentials]
    return [problem for found in await asyncio.gather(*calls) for problem in found]


def _wrongly_let_in(method: Method, transport: str, reply: Reply) -> list[str]:
    """How a reply is not the surface's to somebody unknown."""
    reason = method.surface.conditions[rest.CONDITION_UNAUTHENTICATED]
    expect = {
        "grpc": "UNAUTHENTICATED",
        "rest": 401,
        "reason": reason.name,
        "headers": {"www-authenticate": "Bearer", "cache-control": "no-store"},
    }
    return problems(Case("", {"expect": expect}, method), transport, reply)


def _wrongly_refused(method: Method, transport: str, reply: Reply) -> list[str]:
    """How a reply is not one to a request that says nothing, from somebody known."""
    fine: set[Any] = {"INVALID_ARGUMENT"}
    if transport == "rest":
        # A path that names nothing; and there are GETs that need nothing.
        fine = {200, 400, 404} if method.reads_only else {400, 404}
    return [] if reply.outcome in fine else [f"{reply.outcome}: {reply.body or reply.message}"]


async def test_over_grpc(service: Service, credentials: dict[str, str | None]) -> None:
    def sender(method: Method) -> Send:
        async def send(authorization: str | None) -> Reply:
            return await _call(service.channel, method.path, authorization)

        return send

    rows = [(path, method, sender(method)) for path, method in contract().methods.items()]
    assert not await wrong_cells(credentials, "grpc", rows)


async def test_over_rest(service: Service, credentials: dict[str, str | None]) -> None:
    def sender(method: Method, binding: Binding) -> Send:
        path = binding.template
        for name in binding.path_fields:
            path = path.replace("{" + name + "}", "x")
        kind = "multipart/form-data; boundary=B" if method.has_parts else "application/json"

        async def send(authorization: str | None) -> Reply:
            headers = {"content-type": kind} if binding.body else {}
            if authorization is not None:
                headers["authorization"] = authorization
            content = UNREADABLE if binding.body else None
            call = service.http.stream(binding.verb, path, content=content, headers=headers)
            async with call as response:
                reply = Reply(response.status_code, headers=response.headers)
                if response.status_code >= 400:
                    await response.aread()
                    reply.body = response.json()
            return reply

        return send

    rows = [
        (f"{binding.verb} {binding.template}", method, sender(method, binding))
        for method in contract().methods.values()
        for binding in method.bindings
    ]
    assert not await wrong_cells(credentials, "rest", rows)


async def test_over_grpc_web(service: Service, credentials: dict[str, str | None]) -> None:
    """As a browser sends it; a sample, for the way to the core is gRPC's."""
    frame = b"\0" + len(UNREADABLE).to_bytes(4, "big") + UNREADABLE

    def sender(method: Method) -> Send:
        async def send(authorization: str | None) -> Reply:
            headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
            if authorization is not None:
                headers["authorization"] = authorization
            answer = await service.http.post(method.path, content=frame, headers=headers)
            if not answer.content:
                # Envoy's own, before a large body: there are no details, the message says it.
                reason = method.surface.conditions[rest.CONDITION_UNAUTHENTICATED]
                code = code_pb2.Code.Name(int(answer.headers["grpc-status"]))
                return Reply(code, reason.name, unquote(answer.headers["grpc-message"]))
            assert answer.status_code == HTTPStatus.OK, answer
            # An error comes without a message before it: one frame, of trailers.
            assert answer.content[:1] == b"\x80", answer.content
            lines = answer.content[5:].decode().splitlines()
            trailers = dict(line.split(":", 1) for line in lines)
            status = status_pb2.Status.FromString(
                base64.b64decode(trailers["grpc-status-details-bin"] + "==")
            )
            info = error_details_pb2.ErrorInfo()
            assert status.details[0].Unpack(info)
            return Reply(code_pb2.Code.Name(status.code), info.reason, status.message)

        return send

    rows = [(path, method, sender(method)) for path, method in contract().methods.items()]
    sample = (
        "none",
        "made-up oat_",
        "revoked",
        "expired",
        *(min(right) for right in RIGHT.values()),
    )
    some = {caller: credentials[caller] for caller in sample}
    assert not await wrong_cells(some, "grpc", rows)


async def test_nothing_else_is_on_the_port(
    service: Service, credentials: dict[str, str | None]
) -> None:
    """What the contract has for other ports, and what Envoy asks of the core, is nobody's here."""
    served = set(contract().methods)
    elsewhere = {path for path in _all_methods() if path not in served}
    assert "/onegenie.meal.v1.MealService/SuggestMeal" in elsewhere
    elsewhere |= {
        "/envoy.service.auth.v3.Authorization/Check",
        *(f"/{name}/NoSuchMethod" for name in SERVICES),
    }
    for path in sorted(elsewhere):
        for authorization in credentials.values():
            reply = await _call(service.channel, path, authorization)
            assert reply.outcome == "UNIMPLEMENTED", path
    # And over REST the methods themselves are no paths.
    for path in sorted(served | elsewhere):
        for name in ("none", "sdk", "admin", "user", "service"):
            sent = {"authorization": credentials[name]} if credentials[name] else {}
            answer = await service.http.post(path, json={}, headers=sent)  # type: ignore[arg-type]
            assert answer.status_code in (401, 404), path


def _all_methods() -> list[str]:
    """Paths of every method that any file of the contract has."""
    found = []
    stubs = Path(reason_pb2.__file__).parents[3]
    for path in stubs.glob("onegenie/*/*/*_pb2.py"):
        name = ".".join(path.relative_to(stubs).with_suffix("").parts)
        file: Any = importlib.import_module(name).DESCRIPTOR
        for service in file.services_by_name.values():
            found += [f"/{service.full_name}/{method.name}" for method in service.methods]
    return found


async def _call(channel: grpc.aio.Channel, path: str, authorization: str | None) -> Reply:
    """Send what is no message; a stream's first answer is waited for."""
    metadata = () if authorization is None else (("authorization", authorization),)
    call = channel.unary_stream(path)(UNREADABLE, metadata=metadata, timeout=20)
    try:
        await call.read()
    except grpc.aio.AioRpcError as error:
        return failure(error)
    call.cancel()
    return Reply("OK")
