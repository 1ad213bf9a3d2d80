"""`python -m edge.envoy`: what it prints, and what it says of what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from edge.envoy import __main__ as command
from tests import edge_app

SERVICES = [*edge_app.SERVICES]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, services: list[str] = SERVICES) -> None:
    known = ["--services", *services, "--core", "core.sock", "--domain", "echo"]
    monkeypatch.setattr(sys, "argv", ["edge.envoy", *known, *arguments])
    command.main()


def test_it_prints_the_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    descriptor = edge_app.stubs() / "envoy/rest.pb"
    run(monkeypatch, "--descriptor", str(descriptor), "--port", "8123", "--print")
    made = yaml.safe_load(capsys.readouterr().out)
    (listener,) = made["static_resources"]["listeners"]
    address = listener["address"]["socket_address"]
    assert address == {"address": "127.0.0.1", "port_value": 8123}
    assert made["admin"]["address"]["pipe"]["path"] == "var/envoy/admin.sock"


def test_a_missing_descriptor_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"there is no gen/envoy/rest\.pb: python -m edge\.gen"):
        run(monkeypatch, "--print")


def test_an_unknown_service_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = str(edge_app.stubs() / "envoy/rest.pb")
    with pytest.raises(SystemExit, match=r"nowhere\.v1\.Service: there is no such service"):
        run(monkeypatch, "--descriptor", descriptor, services=["nowhere.v1.Service"])


def test_missing_packages_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"pip install 'edge-kit\[envoy\]'"):
        run(monkeypatch)
