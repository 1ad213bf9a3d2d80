"""The edge stands alone: no domain, no database, no other part of this project."""

import re
import subprocess
import sys
from pathlib import Path

EDGE = Path(__file__).parents[3] / "edge"


def test_it_imports_nothing_else_of_the_project() -> None:
    paths = [path.relative_to(EDGE.parent).with_suffix("") for path in EDGE.rglob("*.py")]
    modules = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted(m for m in sys.modules if m.partition('.')[0] in"
        " ('core', 'onegenie', 'sqlalchemy', 'psycopg')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=EDGE.parent, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
    assert {"edge", "edge.gen", "edge.envoy.config", "edge.serve.server"} <= set(modules)


def test_it_says_no_domains_word() -> None:
    domain = {"round", "rounds", "profile", "tenant", "shopper", "coupon", "chat", "recommend"}
    for path in EDGE.rglob("*.py"):
        words = set(re.findall(r"[a-z]+", path.read_text(encoding="utf-8").lower()))
        assert not words & domain, path.name
