"""Reading the shopping document's examples, and comparing an answer's shape with one of them.

The examples are not quite JSON: `...` stands for what is left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "seeds"
ELIDED = "..."

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|/\*.*?\*/|[^"./]+|.', re.DOTALL)


def examples() -> list[str]:
    """The JSON examples of sections 1 to 4, in order, as they stand there."""
    text = (FOLDER / "000_sections_1_to_4.txt").read_text()
    return re.findall(r"^\{\n.*?^\}$", text, re.MULTILINE | re.DOTALL)


def endpoints() -> list[str]:
    """The lines that name a method and a path in sections 1 to 4."""
    text = (FOLDER / "000_sections_1_to_4.txt").read_text()
    return re.findall(r"^(?:GET|POST) /\S+$", text, re.MULTILINE)


# The lines below the first one, as sections 5 to 7 have them; each request has a key.
HEADERS = "Authorization: Bearer {SDK_KEY}\nContent-Type: application/json"


def as_bytes(head: str, body: str, replaced: dict[str, str]) -> bytes:
    """A request whose first lines and body are the document's, with other ids and the key.

    `replaced` says what takes the place of what. The document has neither the protocol's name nor
    the two lines that every request has; its host is that of the complete example.
    """
    for old, new in replaced.items():
        assert old in head + body, f"{old} is not in the document"
        head, body = head.replace(old, new), body.replace(old, new)
    content = body.encode()
    first, *headers = head.split("\n")
    headers.append("Host: api.ones1ght.com")
    if content:
        headers.append(f"Content-Length: {len(content)}")
    lines = [f"{first} HTTP/1.1", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def error_table() -> list[tuple[int, str]]:
    """HTTP status and code of each row of the document's error table."""
    text = (FOLDER / "000_errors.txt").read_text()
    return [(int(a), b) for a, b in re.findall(r"^(\d{3})([A-Z_]+)", text, re.MULTILINE)]


def read(example: str) -> Any:
    """The example as a value.

    A bare `...` becomes the string "..." as a value or an element, and the key "..." (with that
    value) among the keys of an object: what `"...": "..."` in the examples is already.
    """
    out: list[str] = []
    open_brackets: list[str] = []
    for token in _TOKEN.findall(example):
        if token.startswith("/*"):
            continue
        if token == ELIDED:
            before = "".join(out).rstrip()[-1:]
            in_object = open_brackets[-1] == "{" and before != ":"
            token = '"...": "..."' if in_object else '"..."'
        elif not token.startswith('"'):
            for character in token:
                if character in "{[":
                    open_brackets.append(character)
                elif character in "}]":
                    open_brackets.pop()
        out.append(token)
    return json.loads("".join(out))


@dataclass
class Comparison:
    """What an answer lacks of an example, has beyond it, or leaves null where it has a value."""

    missing: list[str] = field(default_factory=list)
    other_types: list[str] = field(default_factory=list)
    extra: set[str] = field(default_factory=set)
    nulls: set[str] = field(default_factory=set)


def compare(example: Any, ours: Any) -> Comparison:
    """Compare keys and types of values, not the values themselves.

    Where the example leaves something out, only what it gives is asked for. Of a list, each of our
    elements is compared with the example's at its place, or with the example's last one; a list
    that has elements in the example has some in ours. Paths of `extra` and `nulls` have no indexes.
    """
    found = Comparison()
    _compare(example, ours, "data", found)
    return found


def _compare(example: Any, ours: Any, path: str, found: Comparison) -> None:
    if example == ELIDED and not isinstance(ours, dict | list):
        if ours is None:
            found.nulls.add(_plain(path))
        elif not isinstance(ours, str):
            found.other_types.append(f"{path}: {ours!r}, a string in the example")
        return
    if example == ELIDED:
        return
    if isinstance(example, dict) and isinstance(ours, dict):
        elided = ELIDED in example
        for key, value in example.items():
            if key == ELIDED:
                continue
            if key not in ours:
                found.missing.append(f"{path}.{key}")
            else:
                _compare(value, ours[key], f"{path}.{key}", found)
        if not elided:
            found.extra |= {f"{_plain(path)}.{key}" for key in ours.keys() - example.keys()}
    elif isinstance(example, list) and isinstance(ours, list):
        if example in ([], [ELIDED]):
            if not example and ours:
                found.other_types.append(f"{path}: has elements, none in the example")
            return
        if not ours:
            found.missing.append(f"{path}[0]")
        for index, element in enumerate(ours):
            at = example[min(index, len(example) - 1)]
            _compare(at, element, f"{path}[{index}]", found)
    elif ours is None and example is not None:
        found.nulls.add(_plain(path))
    elif _kind(example) != _kind(ours):
        found.other_types.append(f"{path}: {ours!r}, {example!r} in the example")
    elif isinstance(ours, float) and ours.is_integer():
        found.other_types.append(f"{path}: {ours!r} is a whole number written with a point")


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    return "number" if isinstance(value, int | float) else type(value).__name__


def _plain(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)
