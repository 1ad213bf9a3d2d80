"""Every setting, read from the environment. docs/configuration.md lists them for people."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """The service's settings; each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address the one port listens on.")
    port: int = Field(8080, ge=1, le=65535, description="REST, gRPC and gRPC-Web.")
    data_dir: Path = Field(Path("var"), description="Database, logs, order lines and demo.env.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=64,
        description="Core processes.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="A Postgres 15 or newer, for example `postgresql://user:secret@db/onegenie`; "
        "unset starts the embedded one.",
    )
    database_pool: int = Field(
        10, ge=1, le=200, description="Database connections of a core process for calls."
    )
    job_concurrency: int = Field(
        8, ge=1, le=500, description="Background steps a core process runs at a time."
    )
    demo: bool = Field(
        True, description="Make the demo tenant when the database holds no tenant yet."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line that is written."
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Loopback port that serves Prometheus metrics of all core processes; "
        "unset serves none.",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain; together with TLS_KEY turns TLS on."
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's key.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",),
        description="Origins whose browser pages may call, comma-separated; `*` allows all.",
    )
    rate_limit: int = Field(
        20_000, ge=1, description="Requests per second the port takes before it answers 429."
    )
    meal_engine: Literal["embedded", "openai", "remote"] = Field(
        "embedded",
        description="`embedded`: our catalogue and parser; `openai`: a chat endpoint that speaks "
        "OpenAI's protocol; `remote`: a MealService (docs/remote.md).",
    )
    meal_address: str | None = Field(
        None,
        description="The MealService, for MEAL_ENGINE=remote: `https://host[:port]`, or without "
        "TLS `http://host:port` or `unix:/path`.",
    )
    meal_timeout: float = Field(
        20.0, gt=0, le=55, description="Seconds to wait for its answer, retries included."
    )
    service_token: SecretStr | None = Field(
        None,
        description="Secret that our own services show each other; `onegenie serve-meal` lets in "
        "who shows it, unset nobody.",
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1", description="The chat endpoint, for MEAL_ENGINE=openai."
    )
    openai_api_key: SecretStr | None = Field(
        None, description="Its key; needed for MEAL_ENGINE=openai."
    )
    openai_model: str = Field("gpt-4o-mini", description="The model it is asked for.")
    openai_timeout: float = Field(
        20.0, gt=0, le=60, description="Seconds to wait for one of its answers."
    )
    store_endpoints: Path | None = Field(
        None,
        description="YAML file naming the tenants whose store is a remote StoreService "
        "(docs/store.md); the others' stores are in our database.",
    )
    signage_show_seconds: int = Field(
        30, ge=1, le=3600, description="How long a screen shows a shopper before it turns idle."
    )
    service_zone: str = Field(
        "Asia/Seoul", description="Time zone of the times the app surface writes."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("service_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is no time zone, for example Asia/Seoul") from error
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("starts with postgresql://")
        return value

    @field_validator("meal_address")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is not None:
            # Here, because it loads gRPC, which most commands don't need.
            from core.platform.upstream import split_address

            split_address(value)
        return value

    @field_validator("service_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        secret = value.get_secret_value()
        if not 20 <= len(secret) <= 200 or not all("!" <= letter <= "~" for letter in secret):
            raise ValueError("is 20 to 200 visible ASCII characters, none of them a space")
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY: set both or neither")
        for name in ("tls_certificate", "tls_key", "store_endpoints"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"{name.upper()}: no such file: {path}")
        if self.meal_engine == "openai" and self.openai_api_key is None:
            raise ValueError("OPENAI_API_KEY: needed for MEAL_ENGINE=openai")
        if self.meal_engine == "remote" and self.meal_address is None:
            raise ValueError("MEAL_ADDRESS: needed for MEAL_ENGINE=remote")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The service's time zone."""
        return ZoneInfo(self.service_zone)

    @property
    def base_url(self) -> str:
        """Where clients of this machine reach the port."""
        scheme = "https" if self.tls_certificate else "http"
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"{scheme}://{host}:{self.port}"


_MESSAGES = {"int_parsing": "must be a whole number", "float_parsing": "must be a number"}


def load_settings() -> Settings:
    """Read the settings; on a bad value say which, and stop with exit code 2."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"]).upper()
            message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
            shown = "" if not name or _is_secret(name) else f" (it is {problem['input']!r})"
            print(f"onegenie: {name + ': ' if name else ''}{message}{shown}", file=sys.stderr)  # noqa: T201
        print("onegenie: docs/configuration.md lists every setting.", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def _is_secret(name: str) -> bool:
    field = Settings.model_fields.get(name.lower())
    return field is None or "SecretStr" in str(field.annotation)
