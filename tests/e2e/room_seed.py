"""Reading the app document's exchanges, and sending its requests as they stand there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.seed import FOLDER

# What may follow a request or a response in the document.
_END = re.compile(
    r"^(요청|응답|경로 변수|\d+(-\d+)?\.? |(Auth|Mission|Friend|Post|User|AI) API)", re.MULTILINE
)
_REQUEST = re.compile(r"^(GET|POST|DELETE) (\S+) HTTP/1\.1\n", re.MULTILINE)
_RESPONSE = re.compile(r"^HTTP/1\.1 (\d+) .*\n", re.MULTILINE)
# The document shows a picture's bytes as the text they are not.
_PICTURE = re.compile(r"\n\n\S*PNG.*?\n--", re.DOTALL)


@dataclass(frozen=True)
class Request:
    """A request as the document has it."""

    verb: str
    path: str
    headers: dict[str, str]
    body: str

    async def send(
        self, http: httpx.AsyncClient, *pictures: bytes, **replaced: str
    ) -> httpx.Response:
        """Send it with other ids, codes and tokens (`old=new`, wherever `old` stands) and pictures.

        Its Host and Content-Length are the client's.
        """
        text, path, headers = self.body, self.path, dict(self.headers)
        for old, new in replaced.items():
            assert old in text + path + str(headers), f"{old} is not in the document"
            text, path = text.replace(old, new), path.replace(old, new)
            headers = {name: value.replace(old, new) for name, value in headers.items()}
        content = text.encode()
        if pictures:
            pieces = [piece.encode() for piece in _PICTURE.sub("\n\n\0\n--", text).split("\0")]
            assert len(pieces) == len(pictures) + 1
            content = pieces[0].replace(b"\n", b"\r\n")
            for picture, piece in zip(pictures, pieces[1:], strict=True):
                content += picture + piece.replace(b"\n", b"\r\n")
            content += b"\r\n"
        return await http.request(self.verb, path, headers=headers, content=content or None)


@dataclass(frozen=True)
class Exchange:
    """A numbered example: its request, where it has one of its own, and its response."""

    title: str
    request: Request | None
    status: int
    body: Any


def exchanges() -> dict[str, Exchange]:
    """Every example of the document, by API and number: "Auth 2-1"."""
    text = (FOLDER / "004_app.txt").read_text()
    found: dict[str, Exchange] = {}
    api = ""
    heading = re.compile(r"^(?:(\w+) API|(\d+(?:-\d+)?)\.? .*)$", re.MULTILINE)
    marks = list(heading.finditer(text))
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(text)
        part = text[mark.start() : end]
        if mark[1]:
            api = mark[1]
        elif api and (response := _RESPONSE.search(part)):
            body = _body(part[response.end() :])
            request = _request(part[: response.start()])
            name = f"{api} {mark[2]}"
            found[name] = Exchange(mark[0], request, int(response[1]), json.loads(body))
    return found


def _request(text: str) -> Request | None:
    first = _REQUEST.search(text)
    if first is None:
        return None
    rest = text[first.end() :]
    headers, _, _ = rest.partition("\n\n")
    pairs = (line.split(": ", 1) for line in headers.splitlines())
    kept = {name: value for name, value in pairs if name not in ("Host", "Content-Length")}
    return Request(first[1], first[2], kept, _body(rest))


def _body(text: str) -> str:
    """What stands between the headers and the document's next words."""
    _, _, body = text.partition("\n\n")
    end = _END.search(body)
    return body[: end.start()].strip() if end else body.strip()
