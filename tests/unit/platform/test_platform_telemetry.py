"""What log lines leave out."""

from __future__ import annotations

import pytest

from core.platform.telemetry import hide_details


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "psycopg.errors.CheckViolation: no\nDETAIL:  Failing row contains (1, secret).",
            "psycopg.errors.CheckViolation: no\nDETAIL: hidden\n",
        ),
        (
            "error\nDETAIL:  Failing row contains (secret,\nsecret\n).\n[SQL: INSERT]\nend",
            "error\nDETAIL: hidden\n[SQL: INSERT]\nend",
        ),
        (
            "error\nDETAIL:  Key (email)=(secret) already exists.\nHINT:  hint\nCONTEXT:  context",
            "error\nDETAIL: hidden\nHINT:  hint\nCONTEXT:  context",
        ),
        (
            "one\nDETAIL:  secret\n\nThe above exception\n\ntwo\nDETAIL:  secret\n[SQL: SELECT]",
            "one\nDETAIL: hidden\n\nThe above exception\n\ntwo\nDETAIL: hidden\n[SQL: SELECT]",
        ),
        ("ValueError: no DETAIL: here", "ValueError: no DETAIL: here"),
    ],
)
def test_rows_are_not_logged(text: str, shown: str) -> None:
    assert hide_details(None, "error", {"event": "x", "exception": text})["exception"] == shown


def test_other_lines_stay_as_they_are() -> None:
    assert hide_details(None, "info", {"event": "DETAIL: x"}) == {"event": "DETAIL: x"}
