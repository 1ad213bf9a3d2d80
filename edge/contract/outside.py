"""Options from outside: a file of edge.v1.Defaults, for contracts that are somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format

from edge.contract.model import ContractError, MethodDescriptor, ServiceDescriptor
from edge.v1 import annotations_pb2 as rest
from edge.v1 import defaults_pb2

Options = TypeVar("Options", rest.Surface, rest.MethodRule)


def read_defaults(path: Path) -> defaults_pb2.Defaults:
    """Return what a file in protobuf's text format says. Raises ContractError."""
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), defaults_pb2.Defaults())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ContractError([f"{path} cannot be read: {error}"]) from None


class Outside:
    """The options of services and methods, those from outside below their own."""

    def __init__(self, defaults: defaults_pb2.Defaults) -> None:
        self.access_levels = tuple(defaults.access_levels)
        # The most specific last.
        self._rules = sorted(defaults.rules, key=lambda rule: _specificity(rule.selector))
        self._matched: set[tuple[str, str]] = set()

    def surface(self, service: ServiceDescriptor) -> rest.Surface:
        """Return the surface of a service."""
        found = rest.Surface()
        for rule in self._rules:
            if rule.HasField("surface") and _matches(rule.selector, service.full_name):
                self._matched.add((rule.selector, "surface"))
                _lay_over(found, rule.surface)
        _lay_over(found, service.GetOptions().Extensions[rest.surface])
        return found

    def rule(self, method: MethodDescriptor) -> rest.MethodRule:
        """Return the rule of a method."""
        found, service = rest.MethodRule(), method.containing_service.full_name
        for rule in self._rules:
            names = (method.full_name, service)
            if rule.HasField("method") and any(_matches(rule.selector, name) for name in names):
                self._matched.add((rule.selector, "method"))
                _lay_over(found, rule.method)
        _lay_over(found, method.GetOptions().Extensions[rest.method])
        return found

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the rules, once all services and methods have been asked for."""
        selectors = [rule.selector for rule in self._rules]
        for rule in self._rules:
            where = f"defaults for {rule.selector!r}"
            if selectors.count(rule.selector) > 1:
                yield f"{where} are given twice"
            parts = [field.name for field, _ in rule.ListFields() if field.name != "selector"]
            for part in parts:
                if (rule.selector, part) not in self._matched:
                    kind = "service" if part == "surface" else "method"
                    yield f"{where}: there is no such {kind}"
            if not parts:
                yield f"{where} must have a surface or a method"


def _matches(selector: str, name: str) -> bool:
    if selector == "*":
        return True
    under = selector.removesuffix("*")
    return name.startswith(under) if under.endswith(".") else name == selector


def _specificity(selector: str) -> tuple[int, bool]:
    """Return how many names the selector has, and whether it is one whole name."""
    names = [name for name in selector.split(".") if name != "*"]
    return len(names), not selector.endswith("*")


def _lay_over(below: Options, above: Options) -> None:
    """Put the fields that `above` sets in the place of those of `below`."""
    if isinstance(above, rest.Surface) and (above.envelope or above.HasField("envelope_form")):
        # One or the other.
        below.ClearField("envelope")
        below.ClearField("envelope_form")
    for field, _ in above.ListFields():
        below.ClearField(field.name)  # type: ignore[arg-type]
    below.MergeFrom(above)
