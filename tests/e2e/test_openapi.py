"""gen/openapi/openapi.json is valid, and true: every reply of the REST cases is as it says."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from edge.request import multipart
from tests.e2e.cases import Case, Replies, Reply, load

DOCUMENT = json.loads((Path(__file__).parents[2] / "gen" / "openapi" / "openapi.json").read_text())
# Documented for every operation; no case can bring them about at will.
NOT_AT_WILL = {"429", "500", "503", "504"}


def test_it_is_valid() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    validate(DOCUMENT)


async def test_every_reply_is_as_it_says(replies: Replies) -> None:
    wrong, checked = [], 0
    for case, reply in await _rest_replies(replies):
        operation = _operation(reply)
        if operation is None:
            assert reply.outcome == 404, case.id
            continue
        documented = operation["responses"].get(str(reply.outcome))
        if documented is None:
            wrong.append(f"{case.id}: {reply.outcome} is not documented")
            continue
        for error in _errors(documented, reply):
            wrong.append(f"{case.id}: {reply.outcome} {error.json_path}: {error.message[:200]}")
        checked += 1
    assert not wrong, "\n".join(wrong)
    assert checked > 100


async def test_what_is_accepted_is_as_it_says(replies: Replies) -> None:
    """Bodies that the service takes are valid by the document, but for what it takes beside it."""
    lenient = {
        "accounts SendSignUpCode: keys as in the contract",
        "profile PutProfile: age as a string of digits",
        "trigger TriggerSignage: nulls are none",
    }
    checked = 0
    for case, reply in await _rest_replies(replies):
        operation = _operation(reply)
        if operation is None or int(reply.outcome) >= 400 or not reply.content:
            continue
        ((kind, media),) = operation["requestBody"]["content"].items()
        body = _json(reply.content) if kind == "application/json" else _form(reply, media)
        components = {"components": {"schemas": DOCUMENT["components"]["schemas"]}}
        errors = list(Draft202012Validator(media["schema"] | components).iter_errors(body))
        assert bool(errors) == (case.id in lenient), f"{case.id}: {errors}"
        checked += 1
    assert checked > 20


async def test_every_status_it_lists_comes_about(replies: Replies) -> None:
    seen: dict[str, set[str]] = {}
    for _, reply in await _rest_replies(replies):
        if operation := _operation(reply):
            seen.setdefault(operation["operationId"], set()).add(str(reply.outcome))
    listed = {
        operation["operationId"]: set(operation["responses"])
        - NOT_AT_WILL
        # Of a request that has nothing in it, nothing can be wrong.
        - (set() if operation.keys() & {"parameters", "requestBody"} else {"400"})
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    }
    unseen = {name: statuses - seen.get(name, set()) for name, statuses in listed.items()}
    assert not {name: statuses for name, statuses in unseen.items() if statuses}


async def test_it_tells_a_wrong_reply() -> None:
    """The checks above can fail: a key that is missing, one too many, a value of another type."""
    path = DOCUMENT["paths"]["/v1/profile/{profile_id}"]["get"]["responses"]
    profile = {
        "profile_id": "6b97957c-0000-4000-8000-000000000000",
        **dict.fromkeys(("name", "gender", "age", "locale", "persona", "extra")),
        "created_at": "2026-04-29T05:28:08Z",
        "updated_at": "2026-04-29T05:28:08Z",
    }

    def faults(**change: Any) -> int:
        data = {k: v for k, v in (profile | change).items() if v != "left out"}
        return len(_errors(path["200"], Reply(200, body={"success": True, "data": data})))

    assert faults() == 0
    assert faults(name="left out") == 1
    assert faults(nickname="하나") == 1
    assert faults(age="34") == 1
    assert len(_errors(path["404"], Reply(404, body={"success": False, "error": {}}))) >= 1


async def _rest_replies(replies: Replies) -> list[tuple[Case, Reply]]:
    return [(case, await replies.get(case, "rest")) for case in load() if "rest" in case.transports]


def _json(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"))


def _form(reply: Reply, media: dict[str, Any]) -> dict[str, Any]:
    """The parts of a form by their names, those that may come again as lists."""
    assert reply.content is not None
    found: dict[str, Any] = {}
    for part in multipart.parse(reply.content_type, reply.content):
        if media["schema"]["properties"].get(part.name, {}).get("type") == "array":
            found.setdefault(part.name, []).append("a file")
        else:
            found[part.name] = "a file" if part.filename else part.content.decode()
    return found


def _operation(reply: Reply) -> dict[str, Any] | None:
    """The operation a request was for; None when its method and path are none's."""
    path = re.sub("/+", "/", reply.path.split("?")[0]).rstrip("/")
    for template, operations in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return operations.get(reply.verb.lower())
    return None


def _errors(documented: dict[str, Any], reply: Reply) -> list[Any]:
    """What is wrong with a reply by a response of the document."""
    if "$ref" in documented:
        documented = DOCUMENT["components"]["responses"][documented["$ref"].rsplit("/", 1)[1]]
    if "content" not in documented:
        return [] if reply.body is None else [f"a body: {reply.body}"]
    content_type = reply.headers.get("content-type", "application/json")
    if (media := documented["content"].get(content_type)) is None:
        return [f"a {content_type}"]
    if content_type.startswith("image/"):
        return []
    if content_type == "text/event-stream":
        items = [{**event, "data": json.dumps(event["data"])} for event in reply.body]
        data_schema = media["x-itemSchema"]["properties"]["data"]["contentSchema"]
        checks = [(media["x-itemSchema"], item) for item in items]
        checks += [(data_schema, event["data"]) for event in reply.body]
    else:
        checks = [(media["schema"], reply.body)]
    return [error for schema, value in checks for error in _validator(schema).iter_errors(value)]


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    components = {"components": {"schemas": DOCUMENT["components"]["schemas"]}}
    return Draft202012Validator(
        _closed(schema | components), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def _closed(schema: Any) -> Any:
    """The same schema with no keys allowed but those it lists: clients may meet new ones, but the
    document must know all there are today."""
    schema = copy.deepcopy(schema)
    todo = [schema]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if isinstance(part.get("properties"), dict) and "type" in part:
                part.setdefault("additionalProperties", False)
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return schema
