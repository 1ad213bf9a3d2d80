"""How a run is shared out among several processes (pytest-xdist); docs/testing.md says why so."""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files of tests that start what they need themselves, each test its own: in any process.
_EACH_TEST_BY_ITSELF = (
    "tests/e2e/test_envoy_failures.py",
    "tests/e2e/test_up_supervisor.py",
    "tests/integration/shop/recommend/test_recommend_crash.py",
)
# Files of tests/e2e with a service of their own; the others share one, so they stay together.
_OWN_SERVICE = (
    "tests/e2e/test_edge_envoy.py",
    "tests/e2e/test_edge_tutorial.py",
    "tests/e2e/test_envoy_front.py",
    "tests/e2e/test_remote.py",
    "tests/e2e/test_up_run.py",
)


def together(nodeid: str) -> str:
    """What a test belongs to: all of one name run in one process, one after another."""
    file = nodeid.split("::", 1)[0]
    if file in _EACH_TEST_BY_ITSELF:
        return nodeid
    if file.startswith("tests/e2e/") and file not in _OWN_SERVICE:
        return "the shared service"
    return file


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Gives out what belongs together in the order of collection.

    That is end-to-end tests first: they take longest, and small ones even out the end.
    """

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together | None:
    """Ours, unless the command line asks for another."""
    return Together(config, log) if config.getoption("dist") == "load" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured (`record_property("measured", text)`), of every process."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(value)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: tests wait more than they compute."""
    return min(2 * (os.cpu_count() or 1), 8)
