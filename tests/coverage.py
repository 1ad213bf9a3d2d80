"""`pytest -p tests.coverage`: branch coverage of core and edge, of all processes of the run.

Processes that tests start are not measured; decision 42 says why, and what with.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from slipcover import (
    FileMatcher,
    ImportManager,
    Slipcover,
    merge_coverage,
    wrap_spec_from_file_location,
)

SOURCES = ["core", "edge"]
STUBS = ["edge/v1/*"]
LEAST = 10

# What is imported from here on is measured: pytest loads this plugin before any conftest.py.
# One process, the first, counts in the files that nobody imports.
_first = "PYTEST_XDIST_WORKER" not in os.environ
_measure = Slipcover(branch=True, source=SOURCES if _first else None, omit=STUBS)
_files = FileMatcher(SOURCES, STUBS)
ImportManager(_measure, _files).__enter__()
wrap_spec_from_file_location(_measure, _files)  # as Alembic loads migrations
_of_workers: list[dict[str, Any]] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker has seen to the first process."""
    if not _first:
        session.config.workeroutput["coverage"] = json.dumps(_measure.get_coverage())  # type: ignore[attr-defined]


def pytest_testnodedown(node: Any) -> None:
    """Keep what a worker has sent; one that crashed has sent nothing."""
    if sent := getattr(node, "workeroutput", {}).get("coverage"):
        _of_workers.append(json.loads(sent))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the total and the least covered files."""
    found: dict[str, Any] = json.loads(json.dumps(_measure.get_coverage()))
    for each in _of_workers:
        merge_coverage(found, each)
    for line in summary(found):
        terminalreporter.write_line(line)


def summary(found: dict[str, Any]) -> list[str]:
    """Write the total and the least covered files, a line each."""
    total = found["summary"]
    counts = []
    for what in ("lines", "branches"):
        covered, missing = total[f"covered_{what}"], total[f"missing_{what}"]
        counts.append(f"{covered} of {covered + missing} {what}")
    share = {name: file["summary"]["percent_covered"] for name, file in found["files"].items()}
    least = sorted(share, key=lambda name: (share[name], name))[:LEAST]
    return [
        f"coverage: {total['percent_covered']:.0f} %, {' and '.join(counts)}; least covered:",
        *(f"{share[name]:5.0f} %  {name}" for name in least),
    ]
