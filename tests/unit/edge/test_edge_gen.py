"""Generated files: the same every time, checked, and cleaned up."""

from importlib.metadata import distribution
from pathlib import Path

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
def project(tmp_path, monkeypatch):
    """A project's root with a contract, as the working directory."""
    proto = contract(tmp_path)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.chdir(tmp_path)
    return proto


def test_check_names_what_is_stale_and_a_run_mends_it(project, capsys):
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
        assert f"{path} is not up to date: run `make gen`" in told
    assert len(told.splitlines()) == 3
    assert gen.main([]) == 0
    assert gen.main(["--check"]) == 0
    assert not stray.parent.exists()


def test_an_incomplete_contract_is_told_and_nothing_is_written(project, capfd):
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


def test_what_is_imported_is_the_packages_own():
    package = distribution("googleapis-common-protos")
    copied = ROOT / "gen" / "googleapis"
    names = {path.relative_to(copied).as_posix() for path in copied.rglob("*.proto")}
    assert {"google/api/annotations.proto", "google/api/http.proto"} <= names
    for name in names:
        assert (copied / name).read_bytes() == package.locate_file(name).read_bytes()
    assert "Apache License" in (copied / "LICENSE").read_text()


def test_committed_files_are_up_to_date(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert gen.main(["--check"]) == 0


def test_envoys_descriptor_is_whole_and_carries_bytes_only():
    derived = envoy_descriptor(edge_app.contract())
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
                assert text or field.message_type.full_name == "google.api.HttpBody"
    files = {file.name: file for file in derived.file}
    say = files["edge/edgetest.v1.EchoService.proto"].service[0].method[0]
    rule = say.options.Extensions[annotations_pb2.http]
    assert (rule.post, rule.body) == ("/e/say/{room_id}", BODY_NAME)


def test_query_parameters_go_by_their_json_names_too():
    method = edge_app.contract().methods["/edgetest.v1.StatusService/Word"]
    fields = request_class(method).DESCRIPTOR.fields
    assert [(f.name, f.json_name) for f in fields] == [
        ("friend_id", "friendId"),
        (BODY_NAME, BODY_NAME),
    ]
