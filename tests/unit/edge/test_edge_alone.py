"""The edge stands alone: no domain, no database, no other part of this project."""

import re
import subprocess
import sys
from pathlib import Path

EDGE = Path(__file__).parents[3] / "edge"


def test_it_imports_nothing_of_the_project_but_its_own_options():
    modules = [f"edge.{path.stem}" for path in EDGE.glob("*.py") if path.stem != "__init__"]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted(m for m in sys.modules if m.partition('.')[0] in"
        " ('core', 'onegenie', 'sqlalchemy', 'psycopg')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=EDGE.parent, capture_output=True, text=True, check=True
    )
    others = set(result.stdout.split()) - {"onegenie", "onegenie.rest", "edge.v1"}
    assert all(name.startswith("edge.v1.") for name in others), others


def test_it_says_no_domains_word():
    domain = {"round", "rounds", "profile", "tenant", "shopper", "coupon", "chat", "recommend"}
    for path in EDGE.glob("*.py"):
        words = set(re.findall(r"[a-z]+", path.read_text(encoding="utf-8").lower()))
        assert not words & domain, path.name
