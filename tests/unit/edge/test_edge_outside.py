"""Options from outside: a file of defaults for a contract that says nothing of the kit."""

from pathlib import Path
from typing import Any

import pytest

from edge.contract.load import load_contract
from edge.contract.model import ContractError
from tests.edge_contract import compiled

BODY = """
service S {
  rpc Get(N) returns (N) { option (google.api.http) = {get: "/v1/n/{name}"}; }
  rpc Put(N) returns (N) {
    option (google.api.http) = {put: "/v1/n/{name}" body: "*"};
    option (edge.v1.method) = {success_status: 202 headers: "own"};
  }
}
service T {
  option (edge.v1.surface).path_prefixes = "/t/";
  rpc Get(N) returns (N) { option (google.api.http) = {get: "/t/{name}"}; }
}
message N { string name = 1; }
"""
SURFACE = """surface {
  envelope: ENVELOPE_SUCCESS_DATA json_names: JSON_NAMES_CAMEL
  time_format: TIME_FORMAT_RFC3339_SECONDS path_prefixes: "/v1/" }"""
LEVEL = 'access_levels { name: "reader" description: "Who reads." }'


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Full names of the services S and T."""
    name = compiled(tmp_path, monkeypatch, BODY)
    return [name, name.removesuffix("S") + "T"]


def load(tmp_path: Path, names: Any, text: str) -> Any:
    """The contract with defaults in which PKG is its package."""
    path = tmp_path / "defaults.txtpb"
    path.write_text(text.replace("PKG", names[0].removesuffix(".S")))
    return load_contract(names, defaults=path)


def test_a_contract_that_says_nothing_is_served(tmp_path: Path, names: Any) -> None:
    contract = load(
        tmp_path,
        names,
        f"""# The order does not matter.
        {LEVEL}
        rules {{ selector: "PKG.S.Get" method {{ access: "public" }} }}
        rules {{ selector: "PKG.*" {SURFACE} method {{ access: "reader" max_values: 7 }} }}
        rules {{ selector: "PKG.S" method {{ success_status: 201 headers: "service"
                 max_values: 8 }} }}
        rules {{ selector: "*" method {{ access: "nobody" charset: "UTF-8" headers: "all" }} }}
        """,
    )
    service, other = names
    get, put, other_get = (
        contract.methods[path] for path in (f"/{service}/Get", f"/{service}/Put", f"/{other}/Get")
    )
    # Field by field: the most specific rule, and before all of them the contract itself.
    assert (get.access, get.success_status, list(get.rule.headers)) == ("public", 201, ["service"])
    assert (put.access, put.success_status, list(put.rule.headers)) == ("reader", 202, ["own"])
    assert (get.rule.max_values, put.rule.charset) == (8, "UTF-8")
    assert (other_get.success_status, other_get.rule.max_values) == (200, 7)
    assert get.surface.path_prefixes == ("/v1/",)
    assert other_get.surface.path_prefixes == ("/t/",)
    assert contract.access_levels == {"reader": "Who reads."}


def test_an_envelope_of_ones_own_takes_the_place_of_a_ready_made_one(
    tmp_path: Path, names: Any
) -> None:
    form = 'surface { envelope_form { error: "{}" } }'
    contract = load(
        tmp_path,
        names,
        f"""rules {{ selector: "*" {SURFACE} method {{ access: "public" }} }}
        rules {{ selector: "PKG.T" {form} }}""",
    )
    service, other = (contract.methods[f"/{name}/Get"].surface.envelope for name in names)
    assert (service.success, other.success) == ({"success": True, "data": "$data"}, None)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ('rules { selector: "PKG.S.Gone" method {} }', "PKG.S.Gone': there is no such method"),
        ('rules { selector: "PKG.Gone" surface {} }', "PKG.Gone': there is no such service"),
        ('rules { selector: "PKG.S.*" surface {} }', "PKG.S.*': there is no such service"),
        ('rules { selector: "PKG" method {} }', "PKG': there is no such method"),
        ('rules { selector: "PKG.S" }', "PKG.S' must have a surface or a method"),
        ('rules { selector: "*" method {} }', "defaults for '*' are given twice"),
        ('access_levels { name: "public" }', "an access can't be named 'public'"),
        ("rules { selector: 7 }", "cannot be read: 4:19"),
        ("roles { }", 'no field named "roles"'),
    ],
)
def test_what_is_wrong_with_them_is_said(tmp_path: Path, names: Any, rules: str, told: str) -> None:
    most = f'rules {{ selector: "*" {SURFACE} method {{ access: "public" }} }}'
    with pytest.raises(ContractError) as refused:
        load(tmp_path, names, f"{most}\n{rules}")
    assert told.replace("PKG", names[0].removesuffix(".S")) in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"gone\.txtpb cannot be read"):
        load_contract([], defaults=tmp_path / "gone.txtpb")
