"""The cases of tests/cases/*.yaml: calls that must be answered alike over gRPC and REST.

docs/testing.md describes the format. One case is one call; `request` is its typed request, sent
over gRPC as it is and over REST as the contract maps it, unless `rest` says otherwise.
"""

from __future__ import annotations

import importlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import grpc
import yaml
from google.protobuf import json_format, message_factory
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from onegenie.rest.v1 import annotations_pb2 as rest

from core.services import SERVICES
from edge.contract import Contract, Method, is_required, sse_field
from edge.render import Renderer, json_cache
from tests.e2e.service import Service

FOLDER = Path(__file__).parents[1] / "cases"
KEYS = {
    "sdk": "SDK_KEY",
    "second": "SECOND_KEY",
    "other": "OTHER_KEY",
    "poor": "POOR_KEY",
    "wrong": "WRONG_KEY",
    "revoked": "REVOKED_KEY",
    "admin": "ADMIN_KEY",
    "other admin": "OTHER_ADMIN_KEY",
    "signage": "SIGNAGE_KEY",
}
_CASE_KEYS = {
    "name", "for", "method", "caller", "headers", "request", "take", "wire", "rest", "expect"
}  # fmt: skip
_EXPECT_KEYS = {"grpc", "rest", "reason", "code", "message", "fields", "data", "headers"}


@dataclass
class Case:
    """One call and what it must be answered."""

    file: str
    spec: dict[str, Any]
    method: Method | None

    @property
    def id(self) -> str:
        """The case's name for people; unique."""
        called = f" {self.method.name}" if self.method else ""
        return f"{self.file}{called}: {self.spec['name']}"

    @property
    def expect(self) -> dict[str, Any]:
        return self.spec["expect"]

    @property
    def transports(self) -> tuple[str, ...]:
        """Over what it is sent: what it has an expectation for."""
        return tuple(transport for transport in ("grpc", "rest") if transport in self.expect)


@dataclass
class Reply:
    """What came back, and over REST what was sent: `outcome` is gRPC's code or the HTTP status."""

    outcome: str | int
    reason: str = ""
    message: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    data: Any = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    verb: str = ""
    path: str = ""
    content: bytes | None = None
    new_id: str = ""


@cache
def contract() -> Contract:
    """The contract as the core serves it."""
    return Contract.load(SERVICES)


def load() -> list[Case]:
    """Every case of every file; fails on a name or a key that does not exist."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for spec in yaml.safe_load(path.read_text())["cases"]:
            for each in spec.get("for", [{}]):
                found.append(_case(path.stem, {**spec, **each}))
    names = [case.id for case in found]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    return found


def _case(file: str, spec: dict[str, Any]) -> Case:
    where = f"{file}: {spec.get('name')}"
    assert not spec.keys() - _CASE_KEYS, f"{where}: {spec.keys() - _CASE_KEYS}"
    assert not spec["expect"].keys() - _EXPECT_KEYS, f"{where}: {spec['expect'].keys()}"
    method = None
    if "method" in spec:
        domain, name = spec["method"].split(".")
        (method,) = (
            m
            for m in contract().methods.values()
            if m.path.startswith(f"/onegenie.{domain}.") and m.name == name
        )
    return Case(file, spec, method)


class Replies:
    """Runs cases against the service, each once, and keeps what came back."""

    def __init__(self, service: Service, variables: dict[str, str]) -> None:
        self.service = service
        self.variables = variables
        self._known: dict[tuple[str, str], Reply] = {}

    async def get(self, case: Case, transport: str) -> Reply:
        """The reply to a case over "grpc" or "rest"."""
        known = self._known.get((case.id, transport))
        if known is None:
            new_id = str(uuid.uuid4())
            variables = self.variables | {"NEW_ID": new_id}
            spec = {
                key: fill_in(case.spec.get(key, {}), variables)
                for key in ("request", "headers", "rest")
            }
            headers = spec["headers"] | self._authorization(case.spec.get("caller", "sdk"))
            send = self._over_rest if transport == "rest" else self._over_grpc
            known = await send(case, spec, headers)
            known.new_id = new_id
            self._known[case.id, transport] = known
        return known

    def _authorization(self, caller: str) -> dict[str, str]:
        if caller == "none":
            return {}
        if caller in KEYS:
            return {"authorization": f"Bearer {self.variables[KEYS[caller]]}"}
        return {"authorization": fill_in(caller, self.variables)}

    async def _over_grpc(self, case: Case, spec: Any, headers: dict[str, str]) -> Reply:
        method = case.method
        assert method is not None
        metadata = tuple((name.lower(), value) for name, value in headers.items())
        if "wire" in case.spec:
            reader = message_factory.GetMessageClass(method.output).FromString
            raw = self.service.channel.unary_unary(method.path, response_deserializer=reader)
            call = raw(bytes.fromhex(case.spec["wire"]), metadata=metadata, timeout=20)
        else:
            request = message_factory.GetMessageClass(method.input)()
            json_format.ParseDict(spec["request"], request)
            domain = method.service.split(".")[1]
            stubs = importlib.import_module(f"onegenie.{domain}.v1.{domain}_pb2_grpc")
            stub = getattr(stubs, method.service.rsplit(".", 1)[1] + "Stub")(self.service.channel)
            call = getattr(stub, method.name)(request, metadata=metadata, timeout=20)
        try:
            if method.server_streaming:
                return Reply("OK", data=await _events(method, call, case.spec.get("take")))
            answer = await call
        except grpc.aio.AioRpcError as error:
            return _failure(error)
        response_body = method.bindings[0].response_body if method.bindings else ""
        return Reply("OK", data=json.loads(_renderer(method).json(answer, response_body)))

    async def _over_rest(self, case: Case, spec: Any, headers: dict[str, str]) -> Reply:
        verb, path, body = "", "", None
        if case.method is not None:
            verb, path, body = _as_rest(case.method, spec["request"])
        how = spec["rest"]
        verb, path = how.get("method", verb), how.get("path", path)
        content: bytes | None = None
        if "raw" in how:
            content = how["raw"].encode()
        elif "hex" in how:
            content = bytes.fromhex(how["hex"])
        elif "body" in how or body is not None:
            content = json.dumps(how.get("body", body)).encode()
        if content is not None:
            headers = {"content-type": "application/json"} | headers
        headers = headers | how.get("headers", {})
        if how.get("query"):
            path += "?" + how["query"]
        send = self.service.http.stream(verb, path, content=content, headers=headers)
        async with send as response:
            streams = response.headers["content-type"] == "text/event-stream"
            text = ""
            async for part in response.aiter_text():
                text += part
                whole = text[: text.rfind("\n\n") + 2] if streams else ""
                if "take" in case.spec and len(_parse_events(whole)) >= case.spec["take"]:
                    text = whole
                    break
        reply = Reply(response.status_code, headers=response.headers, verb=verb, path=path)
        reply.content = content
        if streams:
            reply.data = reply.body = _parse_events(text)
        else:
            assert response.headers["content-type"] == "application/json", text
            reply.body = json.loads(text)
            reply.data = reply.body.get("data")
        return reply


def problems(case: Case, transport: str, reply: Reply, variables: dict[str, str]) -> list[str]:
    """How a reply differs from what the case expects."""
    expect = fill_in(case.expect, variables | {"NEW_ID": reply.new_id})
    found = []
    if reply.outcome != expect[transport]:
        found.append(f"{transport}: {reply.outcome}, not {expect[transport]}")
    fields = expect.get("fields", {})
    message = expect.get("message") or "; ".join(f"{k}: {v}" for k, v in fields.items())
    if "reason" not in expect:
        if transport == "rest" and isinstance(reply.body, dict):
            wanted = {"success": True, "data": expect["data"]}
            found += mismatches(wanted, reply.body)
        else:
            found += mismatches(expect["data"], reply.data, "data")
    elif transport == "rest":
        error: dict[str, Any] = {"code": expect.get("code", expect["reason"]), "message": message}
        if fields:
            error["fields"] = [{"field": k, "description": v} for k, v in fields.items()]
        found += mismatches({"success": False, "error": error}, reply.body)
    else:
        got = (reply.reason, reply.message, reply.fields)
        if got != (expect["reason"], message, list(fields.items())):
            found.append(f"{got}, not {(expect['reason'], message, fields)}")
    if transport == "rest":
        for name, value in expect.get("headers", {}).items():
            if reply.headers.get(name) != value:
                found.append(f"{name}: {reply.headers.get(name)!r}, not {value!r}")
    if found:
        found.append(f"the reply: {reply.body or reply.data or reply}"[:2000])
    return found


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MATCHERS = {
    "<uuid>": lambda value: isinstance(value, str) and bool(_UUID.fullmatch(value)),
    "<time>": lambda value: isinstance(value, str) and bool(_TIME.fullmatch(value)),
    "<text>": lambda value: isinstance(value, str) and value != "",
    "<int>": lambda value: type(value) is int,
    "<number>": lambda value: type(value) in (int, float),
    "<any>": lambda value: True,
}


def mismatches(wanted: Any, got: Any, path: str = "$") -> list[str]:
    """Where `got` is not what `wanted` says.

    Keys and values must be the same, and 882.0 is not 882. A string such as <uuid> or <time>
    stands for any such value. A key "..." allows other keys, and an element "..." at the end of a
    list allows other elements.
    """
    if isinstance(wanted, str) and wanted in _MATCHERS:
        return [] if _MATCHERS[wanted](got) else [f"{path}: {got!r} is no {wanted}"]
    if isinstance(wanted, dict) and isinstance(got, dict):
        listed = {key: value for key, value in wanted.items() if key != "..."}
        found = [f"{path}: no key {key!r}" for key in listed if key not in got]
        if "..." not in wanted:
            found += [f"{path}: key {key!r} too many" for key in got if key not in listed]
        for key in listed.keys() & got.keys():
            found += mismatches(listed[key], got[key], f"{path}.{key}")
        return found
    if isinstance(wanted, list) and isinstance(got, list):
        more = wanted[-1:] == ["..."]
        listed_items = wanted[:-1] if more else wanted
        found = []
        if len(got) < len(listed_items) or (len(got) > len(listed_items) and not more):
            found.append(f"{path}: {len(got)} elements, not {len(listed_items)}")
        for index, (one, other) in enumerate(zip(listed_items, got, strict=False)):
            found += mismatches(one, other, f"{path}[{index}]")
        return found
    if type(wanted) is type(got) and wanted == got:
        return []
    return [f"{path}: {got!r}, not {wanted!r}"]


_VARIABLE = re.compile(r"\$\{(upper )?([A-Z0-9_]+)\}")
_REPEAT = re.compile(r"\$\{(\d+) x (.+?)\}")
_NESTED = re.compile(r"\$\{nested (\d+)\}")
_LIST = re.compile(r"\$\{list (\d+)\}")


def fill_in(value: Any, variables: Mapping[str, str]) -> Any:
    """`value` with what ${…} stands for put in.

    ${NAME} a variable, ${upper NAME} the same in capitals, ${2001 x a} a text repeated, and
    ${nested 30}, as a whole value, an object in an object and so on; ${list 30} a list of numbers.
    """
    if isinstance(value, dict):
        return {fill_in(k, variables): fill_in(v, variables) for k, v in value.items()}
    if isinstance(value, list):
        return [fill_in(item, variables) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    if match := _NESTED.fullmatch(value):
        nested: Any = 1
        for _ in range(int(match[1])):
            nested = {"a": nested}
        return nested
    if match := _LIST.fullmatch(value):
        return list(range(int(match[1])))
    value = _REPEAT.sub(lambda found: found[2] * int(found[1]), value)
    return _VARIABLE.sub(lambda found: _variable(found, variables), value)


def _variable(found: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables[found[2]]
    return value.upper() if found[1] else value


@cache
def _renderer(method: Method) -> Renderer:
    return Renderer(method.surface, "UTC", json_cache(1 << 20))  # type: ignore[arg-type]


async def _events(method: Method, call: Any, take: int | None) -> list[dict[str, Any]]:
    """The messages of a stream that are events to REST clients; the first `take`, or all."""
    data = sse_field(method.output, rest.SSE_DATA)
    events = []
    async for message in call:
        # Without the data that it must have it is a mark that only moves Last-Event-ID.
        if data is None or not is_required(data) or message.HasField(data.name):
            events.append(_event(method, message))
        if len(events) == take:
            call.cancel()
            break
    return events


def _event(method: Method, message: Any) -> dict[str, Any]:
    """A message of a stream, as the event that REST clients see."""
    parts = {
        key: found.name
        for key, part in (("event", rest.SSE_EVENT), ("id", rest.SSE_ID), ("data", rest.SSE_DATA))
        if (found := sse_field(method.output, part)) is not None
    }
    event = {key: str(getattr(message, parts[key])) for key in ("event", "id") if key in parts}
    return event | {"data": json.loads(_renderer(method).json(message, parts.get("data", "")))}


def _parse_events(text: str) -> list[dict[str, Any]]:
    events = []
    for block in text.strip().split("\n\n"):
        lines = [line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")]
        event: dict[str, Any] = {name: value for name, value in lines}  # noqa: C416
        if "data" in event:
            events.append(event | {"data": json.loads(event["data"])})
    return events


def _as_rest(method: Method, request: dict[str, Any]) -> tuple[str, str, Any]:
    """Verb, path with query, and JSON body of a typed request."""
    if not method.bindings:
        return "", "", None
    binding = method.bindings[0]
    path, left = binding.template, dict(request)
    for name in binding.path_fields:
        path = path.replace("{" + name + "}", quote(str(left.pop(name, "")), safe=""))
    if binding.body == "*":
        return binding.verb, path, left
    query = urlencode(left, doseq=True)
    return binding.verb, path + (f"?{query}" if query else ""), None


def _failure(error: grpc.aio.AioRpcError) -> Reply:
    reply = Reply(error.code().name, message=error.details() or "")
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            assert info.domain == "onegenie"
            reply.reason = info.reason
        elif detail.Unpack(bad):
            reply.fields = [(v.field, v.description) for v in bad.field_violations]
    return reply
