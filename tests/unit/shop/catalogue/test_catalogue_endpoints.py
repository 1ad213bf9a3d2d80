"""The file that says where tenants' own stores are."""

from pathlib import Path
from uuid import UUID

import pytest

from core.shop.catalogue.remote import Endpoint, load_endpoints

TENANT = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "stores.yaml"
    path.write_text(text)
    return path


def test_endpoints_by_tenant(tmp_path: Path) -> None:
    path = write(tmp_path, f"{TENANT}: {{address: 'https://a.test', token: s3cret}}\n")
    assert load_endpoints(path) == {UUID(TENANT): Endpoint("https://a.test", "s3cret")}
    assert load_endpoints(write(tmp_path, "")) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shop: {address: a.test, token: s3cret}", "shop"),
        (f"{TENANT}: {{token: s3cret}}", "address: Field required"),
        (f"{TENANT}: {{address: 'ftp://a.test', token: s3cret}}", "not ftp://"),
        (f"{TENANT}: {{address: a.test, token: [s3cret]}}", "token: Input should be"),
        ("- s3cret", "valid dictionary"),
        ("{s3cret", "is not YAML"),
    ],
)
def test_what_is_wrong_is_said_without_a_token(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        load_endpoints(write(tmp_path, text))
    assert "stores.yaml" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        load_endpoints(tmp_path / "none.yaml")
