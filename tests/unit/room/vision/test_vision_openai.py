"""What the OpenAI-compatible engine asks for."""

from __future__ import annotations

import sys

import pytest

from core.platform.openai import OpenAIEndpoint
from core.room.vision.openai import comparison_schema


def test_the_schema_is_one_that_strict_mode_takes() -> None:
    schema = comparison_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(schema["properties"])
    for inner in schema["properties"].values():
        assert not {"default", "minLength", "maxItems", "pattern"} & set(inner)


def test_the_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(RuntimeError, match=r"onegenie\[openai\]"):
        OpenAIEndpoint(base_url="http://upstream/v1", api_key="k", timeout=1, total=1)
