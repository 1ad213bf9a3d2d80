"""Reading the app document's exchanges, its requests as the bytes that stand there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.e2e.seed import FOLDER

# What may follow a request or a response in the document.
_END = re.compile(
    r"^(요청|응답|경로 변수|\d+(-\d+)?\.? |(Auth|Mission|Friend|Post|User|AI) API)", re.MULTILINE
)
_REQUEST = re.compile(r"^(GET|POST|DELETE) \S+ HTTP/1\.1\n", re.MULTILINE)
_LENGTH = re.compile(r"^Content-Length: \d+$", re.MULTILINE)
_CONTENT_TYPE = re.compile(r"^Content-Type: (.+)$", re.MULTILINE)
_RESPONSE = re.compile(r"^HTTP/1\.1 (\d+) .*\n", re.MULTILINE)
# The document shows a picture's bytes as the text they are not.
_PICTURE = re.compile(r"\n\n\S*PNG.*?\n--", re.DOTALL)


@dataclass(frozen=True)
class Request:
    """A request as the document has it, line by line."""

    head: str
    body: str

    def bytes(self, *pictures: bytes, **replaced: str) -> bytes:
        """The request with other ids, codes and tokens (`old=new`, wherever `old` stands) and
        pictures. Its lines end in CRLF, also those of a JSON body: the documented lengths say so.
        """
        head, body = self.head, self.body
        for old, new in replaced.items():
            assert old in head + body, f"{old} is not in the document"
            head, body = head.replace(old, new), body.replace(old, new)
        content = _crlf(body)
        if pictures:
            pieces = _PICTURE.sub("\n\n\0\n--", body).split("\0")
            assert len(pieces) == len(pictures) + 1
            content = _crlf(pieces[0])
            for picture, piece in zip(pictures, pieces[1:], strict=True):
                content += picture + _crlf(piece)
            content += b"\r\n"
            # The one line that the document leaves out.
            head += f"\nContent-Length: {len(content)}"
        elif replaced and body:
            head = _LENGTH.sub(f"Content-Length: {len(content)}", head)
        return _crlf(head) + b"\r\n\r\n" + content


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


@dataclass(frozen=True)
class Exchange:
    """A numbered example: its request, where it has one of its own, and its response."""

    title: str
    request: Request | None
    status: int
    content_type: str
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
            request = _request(part[: response.start()])
            kind = _CONTENT_TYPE.search(part, response.start())
            assert kind is not None
            body = json.loads(_body(part[response.end() :]))
            found[f"{api} {mark[2]}"] = Exchange(mark[0], request, int(response[1]), kind[1], body)
    return found


def _request(text: str) -> Request | None:
    first = _REQUEST.search(text)
    if first is None:
        return None
    head, _, _ = text[first.start() :].partition("\n\n")
    return Request(head, _body(text[first.start() :]))


def _body(text: str) -> str:
    """What stands between the headers and the document's next words."""
    _, _, body = text.partition("\n\n")
    end = _END.search(body)
    return body[: end.start()].strip() if end else body.strip()
