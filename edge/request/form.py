"""The REST forms of a method, and which of them a request has.

What is path, query and body differs from one google.api.http binding to the next, and Envoy's
transcoder does not say which one it took.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edge.contract.model import ANY_VERB, Binding, Method, must_be_sent
from edge.contract.template import path_regex, precedence


@dataclass(frozen=True, slots=True)
class Form:
    """One binding of a method, ready for its requests."""

    binding: Binding
    query_fields: tuple[str, ...]
    needed_fields: tuple[str, ...]  # of the query: those whose absence is seen here or not at all
    path: re.Pattern[str]


def forms(method: Method) -> tuple[Form, ...]:
    """Return the forms of a method in the order in which Envoy prefers them."""

    def order(binding: Binding) -> tuple[tuple[bool, list[int]], bool]:
        return precedence(binding.template), binding.verb == ANY_VERB

    needed = {field.name for field in method.input.fields if must_be_sent(field)}
    found = []
    for binding in sorted(method.bindings, key=order):
        query = method.query_fields_of(binding)
        path = re.compile(path_regex(binding.template))
        found.append(Form(binding, query, tuple(name for name in query if name in needed), path))
    return tuple(found)


def matching(of: Sequence[Form], verb: str, path: str) -> Form:
    """Return the form that a request line has. Raises LookupError where there is none."""
    path = path.partition("?")[0]
    for form in of:
        if form.binding.verb in (verb, ANY_VERB) and form.path.fullmatch(path):
            return form
    raise LookupError(f"{verb} {path} is none of the method's bindings")
