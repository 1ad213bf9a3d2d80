"""Contracts of a test's own, made importable."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from edge.gen import run_protoc

ROOT = Path(__file__).parents[1]
HEADER = """
syntax = "proto3";
package bad{n}.v1;
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/api/field_info.proto";
import "google/protobuf/any.proto";
import "google/protobuf/field_mask.proto";
import "edge/v1/annotations.proto";
"""
SURFACE = """
  option (edge.v1.surface) = {
    envelope: ENVELOPE_SUCCESS_DATA json_names: JSON_NAMES_PROTO
    time_format: TIME_FORMAT_RFC3339_SECONDS
    reasons: "onegenie.error.v1.SdkReason" path_prefixes: "/v1/"
  };
"""
PUBLIC = 'option (edge.v1.method).access = "public";'
_numbers = itertools.count(1)


def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> str:
    """Make the stubs of a contract importable; returns the full name of its service `S`."""
    package = f"bad{next(_numbers)}"
    folder = tmp_path / "proto" / package / "v1"
    folder.mkdir(parents=True)
    text = (HEADER + body).replace("bad{n}", package).replace("SURFACE", SURFACE)
    (folder / "bad.proto").write_text(text.replace("@PUBLIC", PUBLIC))
    roots = [tmp_path / "proto", ROOT / "proto"]
    run_protoc(roots, f"--python_out={tmp_path}", f"{package}/v1/bad.proto")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return f"{package}.v1.S"
