"""Each case of tests/cases/*.yaml over gRPC and over REST. docs/testing.md has the format."""

from __future__ import annotations

from typing import Any

import pytest

from edge.contract.model import PUBLIC
from edge.v1 import annotations_pb2 as rest
from tests.e2e.cases import Case, Replies, contract, load, problems

CASES = load()
# Take two calls at once: tests/integration/signage.
TWO_CALLS = {"SUPERSEDED"}


def parameters(cases: list[Case]) -> list[Any]:
    """Each case over each of its transports, with a name."""
    return [
        pytest.param(case, transport, id=f"{case.id} ({transport})")
        for case in cases
        for transport in case.transports
    ]


@pytest.mark.parametrize(("case", "transport"), parameters(CASES))
async def test_case(case: Case, transport: str, replies: Replies) -> None:
    assert not problems(case, transport, await replies.get(case, transport))


def test_every_method_has_its_cases() -> None:
    """A success, a caller without a key, and every reason that the contract lists for it."""
    seen: dict[str, set[str]] = {path: set() for path in contract().methods}
    for case in CASES:
        if case.method is not None and "grpc" in case.expect:
            seen[case.method.path].add(case.expect.get("reason", "OK"))
    for path, method in contract().methods.items():
        # What is documented but cannot come about: PutProfile makes what it does not find.
        needed = {"OK", *method.rule.reasons}
        if method.access != PUBLIC:
            needed.add(method.surface.conditions[rest.CONDITION_UNAUTHENTICATED].name)
        assert needed - TWO_CALLS <= seen[path], path
