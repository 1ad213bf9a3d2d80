"""Generated files: the same every time, checked, and cleaned up."""

import json
import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool

from edge import gen
from edge.envoy.descriptor import BODY_NAME, envoy_descriptor, request_class
from tests import edge_app

ROOT = Path(__file__).parents[3]


def contract(folder: Path) -> Path:
    """A folder with the smallest contract, which needs its own copy of the options."""
    proto = folder / "proto"
    for name in ("edge/v1/annotations.proto", "onegenie/error/v1/reason.proto"):
        target = proto / name
        target.parent.mkdir(parents=True)
        target.write_text((ROOT / "proto" / name).read_text())
    return proto


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project's root with a contract, as the working directory."""
    proto = contract(tmp_path)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.chdir(tmp_path)
    return proto


def test_check_names_what_is_stale_and_a_run_mends_it(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path("gen")
    assert gen.main([]) == 0
    assert gen.main(["--check"]) == 0
    stub = out / "python/onegenie/error/v1/reason_pb2.py"
    openapi = out / "openapi/openapi.json"
    stub.write_text("old")
    openapi.unlink()
    stray = out / "python/onegenie/old/v1/old_pb2.py"
    stray.parent.mkdir(parents=True)
    stray.write_text("stray")
    capsys.readouterr()
    assert gen.main(["--check"]) == 1
    told = capsys.readouterr().err
    for path in (stub, openapi, stray):
        assert f"{path} is not up to date: run `python -m edge.gen`" in told
    assert len(told.splitlines()) == 3
    assert gen.main([]) == 0
    assert gen.main(["--check"]) == 0
    assert not stray.parent.exists()


def test_an_incomplete_contract_is_told_and_nothing_is_written(
    project: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    source = project / "onegenie/x/v1/x.proto"
    source.parent.mkdir(parents=True)
    source.write_text(
        'syntax = "proto3"; package onegenie.x.v1;\n'
        "service S { rpc A(M) returns (M); }\nmessage M {}\n"
    )
    with pytest.raises(SystemExit):
        gen.main([])
    assert "onegenie.x.v1.S.A: (edge.v1.method) has no access" in capfd.readouterr().err
    assert not Path("gen").exists()


def test_what_is_imported_is_the_packages_own() -> None:
    package = distribution("googleapis-common-protos")
    copied = ROOT / "gen" / "googleapis"
    names = {path.relative_to(copied).as_posix() for path in copied.rglob("*.proto")}
    assert {"google/api/annotations.proto", "google/api/http.proto"} <= names
    for name in names:
        assert (copied / name).read_bytes() == package.locate_file(name).read_bytes()  # type: ignore[attr-defined]
    assert "Apache License" in (copied / "LICENSE").read_text()


def test_committed_files_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert gen.main(["--check", "--pyi"]) == 0


def test_envoys_descriptor_is_whole_and_carries_bytes_only() -> None:
    derived = envoy_descriptor(edge_app.every_contract())
    assert derived == descriptor_pb2.FileDescriptorSet.FromString(
        (edge_app.stubs() / "envoy" / "rest.pb").read_bytes()
    )
    pool = descriptor_pool.DescriptorPool()
    for file in derived.file:
        pool.AddSerializedFile(file.SerializeToString())
    service = pool.FindServiceByName("edgetest.v1.EchoService")
    assert "Sum" not in service.methods_by_name
    for name in ("edgetest.v1.EchoService", "edgetest.v1.StatusService"):
        for method in pool.FindServiceByName(name).methods:
            assert method.output_type.full_name == "google.api.HttpBody"
            for field in method.input_type.fields:
                text = field.type == field.TYPE_STRING
                assert text or field.message_type.full_name == "google.api.HttpBody"  # type: ignore[union-attr]
    files = {file.name: file for file in derived.file}
    say = files["edge/edgetest.v1.EchoService.proto"].service[0].method[0]
    rule = say.options.Extensions[annotations_pb2.http]
    assert (rule.post, rule.body) == ("/e/say/{room_id}", BODY_NAME)


def test_query_parameters_go_by_their_json_names_too() -> None:
    method = edge_app.contract().methods["/edgetest.v1.StatusService/Word"]
    fields = request_class(method).DESCRIPTOR.fields
    assert [(f.name, f.json_name) for f in fields] == [
        ("friend_id", "friendId"),
        (BODY_NAME, BODY_NAME),
    ]


LIBRARY = """
syntax = "proto3";
package library.v1;
import "edge/v1/annotations.proto";
import "google/api/annotations.proto";
import "shared/page.proto";
service LibraryService {
  option (edge.v1.surface) = {
    envelope: ENVELOPE_SUCCESS_DATA json_names: JSON_NAMES_PROTO
    time_format: TIME_FORMAT_RFC3339_SECONDS path_prefixes: "/v1/"
  };
  rpc ListBooks(Page) returns (Page) {
    option (google.api.http) = {post: "/v1/books" body: "*"};
    option (edge.v1.method) = {access: "public"};
  }
}
"""
# It has a service that nobody here serves.
SHARED = """
syntax = "proto3";
import "nowhere_else/size.proto";
message Page { Size size = 1; }
service Other { rpc A(Page) returns (Page); }
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somebody else's working directory: a contract, what it imports, and nothing more."""
    for name, text in {
        "protos/any-folder/library.proto": LIBRARY,
        "third_party/shared/page.proto": SHARED,
        "more/nowhere_else/size.proto": 'syntax = "proto3"; message Size { int32 number = 1; }',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


FOLDERS = ["protos", "--include", "third_party", "--include", "more"]


def test_any_folder_will_do(library: Any) -> None:
    told = ["--title", "Library", "--version", "1.2", "--description", "Books."]
    assert gen.main([*FOLDERS, "--out", "made", *told]) == 0
    made = {path.relative_to("made").as_posix() for path in Path("made").rglob("*.*")}
    assert made == {
        "python/any_folder/library_pb2.py",
        "python/any_folder/library_pb2_grpc.py",
        "python/shared/page_pb2.py",
        "python/shared/page_pb2_grpc.py",
        "python/nowhere_else/size_pb2.py",
        "envoy/rest.pb",
        "openapi/openapi.json",
        "googleapis/google/api/annotations.proto",
        "googleapis/google/api/http.proto",
        "googleapis/google/rpc/code.proto",  # of the kit's options
    }
    document = json.loads(Path("made/openapi/openapi.json").read_text())
    assert document["info"] == {"title": "Library", "version": "1.2", "description": "Books."}
    assert document["paths"].keys() == {"/v1/books"}


def test_types_are_made_where_they_are_asked_for(library: Any) -> None:
    assert gen.main([*FOLDERS, "--pyi"]) == 0
    stubs = library / "gen/python"
    assert (stubs / "any_folder/library_pb2.pyi").is_file()
    assert (stubs / "any_folder/library_pb2_grpc.pyi").is_file()


def test_the_api_has_a_title_without_a_project(library: Any) -> None:
    assert gen.main(FOLDERS) == 0
    document = json.loads(Path("gen/openapi/openapi.json").read_text())
    assert document["info"] == {"title": "API", "version": "0"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "edge.gen: there is no folder nowhere\n"),
        (["protos", "--include", "nowhere"], "edge.gen: there is no folder nowhere\n"),
        (["empty"], "edge.gen: empty has no .proto files\n"),
        (
            ["protos"],
            'any-folder/library.proto:6:1: Import "shared/page.proto" was not found or had errors.',
        ),
        (["protos"], "edge.gen: name the folder of what is not found with --include\n"),
        ([*FOLDERS, "--out", "."], "edge.gen: . has empty, which is not made here"),
    ],
)
def test_what_is_missing_is_said(
    library: Any, capfd: pytest.CaptureFixture[str], arguments: Any, said: str
) -> None:
    (library / "empty").mkdir()
    _fails(arguments)
    told = capfd.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert not Path("gen").exists()


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ([], None, None),
        (["--pyi"], None, "--pyi needs mypy-protobuf: pip install 'edge-kit[stubs]'"),
        (
            [],
            "library.options",
            "a NAME.options file needs nanopb: pip install 'edge-kit[firmware]'",
        ),
    ],
)
def test_a_plugin_is_needed_for_what_it_makes(
    library: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: Any,
    options: str | None,
    said: str | None,
) -> None:
    monkeypatch.setattr(gen, "tool", lambda name: library / name)
    if options:
        (library / "protos/any-folder" / options).touch()
    if said is None:
        assert gen.main([*FOLDERS, *arguments]) == 0
    else:
        _fails([*FOLDERS, *arguments])
        assert said in capfd.readouterr().err


def test_protoc_is_needed(
    library: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gen, "find_spec", lambda name: None)
    _fails(FOLDERS)
    assert "needs grpcio-tools: pip install 'edge-kit[gen]'" in capfd.readouterr().err


def _fails(arguments: Any) -> None:
    """Run it; what it says on leaving is written as the interpreter would."""
    with pytest.raises(SystemExit) as left:
        gen.main(arguments)
    if isinstance(left.value.code, str):
        sys.stderr.write(left.value.code + "\n")
    assert left.value.code != 0


DEFAULTS = """
access_levels { name: "reader" description: "Who reads." }
rules {
  selector: "*"
  surface {
    envelope: ENVELOPE_SUCCESS_DATA json_names: JSON_NAMES_PROTO
    time_format: TIME_FORMAT_RFC3339_SECONDS path_prefixes: "/v1/"
  }
  method { access: "reader" }
}
"""
FOREIGN = """
syntax = "proto3";
PACKAGE
import "google/api/annotations.proto";
import "google/protobuf/any.proto";
service Foreign {
  rpc Get(Thing) returns (Thing) { option (google.api.http) = {get: "/v1/things/{name}"}; }
  rpc Pack(Thing) returns (Packed) { option (google.api.http) = {get: "/v1/packed"}; }
}
message Thing { string name = 1; }
message Packed { google.protobuf.Any any = 1; }
"""


@pytest.mark.parametrize(
    ("package", "file"),
    [
        ("", "foreign.proto"),
        ("", "any-where/class/foreign.proto"),
        ("google.foreign.v1", "google/foreign/v1/foreign.proto"),
        ("foreign.v2", "somewhere/else.proto"),
    ],
)
def test_a_foreign_contract_is_served_where_its_files_lie(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    package: str,
    file: str,
) -> None:
    """Its stubs are imported by their folder, as whoever makes servicers of them does."""
    source = tmp_path / "protos" / file
    source.parent.mkdir(parents=True)
    source.write_text(FOREIGN.replace("PACKAGE", f"package {package};" if package else ""))
    (tmp_path / "defaults.txtpb").write_text(DEFAULTS)
    monkeypatch.chdir(tmp_path)
    given = ["protos", "--defaults", "defaults.txtpb"]
    name = f"{package}.Foreign".removeprefix(".")
    packed = f"{package}.Packed".removeprefix(".")
    _fails(given)
    assert f"{packed}.any: google.protobuf.Any has no JSON form here" in capfd.readouterr().err
    assert gen.main([*given, "--lenient"]) == 0
    told = capfd.readouterr().err
    assert f"{name}.Pack is served over gRPC only: {packed}.any: google.protobuf.Any" in told
    document = json.loads(Path("gen/openapi/openapi.json").read_text())
    assert document["paths"].keys() == {"/v1/things/{name}"}
    derived = descriptor_pb2.FileDescriptorSet.FromString(Path("gen/envoy/rest.pb").read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for one in derived.file:
        pool.AddSerializedFile(one.SerializeToString())
    assert [m.name for m in pool.FindServiceByName(name).methods] == ["Get"]
    module = file.removesuffix(".proto").replace("-", "_").replace("/", ".") + "_pb2"
    code = f"""
import importlib, pathlib, edge
importlib.import_module({module!r})
contract = edge.load_contract([{name!r}], lenient=True, defaults=pathlib.Path("defaults.txtpb"))
print(*contract.methods, contract.access_levels)
"""
    environment = {**os.environ, "PYTHONPATH": f"gen/python{os.pathsep}{ROOT}"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == f"/{name}/Get /{name}/Pack {{'reader': 'Who reads.'}}\n"
