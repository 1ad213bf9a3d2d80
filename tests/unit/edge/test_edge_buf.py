"""buf as somebody uses it who has just cloned the project, without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from edge import gen

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has of the project, or will have with the next commit."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run([*listed, "--", "buf*", "proto", "gen"], cwd=ROOT, capture_output=True)
    assert names.returncode == 0, names.stderr
    clone = tmp_path_factory.mktemp("clone")
    for name in names.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    return clone


def buf(clone: Path, *arguments: str) -> None:
    """Run it with an empty cache, and nothing to be had from a registry."""
    tools = gen.tool("buf").parent
    result = subprocess.run(
        [tools / "buf", *arguments],
        cwd=clone,
        env=os.environ
        | {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "BUF_CACHE_DIR": str(clone / "cache"),
            "HTTP_PROXY": "http://127.0.0.1:1",
            "HTTPS_PROXY": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def stubs(clone: Path) -> Path:
    """What `buf generate` writes."""
    buf(clone, "generate")
    return clone / "build" / "stubs"


@pytest.fixture(scope="module")
def image(clone: Path) -> descriptor_pb2.FileDescriptorSet:
    """What `buf build` makes of the workspace."""
    buf(clone, "build", "-o", "build/contract.binpb")
    read = (clone / "build" / "contract.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(read)


@pytest.mark.parametrize("command", ["lint", "build"])
def test_a_command_of_its_own(clone: Path, command: str) -> None:
    buf(clone, command)


def test_a_template_of_ones_own(clone: Path) -> None:
    (clone / "own.yaml").write_text(
        "version: v2\nplugins:\n  - protoc_builtin: python\n    out: build/own\n"
    )
    buf(clone, "generate", "--template", "own.yaml")
    assert (clone / "build" / "own" / "onegenie/mission/v1/mission_pb2.py").is_file()


def test_the_workspace_breaks_nothing_of_itself(clone: Path) -> None:
    buf(clone, "breaking", "--against", ".")


def test_every_file_has_its_stubs(stubs: Path, image: descriptor_pb2.FileDescriptorSet) -> None:
    headers = "".join(path.read_text() for path in stubs.rglob("*.pbobjc.h"))
    made = set(re.findall(r"^// source: (\S+)$", headers, re.MULTILINE))
    well_known = {file.name for file in image.file if file.package == "google.protobuf"}
    assert made == {file.name for file in image.file} - well_known
    for name in ("java/onegenie/mission/v1", "kotlin/onegenie/mission/v1", "java/com/google/api"):
        assert any((stubs / name).iterdir())


def test_an_apple_name_stands_for_one_thing(
    stubs: Path, image: descriptor_pb2.FileDescriptorSet
) -> None:
    """Objective-C has one namespace: no class, enum, enum value or function comes twice."""
    headers = [path.read_text() for path in stubs.rglob("*.pbobjc.h")]
    declared = Counter(name for header in headers for name in _declared(header))
    assert [name for name, count in declared.items() if count > 1] == []
    ours = [file for file in image.file if file.package.startswith("onegenie.")]
    assert len(ours) > 10
    for file in ours:
        assert file.options.objc_class_prefix.startswith("OGN"), f"{file.name} has no prefix"
        expected = {file.options.objc_class_prefix + name for name in _names(file)}
        assert expected <= declared.keys(), file.name


def _declared(header: str) -> Iterator[str]:
    """Every name that a header declares in the one namespace."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.DOTALL)
    yield from re.findall(r"@interface (\w+) :", code)
    yield from re.findall(r"^\w[\w *]*?(\w+)\([^()]*\);$", code, re.MULTILINE)
    for name, values in re.findall(r"typedef GPB_ENUM\((\w+)\) \{(.*?)\};", code, re.DOTALL):
        yield name
        yield from re.findall(r"^\s*(\w+)\b.*?=", values, re.MULTILINE)


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    """Messages and enums of a file, those inside of another one as Outer_Inner."""
    yield from (enum.name for enum in file.enum_type)
    waiting = [(message.name, message) for message in file.message_type]
    while waiting:
        name, message = waiting.pop()
        if not message.options.map_entry:
            yield name
            yield from (f"{name}_{enum.name}" for enum in message.enum_type)
            waiting += ((f"{name}_{inner.name}", inner) for inner in message.nested_type)
