"""Path templates of google.api.http, for example `/v1/{name=shelves/*/books/*}:move`."""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"\{([^=}]+)=?([^}]*)\}")


_LITERAL = r"[^/{}*=:?#\s]+"
_SEGMENT = rf"(?:\*\*|\*|{_LITERAL})"
_NAMED = rf"\{{[^/{{}}*=:\s]+(?:={_SEGMENT}(?:/{_SEGMENT})*)?\}}"
_TEMPLATE = re.compile(rf"(?:/(?:{_SEGMENT}|{_NAMED}))+(?::{_LITERAL})?")


def is_template(text: str) -> bool:
    """Return whether the text is a path template that Envoy takes: no `*` comes after a `**`."""
    return bool(_TEMPLATE.fullmatch(text)) and not re.search(r"\*\*.*\*", matched(text))


def variables(template: str) -> tuple[tuple[str, str], ...]:
    """Return each variable's field and the pattern of its value, `*` for `{name}`."""
    return tuple((found[1], found[2] or "*") for found in _VARIABLE.finditer(template))


def matched(template: str) -> str:
    """Return what the template matches, without names: `/v1/shelves/*/books/*:move`."""
    return _VARIABLE.sub(lambda found: found[2] or "*", template)


def path_regex(template: str) -> str:
    """Return the RE2 pattern of the request paths that the template stands for."""

    def part(found: re.Match[str]) -> str:
        if found[0] == "/**":  # the one pattern that also stands for nothing
            return "(?:/.*)?"
        return "[^/]+" if found[0] == "*" else re.escape(found[0])

    return re.sub(r"/\*\*|\*|[^*/]+|/", part, matched(template)) + "/*"


def precedence(template: str) -> tuple[bool, list[int]]:
    """Return the key by which Envoy prefers one of several templates that match a path.

    A verb after the path comes first; then, segment by segment, a literal before `*` before `**`.
    """
    path, _, last = matched(template).rpartition("/")
    last, verb, _ = last.partition(":")
    kinds = [{"*": 1, "**": 2}.get(segment, 0) for segment in (*path.split("/"), last)]
    if last == "**":
        kinds.append(3)  # what may also come after a `**` is a literal, and comes first
    return (not verb, kinds)
