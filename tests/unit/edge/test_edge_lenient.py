"""A refused method does not refuse its service, for those who ask for that."""

from pathlib import Path

import pytest

from edge.contract.load import load_contract
from edge.contract.model import ContractError
from edge.envoy.descriptor import envoy_descriptor
from tests.edge_contract import compiled

BODY = """
service S {
  SURFACE
  rpc Good(N) returns (N) { option (google.api.http) = {get: "/v1/n/{name}"}; @PUBLIC }
  rpc Twice(N) returns (N) { option (google.api.http) = {get: "/v1/n/{name=*}"}; @PUBLIC }
  rpc Packed(N) returns (M) { option (google.api.http) = {get: "/v1/m"}; @PUBLIC }
  rpc Hidden(N) returns (N) { option (google.api.http) = {get: "/v1/h"}; }
  rpc Unknown(N) returns (N) { option (edge.v1.method).access = "nobody"; }
  rpc Wrong(W) returns (N) { @PUBLIC }
  rpc Odd(N) returns (O) { option (google.api.http) = {get: "/v1/o"}; @PUBLIC }
}
message N { string name = 1; }
message M { google.protobuf.Any any = 1; }
message O { optional string HasField = 1; optional string other = 2; }
message W { int32 word = 1 [(edge.v1.field).in = "x"]; }
"""


def test_what_cannot_be_served_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = compiled(tmp_path, monkeypatch, BODY)
    with pytest.raises(ContractError):
        load_contract([name])
    contract = load_contract([name], lenient=True)
    served = {m.name: bool(m.bindings) for m in contract.methods.values()}
    assert served == {"Good": True, "Twice": False, "Packed": False, "Odd": False}
    package = name.removesuffix(".S")
    told = dict(line.removeprefix(f"{name}.").split(" ", 1) for line in contract.left_out)
    assert told.pop("Odd").startswith("is served over gRPC only: cannot be rendered (TypeError")
    assert told == {
        "Twice": f"is served over gRPC only: GET /v1/n/{{name=*}} is already {name}.Good",
        "Packed": "is served over gRPC only: "
        f"{package}.M.any: google.protobuf.Any has no JSON form here",
        "Hidden": "is not served: (edge.v1.method) has no access",
        "Unknown": "is not served: no file declares the access 'nobody'",
        "Wrong": f"is not served: {package}.W.word: pattern, in and UUID4 are for strings",
    }
    (file,) = (f for f in envoy_descriptor(contract).file if f.service)
    assert [method.name for method in file.service[0].method] == ["Good"]


def test_of_a_whole_contract_nothing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
    service S { SURFACE rpc A(N) returns (N) { @PUBLIC } }
    message N {}
    """
    name = compiled(tmp_path, monkeypatch, body)
    contract = load_contract([name], lenient=True)
    assert (len(contract.methods), contract.left_out) == (1, ())
    assert contract.methods.keys() == load_contract([name]).methods.keys()


def test_a_service_without_a_surface_is_left_out_and_something_must_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
    service S { rpc A(N) returns (N) { @PUBLIC } }
    service T { SURFACE rpc A(N) returns (N) { @PUBLIC } }
    message N {}
    """
    name = compiled(tmp_path, monkeypatch, body)
    other = name.removesuffix("S") + "T"
    contract = load_contract([name, other], lenient=True)
    assert [service.full_name for service in contract.services] == [other]
    (told,) = contract.left_out
    assert told.startswith(f"{name} is not served: (edge.v1.surface) has no json_names")
    with pytest.raises(ContractError, match="S is not served"):
        load_contract([name], lenient=True)
    with pytest.raises(ContractError, match="there is no such service"):
        load_contract([name, "nowhere.v1.S"], lenient=True)
