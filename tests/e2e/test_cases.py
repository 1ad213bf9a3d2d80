"""Each case of tests/cases/*.yaml over gRPC and over REST. docs/testing.md has the format."""

from __future__ import annotations

from typing import Any

import pytest
from onegenie.rest.v1 import annotations_pb2 as rest

from tests.e2e.cases import Case, Replies, contract, load, problems

CASES = load()
# Take two calls at once: tests/integration/signage.
TWO_CALLS = {"SUPERSEDED"}


def of_surface(name: str) -> Any:
    """Marks a test to be run with each case whose reasons are those, over each transport."""
    return pytest.mark.parametrize(
        ("case", "transport"),
        [
            pytest.param(case, transport, id=f"{case.id} ({transport})")
            for case in CASES
            if case.surface.reasons_enum.endswith(name)
            for transport in case.transports
        ],
    )


@of_surface("SdkReason")
async def test_case(case: Case, transport: str, replies: Replies) -> None:
    assert not problems(case, transport, await replies.get(case, transport))


@of_surface("AppReason")
async def test_app_case(case: Case, transport: str, replies: Replies) -> None:
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
        if method.access != rest.ACCESS_PUBLIC:
            needed.add(method.surface.conditions[rest.CONDITION_UNAUTHENTICATED].name)
        assert needed - TWO_CALLS <= seen[path], path
