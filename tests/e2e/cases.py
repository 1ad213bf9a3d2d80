"""The cases of tests/cases/*.yaml: calls that must be answered alike over gRPC and REST.

docs/testing.md describes the format. One case is one call; `request` is its typed request, sent
over gRPC as it is and over REST as the contract maps it, unless `rest` says otherwise.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import grpc
import httpx
import yaml
from google.protobuf import json_format, message_factory
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from PIL import Image

from core.app.services import SERVICES
from edge.contract.load import load_contract
from edge.contract.model import (
    HTTP_BODY,
    PUBLIC,
    Contract,
    Method,
    Surface,
    field_rule,
    is_required,
    sse_field,
)
from edge.reply.render import Renderer, json_cache
from edge.v1 import annotations_pb2 as rest
from tests.e2e.people import CALLERS, People, app_variables
from tests.e2e.service import Service, case_variables

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
    "service": "SERVICE_TOKEN",
}
_CASE_KEYS = {
    "name", "for", "method", "caller", "given", "headers", "request", "take", "wire", "rest",
    "expect",
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
    def surface(self) -> Surface:
        """The surface whose shape the reply has."""
        if self.method is not None:
            return self.method.surface
        return surface_of(self.spec["rest"]["path"])

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
    content_type: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@cache
def contract() -> Contract:
    """The contract as the core serves it."""
    return load_contract(SERVICES)


def surface_of(path: str) -> Surface:
    """The surface that a path belongs to; the first one for a path of nobody."""
    surfaces = contract().surfaces
    fitting = (one for one in surfaces if path.startswith(one.path_prefixes))
    return next(fitting, surfaces[0])


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

    def __init__(self, service: Service, variables: dict[str, str], people: People) -> None:
        self.service = service
        self.variables = variables
        self.people = people
        self._known: dict[tuple[str, str], Reply] = {}

    @classmethod
    async def make(cls, service: Service) -> Replies:
        """With everything in the service that the cases name."""
        people = People(service)
        variables = await case_variables(service) | await app_variables(people)
        return cls(service, variables, people)

    async def get(self, case: Case, transport: str) -> Reply:
        """The reply to a case over "grpc" or "rest"."""
        known = self._known.get((case.id, transport))
        if known is None:
            caller = case.spec.get("caller", _usual_caller(case.method))
            variables = self.variables | {"NEW_ID": str(uuid.uuid4())}
            given = case.spec.get("given", [])
            if given or caller == "new":
                states = [given] if isinstance(given, str) else given
                variables |= await self.people.make(states)
            if "FULL_PROFILE_ID" in str(case.spec):
                variables["FULL_PROFILE_ID"] = await self.service.full_profile()
            spec = {
                key: fill_in(case.spec.get(key, {}), variables)
                for key in ("request", "headers", "rest")
            }
            headers = spec["headers"] | _authorization(caller, variables)
            send = self._over_rest if transport == "rest" else self._over_grpc
            known = await send(case, spec, headers)
            known.variables = variables
            self._known[case.id, transport] = known
        return known

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
            return failure(error)
        if method.output.full_name == HTTP_BODY:
            return Reply("OK", data=_shown(answer.content_type, answer.data))
        response_body = method.bindings[0].response_body if method.bindings else ""
        return Reply("OK", data=json.loads(_renderer(method).json(answer, response_body)))

    async def _over_rest(self, case: Case, spec: Any, headers: dict[str, str]) -> Reply:
        verb, path, body = "", "", None
        if case.method is not None:
            verb, path, body = _as_rest(case.method, spec["request"])
        how = spec["rest"]
        verb, path = how.get("method", verb), how.get("path", path)
        content, kind = _content(how, body)
        if content is not None:
            headers = {"content-type": kind} | headers
        headers = headers | how.get("headers", {})
        if how.get("query"):
            path += "?" + how["query"]
        send = self.service.http.stream(verb, path, content=content, headers=headers)
        async with send as response:
            streams = response.headers.get("content-type") == "text/event-stream"
            received = b""
            async for part in response.aiter_bytes():
                received += part
                whole = received[: received.rfind(b"\n\n") + 2] if streams else b""
                if "take" in case.spec and len(_parse_events(whole)) >= case.spec["take"]:
                    received = whole
                    break
        reply = Reply(response.status_code, headers=response.headers, verb=verb, path=path)
        if response.status_code < 400:
            reply.content, reply.content_type = content, headers.get("content-type", "")
        if streams:
            reply.data = reply.body = _parse_events(received)
        elif response.headers.get("content-type", "").startswith("image/"):
            reply.data = reply.body = _shown(response.headers["content-type"], received)
        elif response.status_code in (204, 304):
            assert received == b""
        else:
            kinds = {"application/json"} | ({case.method.json_type()} if case.method else set())
            assert response.headers["content-type"] in kinds, received
            reply.body = json.loads(received)
            bare = case.method is not None and case.method.rule.bare
            known = isinstance(reply.body, dict) and "data" in reply.body
            reply.data = reply.body["data"] if known and not bare else reply.body
        return reply


def problems(case: Case, transport: str, reply: Reply) -> list[str]:
    """How a reply differs from what the case expects."""
    expect = fill_in(case.expect, reply.variables)
    found = []
    if reply.outcome != expect[transport]:
        found.append(f"{transport}: {reply.outcome}, not {expect[transport]}")
    if "reason" in expect:
        found += _wrong_error(expect, case.surface, transport, reply)
    elif transport == "grpc" or not isinstance(reply.body, dict) or _is_bare(case):
        found += mismatches(expect.get("data"), reply.data, "data")
    else:
        success_data = "success" in case.surface.envelope.success
        around = {"success": True} if success_data else {"status": expect["rest"]}
        found += mismatches(around | {"data": expect["data"]}, reply.body)
    if transport == "rest":
        for name, value in expect.get("headers", {}).items():
            found += mismatches(value, reply.headers.get(name), name)
    if found:
        found.append(f"the reply: {reply.body or reply.data or reply}"[:2000])
    return found


def _wrong_error(
    expect: dict[str, Any], surface: Surface, transport: str, reply: Reply
) -> list[str]:
    """How an error differs. A message that the case does not give is the one of its fields, or
    the catalogue's."""
    reason = surface.reasons[expect["reason"]]
    fields = expect.get("fields", {})
    message = "; ".join(f"{key}: {value}" for key, value in fields.items())
    if reason.fixed_message or not message:
        message = reason.message
    message = expect.get("message", message)
    if transport == "grpc":
        violations = {"fields": [list(pair) for pair in fields.items()]}
        wanted = {"reason": reason.name, "message": message} | violations
        got = [list(pair) for pair in reply.fields]
        return mismatches(wanted, {"reason": reply.reason, "message": reply.message, "fields": got})
    code = expect.get("code", reason.code)
    if "success" in surface.envelope.success:
        error: dict[str, Any] = {"code": code, "message": message}
        body: dict[str, Any] = {"success": False, "error": error}
    else:
        error = {"errorCode": code, "message": message}
        body = {"status": reason.http_status, "error" if reason.general else "data": error}
    if fields:
        error["fields"] = [{"field": k, "description": v} for k, v in fields.items()]
    return mismatches(body, reply.body)


def _is_bare(case: Case) -> bool:
    """Whether a success is the reply itself."""
    method = case.method
    return method is not None and (method.rule.bare or method.output.full_name == HTTP_BODY)


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_LINK = re.compile(r"https?://[^/]+/media/[0-9a-f-]{36}\?token=[\w.-]+")
_MATCHERS = {
    "<uuid>": lambda value: isinstance(value, str) and bool(_UUID.fullmatch(value)),
    "<time>": lambda value: isinstance(value, str) and bool(_TIME.fullmatch(value)),
    "<local time>": lambda value: isinstance(value, str) and bool(_LOCAL_TIME.fullmatch(value)),
    "<link>": lambda value: isinstance(value, str) and bool(_LINK.fullmatch(value)),
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
        return [] if _MATCHERS[wanted](got) else [f"{path}: {got!r} is no {wanted}"]  # type: ignore[no-untyped-call]
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
_REPEAT = re.compile(r"\$\{(\d+) x (.+?)\}", re.DOTALL)
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
    return Renderer(method.surface, ZoneInfo("Asia/Seoul"), json_cache(1 << 20))


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


def _parse_events(text: bytes) -> list[dict[str, Any]]:
    events = []
    for block in text.decode().strip().split("\n\n"):
        lines = [line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")]
        event: dict[str, Any] = {name: value for name, value in lines}  # noqa: C416
        if "data" in event:
            events.append(event | {"data": json.loads(event["data"])})
    return events


def _as_rest(method: Method, request: dict[str, Any]) -> tuple[str, str, Any]:
    """Verb, path with query, and body of a typed request: JSON, or what httpx makes a form of."""
    if not method.bindings:
        return "", "", None
    binding = method.bindings[0]
    names = {
        key: field.name for field in method.input.fields for key in (field.json_name, field.name)
    }
    fields = {names.get(key, key): value for key, value in request.items()}
    path = binding.template
    for name in binding.path_fields:
        path = path.replace("{" + name + "}", quote(str(fields.pop(name, "")), safe=""))
    if method.has_parts:
        return binding.verb, path, _form(method, fields)
    keys = {field.name: method.surface.json_key(field) for field in method.input.fields}
    left = {keys.get(name, name): value for name, value in fields.items()}
    if binding.body == "*":
        return binding.verb, path, left
    query = urlencode(left, doseq=True)
    return binding.verb, path + (f"?{query}" if query else ""), None


def _form(method: Method, fields: dict[str, Any]) -> list[tuple[str, Any]]:
    """The parts of a form, as httpx takes them."""
    parts: list[tuple[str, Any]] = []
    for name, values in fields.items():
        part = field_rule(method.input.fields_by_name[name]).part
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict):
                content = base64.b64decode(value.get("content", ""))
                kind = value.get("contentType", "application/octet-stream")
                parts.append((part, (value.get("filename", "file"), content, kind)))
            else:
                parts.append((part, (None, value)))
    return parts


def _content(how: dict[str, Any], body: Any) -> tuple[bytes | None, str]:
    """Bytes and type of a REST request: what the case says, or the typed request's."""
    if "raw" in how:
        return how["raw"].encode(), "application/json"
    if "hex" in how:
        return bytes.fromhex(how["hex"]), "application/json"
    if "parts" in how:
        end = how.get("end", "--B--\r\n").encode()
        return b"".join(_part(part) for part in how["parts"]) + end, _MULTIPART
    if isinstance(body, list) and "body" not in how:
        request = httpx.Request("POST", "http://form", files=body or [("", (None, b""))])
        return request.read(), request.headers["content-type"]
    if "body" in how or body is not None:
        return json.dumps(how.get("body", body)).encode(), "application/json"
    return None, ""


_MULTIPART = "multipart/form-data; boundary=B"


def _part(part: dict[str, str]) -> bytes:
    """A part of a form to the letter: its Content-Disposition and what is in it."""
    head = f"--B\r\nContent-Disposition: {part['head']}\r\n"
    if "type" in part:
        head += f"Content-Type: {part['type']}\r\n"
    content = base64.b64decode(part["base64"]) if "base64" in part else part["text"].encode()
    return head.encode(part.get("charset", "utf-8")) + b"\r\n" + content + b"\r\n"


def _shown(content_type: str, content: bytes) -> dict[str, Any]:
    """What cases see of a picture."""
    with Image.open(io.BytesIO(content)) as image:
        assert image.get_format_mimetype() == content_type
        return {"contentType": content_type, "width": image.width, "height": image.height}


def _usual_caller(method: Method | None) -> str:
    """Who calls when the case does not say."""
    return _USUAL_CALLERS[method.access if method is not None else "sdk_key"]


_USUAL_CALLERS = {
    PUBLIC: "none",
    "sdk_key": "sdk",
    "tenant_admin": "sdk",
    "signage": "sdk",
    "service": "sdk",
    "user": "user",
}


def _authorization(caller: str, variables: Mapping[str, str]) -> dict[str, str]:
    if caller == "none":
        return {}
    if name := (KEYS | CALLERS).get(caller):
        return {"authorization": f"Bearer {variables[name]}"}
    return {"authorization": fill_in(caller, variables)}


def failure(error: grpc.aio.AioRpcError) -> Reply:
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
