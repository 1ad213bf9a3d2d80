"""Settings come from the environment, are all documented, and bad ones are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.platform.settings import Settings, load_settings

DOCS = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def documented_default(name: str) -> str:
    field = Settings.model_fields[name]
    if field.default_factory:  # a figure that depends on the machine or on another setting
        return {
            "workers": "one per core",
            "rate_limit": "3000 for each of WORKERS",
            "rate_limit_per_address": "300 for each of WORKERS",
        }[name]
    value = field.default
    if value is None:
        return "unset"
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def documented_bounds(name: str) -> str:
    bounds = {
        word: getattr(rule, word)
        for rule in Settings.model_fields[name].metadata
        for word in ("gt", "ge", "le")
        if hasattr(rule, word)
    }
    low = f"> {bounds['gt']}" if "gt" in bounds else f"≥ {bounds['ge']}" if "ge" in bounds else ""
    return ", ".join(part for part in (low, f"≤ {bounds['le']}" if "le" in bounds else "") if part)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = f"| `{name.upper()}` | {documented_default(name)} | {documented_bounds(name)} | "
    assert row + f"{Settings.model_fields[name].description} |" in DOCS.read_text().splitlines()


def test_the_documents_name_no_other_setting() -> None:
    names = [line.split("`")[1] for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    assert [name for name in names if name.isupper()] == [
        name.upper() for name in Settings.model_fields
    ]


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "eighty", "PORT must be a whole number (it is 'eighty')"),
        ("PORT", "70000", "PORT must be at most 65535 (it is '70000')"),
        ("WORKERS", "0", "WORKERS must be at least 1"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be 'debug', 'info', 'warning' or 'error'"),
        ("MEAL_ENGINE", "gas", "MEAL_ENGINE must be 'embedded', 'openai' or 'remote'"),
        ("MEAL_ENGINE", "openai", "OPENAI_API_KEY must be set for MEAL_ENGINE=openai"),
        ("MEAL_ENGINE", "remote", "MEAL_ADDRESS must be set for MEAL_ENGINE=remote"),
        (
            "MEAL_ADDRESS",
            "ftp://meals:1",
            "MEAL_ADDRESS must start with https://, http:// or unix:/",
        ),
        ("MEAL_TIMEOUT", "60", "MEAL_TIMEOUT must be at most 55"),
        ("SERVICE_TOKEN", "hunter2", "SERVICE_TOKEN must be 20 to 200 visible ASCII characters"),
        (
            "SERVICE_TOKEN",
            "hunter2 " * 5,
            "SERVICE_TOKEN must be 20 to 200 visible ASCII characters",
        ),
        ("SERVICE_ZONE", "Mars/Base", "SERVICE_ZONE must be a time zone"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x", "DATABASE_URL must start with postgresql://"),
        ("TLS_KEY", "missing.pem", "TLS_CERTIFICATE and TLS_KEY must both be set, or neither"),
        ("DEMO", "perhaps", "DEMO must be true or false"),
        (
            "SMS_COUNTRIES",
            "82,KR",
            "SMS_COUNTRIES must list calling codes, for example 82: 'KR' is not one",
        ),
        (
            "SMS_COUNTRIES",
            "82;81",
            "SMS_COUNTRIES must list calling codes, for example 82: '82;81' is not one",
        ),
        (
            "SMS_COUNTRIES",
            "999",
            "SMS_COUNTRIES must list calling codes, for example 82: '999' is not one",
        ),
        (
            "SMS_COUNTRIES",
            "082",
            "SMS_COUNTRIES must list calling codes, for example 82: '082' is not one",
        ),
        (
            "SMS_COUNTRIES",
            "٨٢",
            "SMS_COUNTRIES must list calling codes, for example 82: '٨٢' is not one",
        ),
        ("SMS_COUNTRIES", " , ", "SMS_COUNTRIES must list calling codes, for example 82"),
        ("CODES_PER_DAY", "0", "CODES_PER_DAY must be at least 1"),
    ],
)
def test_a_bad_value_stops_the_start_with_a_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"onegenie: {said}")
    assert "docs/configuration.md" in error
    assert "hunter2" not in error


def test_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("SMS_COUNTRIES", " +82, 44,82")
    monkeypatch.setenv("WORKERS", "")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2@db/x")
    settings = load_settings()
    assert settings.base_url == "http://127.0.0.1:9000"
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.sms_countries == (82, 44)
    assert settings.workers >= 1
    assert "hunter2" not in repr(settings)
