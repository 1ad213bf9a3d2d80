"""`onegenie tenant`, `key` and `credit` on a real database."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from core.cli import app
from core.cli.common import err, out, visible
from core.platform.database import libpq_url, open_database
from core.run.demo import MISSIONS
from core.shop.tenants.key_secret import digest_key
from core.shop.tenants.sql import find_tenant
from tests.support import STORE, create_key

SCREEN = "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11"


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("DATABASE_URL", libpq_url(database_url))
    for console in (out, err):
        monkeypatch.setattr(console, "width", 200)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return call


def test_a_tenant_its_keys_and_its_credit(run: Any, database_url: str) -> None:
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
            (digest_key(secret),)
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


def test_a_signage_key_names_its_screen(run: Any) -> None:
    run("tenant", "create", "mart")
    assert "--signage" in run("key", "create", "signage", "--name", "door").stderr
    unknown = run("key", "create", "signage", "--name", "door", "--signage", "s-1")
    assert "the store's screens are none" in unknown.stderr
    run("store", "import", str(STORE))
    created = run("key", "create", "signage", "--name", "door", "--signage", SCREEN).stdout
    assert "osg_" in created


HOSTILE = ("[/x]", "[conceal]x", "\x1b[2J", "\x1b]0;x\a", "\x9b2J", "a\nb", "a\u202eb")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_tenants_wrote_orders_no_terminal_about(
    run: Any, database_url: str, text: str
) -> None:
    """Rows as they may be from before names were held to a line."""
    run("tenant", "create", "mart")
    run("key", "create", "admin", "--name", "staff")
    run("credit", "grant", "5", "--note", "June")
    run("store", "import", str(STORE))
    run("mission", "import", str(MISSIONS))
    with psycopg.connect(libpq_url(database_url)) as conn:
        for statement in (
            "UPDATE tenants SET name = %s",
            "UPDATE api_keys SET name = %s",
            "UPDATE api_key_secrets SET hint = %s",
            "UPDATE credit_ledger SET note = %s",
            "UPDATE store_sections SET name = %s",
            "UPDATE store_products SET name = %s",
            "UPDATE missions SET category = %s",
        ):
            conn.execute(statement, [text])
        conn.commit()
    for command in (
        ("tenant", "list"),
        ("key", "list"),
        ("credit", "show"),
        ("store", "list"),
        ("mission", "list"),
        ("key", "list", "--tenant", text),
        ("key", "list", "--tenant", text + text),
        ("key", "list", "--tenant", "nobody\x1b[2J"),
        ("key", "list", "--tenant", "\udcff"),
        ("lift", "show", "1"),
    ):
        result = run(*command)
        assert not isinstance(result.exception, Exception) or result.exit_code == 1
        said = result.stdout + result.stderr
        assert visible(said, keep="\n") == said
        if result.exit_code == 0:
            assert visible(text) in said
    listed = run("key", "list").stdout
    (key_id,) = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", listed)
    assert run("key", "revoke", key_id).exit_code == 0


@pytest.mark.parametrize("text", [*HOSTILE[2:6], "", " ", "\x7f", "\x85", "x" * 501])
def test_a_name_or_a_note_is_one_line(run: Any, text: str) -> None:
    run("tenant", "create", "mart")
    for command, option in (
        (("tenant", "create", text), "NAME: must"),
        (("key", "create", "sdk", "--name", text), "--name: must"),
        (("credit", "grant", "1", "--note", text), "--note: must"),
    ):
        result = run(*command)
        assert (result.exit_code, option in result.stderr) == (1, True), result.output
    assert "balance 0" in run("credit", "show").stdout


async def _made(url: str, names: dict[str, str | None]) -> dict[str, str]:
    """Keys by name, each made with the one that is named (None: by the operator); their ids."""
    ids: dict[str, uuid.UUID] = {}
    async with open_database(url) as database, database.begin() as conn:
        tenant_id = await find_tenant(conn, None)
        for name, maker in names.items():
            created_by = ids[maker] if maker else None
            made = await create_key(conn, tenant_id, "admin", name, created_by=created_by)
            ids[name] = made[0]
    return {name: str(key_id) for name, key_id in ids.items()}


def test_a_key_takes_what_it_made_along(run: Any, database_url: str) -> None:
    run("tenant", "create", "mart")
    names = {"boss": None, "leaked": "boss", "made": "leaked", "app": "made", "kept": "boss"}
    ids = asyncio.run(_made(database_url, names))
    rows = [line.split("│") for line in run("key", "list").stdout.splitlines() if "oat_" in line]
    makers = {cells[3].strip(): cells[7].strip() for cells in rows}
    assert makers == {name: ids[maker] if maker else "" for name, maker in names.items()}

    alone = run("key", "revoke", ids["made"], "--keep-made")
    assert alone.stdout == f"revoked {ids['made']}\n"
    rest = run("key", "revoke", ids["leaked"])
    assert set(rest.stdout.splitlines()) == {f"revoked {ids[name]}" for name in ("leaked", "app")}
    again = run("key", "revoke", ids["leaked"])
    assert (again.exit_code, "no living key" in again.stderr) == (1, True)
    assert run("key", "rotate", ids["kept"]).exit_code == 0
    assert set(run("key", "revoke", ids["boss"]).stdout.split()) == {
        "revoked",
        ids["boss"],
        ids["kept"],
    }


def test_a_mistaken_data_directory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of an empty list from a database that is made on the way."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    result = CliRunner().invoke(app, ["tenant", "list"])
    assert result.exit_code == 1
    assert "no database here" in " ".join(result.stderr.split())
    assert not (tmp_path / "var").exists()
