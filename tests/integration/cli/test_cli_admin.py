"""`onegenie tenant`, `key` and `credit` on a real database."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from core.cli import app
from core.cli.common import err, out
from core.platform.database import libpq_url
from core.tenant.store import hash_secret
from tests.support import STORE

SCREEN = "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11"


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("DATABASE_URL", libpq_url(database_url))
    for console in (out, err):
        monkeypatch.setattr(console, "width", 200)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return call


def test_a_tenant_its_keys_and_its_credit(run, database_url: str) -> None:  # type: ignore[no-untyped-def]
    assert "there is no tenant yet" in run("credit", "show").stderr
    assert run("tenant", "create", "mart", "--locale", "ja").exit_code == 0
    assert "mart" in run("tenant", "list").stdout
    assert "already" in run("tenant", "create", "mart").stderr
    assert "must be ko, en or ja" in run("tenant", "create", "shop", "--locale", "fr").stderr

    created = run("key", "create", "sdk", "--name", "app").stdout
    key_id, secret = re.findall(r"(?:key|secret): +(\S+)", created)
    assert secret.startswith("osk_")
    listed = run("key", "list").stdout
    assert key_id in listed
    assert secret not in listed
    with psycopg.connect(libpq_url(database_url)) as conn:
        assert conn.execute("SELECT hash FROM api_key_secrets").fetchall() == [
            (hash_secret(secret),)
        ]
    rotated = run("key", "rotate", key_id, "--revoke-old").stdout
    assert "osk_" in rotated
    assert secret not in rotated
    assert run("key", "revoke", key_id).exit_code == 0
    again = run("key", "revoke", key_id)
    assert again.exit_code == 1
    assert "no living key" in again.stderr

    assert "balance: 500" in run("credit", "grant", "500", "--tenant", "mart").stdout
    assert "less credit" in run("credit", "grant", "--tenant", "mart", "--", "-501").stderr
    assert "no tenant has the id or name" in run("credit", "grant", "1", "--tenant", "x").stderr
    assert "balance 500" in run("credit", "show").stdout


def test_a_signage_key_names_its_screen(run) -> None:  # type: ignore[no-untyped-def]
    run("tenant", "create", "mart")
    assert "--signage" in run("key", "create", "signage", "--name", "door").stderr
    unknown = run("key", "create", "signage", "--name", "door", "--signage", "s-1")
    assert "the store's screens are none" in unknown.stderr
    run("store", "import", str(STORE))
    created = run("key", "create", "signage", "--name", "door", "--signage", SCREEN).stdout
    assert "osg_" in created


def test_a_mistaken_data_directory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of an empty list from a database that is made on the way."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    result = CliRunner().invoke(app, ["tenant", "list"])
    assert result.exit_code == 1
    assert "no database here" in " ".join(result.stderr.split())
    assert not (tmp_path / "var").exists()
