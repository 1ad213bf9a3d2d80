"""A contract that leaves something unsaid is refused, with every problem at once."""

from pathlib import Path

import pytest

from edge.contract.load import load_contract
from edge.contract.model import ContractError, lower_camel
from tests import edge_app
from tests.edge_contract import SURFACE, compiled


def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> str:
    """What is wrong with a contract of one service `S`, one a line."""
    name = compiled(tmp_path, monkeypatch, body)
    with pytest.raises(ContractError) as refused:
        load_contract([name])
    return "\n".join(refused.value.problems)


def test_everything_said_is_accepted() -> None:
    contract = edge_app.contract()
    say = contract.methods["/edgetest.v1.EchoService/Say"]
    assert (say.access, say.success_status) == ("sdk_key", 202)
    assert say.path_fields == ("room_id",)
    assert say.query_fields == ()


def test_an_unknown_service_is_named() -> None:
    with pytest.raises(ContractError, match=r"nowhere\.v1\.S: there is no such service"):
        load_contract(["nowhere.v1.S"])


def test_a_method_without_access_and_a_service_without_surface(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = problems(tmp_path, monkeypatch, "service S { rpc A(M) returns (M); } message M {}")
    assert "S.A: (edge.v1.method) has no access" in found
    for missing in ("json_names", "time_format", "path_prefixes"):
        assert f"(edge.v1.surface) has no {missing}" in found
    assert "(edge.v1.surface) must have either envelope or envelope_form" in found


def test_a_catalogue_has_a_reason_for_each_condition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
    service S { SURFACE rpc A(M) returns (M) { @PUBLIC } }
    message M {}
    enum SReason {
      S_REASON_UNSPECIFIED = 0;
      S_REASON_BAD = 1 [(edge.v1.error) = {
        grpc_code: UNKNOWN http_status: 200 condition: CONDITION_INTERNAL }];
      S_REASON_TWICE = 2 [(edge.v1.error) = {
        grpc_code: INTERNAL http_status: 500 message: "x" condition: CONDITION_INTERNAL }];
    }
    """.replace("SURFACE", SURFACE.replace("onegenie.error.v1.SdkReason", "bad{n}.v1.SReason"))
    found = problems(tmp_path, monkeypatch, body)
    assert "S_REASON_BAD: grpc_code must be neither OK nor UNKNOWN" in found
    assert "S_REASON_BAD: http_status must be 400 to 599" in found
    assert "S_REASON_BAD: has no message" in found
    assert "S_REASON_BAD and S_REASON_TWICE both stand for CONDITION_INTERNAL" in found


def test_paths_and_bodies_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(
        tmp_path,
        monkeypatch,
        """
        service S {
          SURFACE
          rpc A(M) returns (M) {
            option (google.api.http) = {post: "/v1/{nope}/" body: "name" response_body: "nope"};
            option (edge.v1.method) = {
              access: "public" success_status: 302 reasons: "NOPE" timeout_seconds: -1 };
          }
          rpc B(M) returns (M) { option (google.api.http) = {get: "/elsewhere"}; @PUBLIC }
          rpc C(M) returns (M) { option (google.api.http) = {get: "/v1/{name}"}; @PUBLIC }
          rpc D(stream M) returns (M) { option (google.api.http) = {get: "/v1/{name}"}; @PUBLIC }
          rpc F(M) returns (M) {
            option (google.api.http) = {get: "/v1/f"};
            option (edge.v1.method) = { access: "public" ends: true };
          }
          rpc E(M) returns (stream M) {
            option (edge.v1.method) = { access: "public" timeout_seconds: 1 };
          }
        }
        message M {
          string name = 1;
          M inner = 2;
          google.protobuf.FieldMask keys = 3 [(edge.v1.field).body_keys = true];
        }
        """,
    )
    assert "{nope} is not a scalar field of M" in found
    assert "/v1/{nope}/ must not end in '/'" in found
    assert "body 'name' is not a message of M" in found
    assert "M has no field 'nope'" in found
    assert "success_status must be 200 to 299" in found
    assert "timeout_seconds must not be negative" in found
    assert "S.F: ends is for streams" in found
    assert 'S.F: body_keys needs body: "*", and no multipart' in found
    assert "S.E: a stream has no timeout_seconds" in found
    assert "SdkReason has no reason NOPE" in found
    assert "/elsewhere is under none of the surface's path_prefixes" in found
    assert "inner is a message and cannot be a query parameter" in found
    assert "GET /v1/{name} is already" in found
    assert "requests are a stream has no REST form" in found


def test_what_is_accepted_has_been_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lint does not know every name that is in the way of something."""
    found = problems(
        tmp_path,
        monkeypatch,
        """
        service S {
          SURFACE
          rpc A(N) returns (M) { option (google.api.http) = {get: "/v1/a"}; @PUBLIC }
          rpc B(N) returns (N) { option (google.api.http) = {get: "/v1/b"}; @PUBLIC }
          rpc C(N) returns (N) { option (google.api.http) = {get: "/v1/b"}; @PUBLIC }
          rpc D(N) returns (N) { option (google.api.http) = {
            get: "/v1/d/{name}" additional_bindings: {get: "/v1/d/{name}"} }; @PUBLIC }
          // and
        }
        message M { optional string HasField = 1; M inner = 2; }
        message N { string name = 1; }
        """.replace(
            "// and",
            """
          rpc E(N) returns (N) { option (google.api.http) = {get: "/v1/x/{name}"}; @PUBLIC }
          rpc F(N) returns (N) { option (google.api.http) = {get: "/v1/{name=x/*}"}; @PUBLIC }
          rpc G(N) returns (N) { option (google.api.http) = {get: "/v1/{name=y/*}"}; @PUBLIC }
          rpc H(N) returns (N) { option (google.api.http) = {get: "/v1/{name=z/*}"}; @PUBLIC }
          rpc I(N) returns (N) { option (google.api.http) = {get: "/v1/x/{name=**}"}; @PUBLIC }
          rpc J(N) returns (N) { option (google.api.http) = {post: "/v1/x/{name}"}; @PUBLIC }
            """,
        ),
    )
    assert "S.F: GET /v1/{name=x/*} is already" in found
    assert not [name for name in "GHIJ" if f"S.{name}:" in found]
    assert "S.C: GET /v1/b is already" in found
    assert "S.D: GET /v1/d/{name} is already" in found
    found = problems(
        tmp_path,
        monkeypatch,
        """
        service S {
          SURFACE
          rpc A(N) returns (M) { option (google.api.http) = {get: "/v1/a"}; @PUBLIC }
          rpc B(N) returns (N) { option (google.api.http) = {get: "/v1/b"}; @PUBLIC }
        }
        message M { optional string HasField = 1; M inner = 2; }
        message N { string name = 1; }
        """,
    )
    assert "S.A: cannot be rendered (TypeError" in found
    assert "S.B" not in found


def test_rules_must_fit_their_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(
        tmp_path,
        monkeypatch,
        """
        service S { SURFACE rpc A(M) returns (M) {
          option (google.api.http) = {post: "/v1/a" body: "*"}; @PUBLIC } }
        message M {
          string pattern = 1 [(edge.v1.field).pattern = "("];
          string bytes = 21 [(edge.v1.field).max_bytes = 9];
          string keys = 16 [(edge.v1.field).body_keys = true];
          string empty = 17 [(edge.v1.field).empty_is_absent = true];
          string other_any = 18 [(edge.v1.field).any_case = true];
          int32 digits = 19 [(edge.v1.field).takes_number = true];
          int32 word = 2 [(edge.v1.field).in = "x"];
          string number = 3 [(edge.v1.field).gte = 1];
          bool sized = 4 [(edge.v1.field).max_len = 1];
          string id = 6 [(edge.v1.field).malformed_is_not_found = true];
          google.protobuf.Any any = 8;
          string twin = 9 [(edge.v1.field).json_key = "sized"];
          string mixed_up = 13;
          string other = 14 [(edge.v1.field).json_key = "mixedUp"];
          int32 part = 10 [(edge.v1.field).part = "p"];
          string e1 = 11 [(edge.v1.field).sse = SSE_ID];
          string e2 = 12 [(edge.v1.field).sse = SSE_ID];
          int32 line = 15 [(edge.v1.field).no_control = true];
        }
        """,
    )
    for text in (
        "M.pattern: pattern '(' does not compile",
        "M.bytes: max_bytes is for Struct, Value and ListValue",
        "M.keys: body_keys is for a google.protobuf.FieldMask",
        "M.empty: empty_is_absent is for an `optional string`",
        "M.other_any: any_case is for a string with `in`",
        "M.digits: takes_number is for strings",
        "M.word: pattern, in and UUID4 are for strings",
        "M.line: no_control is for strings",
        "M.number: gte and lte are for numbers",
        "M.sized: min_len and max_len are for",
        "M.id: malformed_is_not_found is for UUIDs",
        "M.any: google.protobuf.Any has no JSON form",
        "sized and twin are both 'sized' in JSON",
        "mixed_up and other are both 'mixedUp' in JSON",
        "M.part: a multipart part fills",
        "two fields are SSE_ID",
    ):
        assert text in found


def test_lower_camel_is_protocs() -> None:
    for message in ("SayRequest", "ListRequest", "UploadRequest"):
        edge_app.stubs()
        from edgetest.v1 import edgetest_pb2

        for field in getattr(edgetest_pb2, message).DESCRIPTOR.fields:
            assert lower_camel(field.name) == field.json_name


def test_an_access_that_no_file_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    option (edge.v1.access_level) = {name: "public"};
    option (edge.v1.access_level) = {name: "twice"};
    option (edge.v1.access_level) = {name: "twice"};
    service S {
      SURFACE
      rpc A(M) returns (M) { option (edge.v1.method).access = "librarian"; }
      rpc B(M) returns (M) { option (edge.v1.method).access = "twice"; }
    }
    message M {}
    """
    found = problems(tmp_path, monkeypatch, body)
    assert "S.A: no file declares the access 'librarian'" in found
    assert "an access can't be named 'public'" in found
    assert "access 'twice' is declared twice" in found
    assert "S.B" not in found


def test_a_reason_that_stands_where_a_default_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
    service S { SURFACE rpc A(M) returns (M) { @PUBLIC } }
    message M {}
    enum SReason {
      S_REASON_UNSPECIFIED = 0;
      S_REASON_NOT_FOUND = 1 [(edge.v1.error) = {
        grpc_code: NOT_FOUND http_status: 404 message: "x" }];
    }
    """.replace("SURFACE", SURFACE.replace("onegenie.error.v1.SdkReason", "bad{n}.v1.SReason"))
    found = problems(tmp_path, monkeypatch, body)
    assert "SReason: NOT_FOUND must have the condition of that name, or another value must" in found
