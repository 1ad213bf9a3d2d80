"""Every setting, read from the environment. docs/configuration.md lists them for people."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


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
        8,
        ge=1,
        le=500,
        description="Steps of rounds a core process runs at a time, and a quarter as many of "
        "rounds that have their meal. Codes and reports to stores are beside these.",
    )
    rounds_in_flight: int = Field(
        5000,
        ge=1,
        le=100_000,
        description="Rounds of a tenant that may be under way; past it a kick-off answers 429.",
    )
    listed_reasons_only: bool = Field(
        False,
        description="For tests: an error reason that a method raises and its contract does not "
        "list is answered as an internal error.",
    )
    demo: bool = Field(
        True,
        description="Make the demo tenant when the database holds no tenant yet, and register "
        "the demo's missions when there is no mission.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line that is written."
    )
    keep_root: bool = Field(
        False,
        description="Started by root: core processes and Envoy stay root, instead of running as "
        "the user `pgserver`.",
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
        default_factory=lambda data: 3000 * data.get("workers", 1),
        ge=1,
        description="Requests per second the port takes before it answers 429.",
    )
    rate_limit_per_address: int = Field(
        default_factory=lambda data: 300 * data.get("workers", 1),
        ge=1,
        description="Requests per second of one IP address (of IPv6 a /64); this machine's own "
        "has RATE_LIMIT. The address behind TRUSTED_PROXIES counts.",
    )
    meal_engine: Literal["embedded", "openai", "remote"] = Field(
        "embedded",
        description="`embedded`: our catalogue and parser; `openai`: a chat endpoint that speaks "
        "OpenAI's protocol; `remote`: a MealService (docs/shop/remote.md).",
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
        description="Secret that our own services show each other. `onegenie serve-meal` lets in "
        "who shows it, and so does GrantCredit; unset nobody.",
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1",
        description="The endpoint, for MEAL_ENGINE=openai and VISION_ENGINE=openai.",
    )
    openai_api_key: SecretStr | None = Field(None, description="Its key; needed for either.")
    openai_model: str = Field("gpt-4o-mini", description="The model it is asked for meals.")
    openai_timeout: float = Field(
        20.0, gt=0, le=60, description="Seconds to wait for one of its meals."
    )
    store_endpoints: Path | None = Field(
        None,
        description="YAML file naming the tenants whose store is a remote StoreService "
        "(docs/shop/catalogue.md); the others' stores are in our database.",
    )
    signage_show_seconds: int = Field(
        30, ge=1, le=3600, description="How long a screen shows a shopper before it turns idle."
    )
    service_zone: str = Field(
        "Asia/Seoul", description="Time zone of the app surface's times and days."
    )
    public_url: str | None = Field(
        None,
        description="Where clients reach the port, for links to pictures: "
        "`https://api.example.com`; unset is this machine's own address.",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="Proxies of yours before the port, each of which adds to X-Forwarded-For; "
        "the caller's address is the one before them.",
    )
    token_keys: Path | None = Field(
        None,
        description="JWK Set file with the keys that sign access tokens and links, the same on "
        "every machine (docs/room/accounts.md); unset makes one under DATA_DIR.",
    )
    access_token_minutes: int = Field(
        15, ge=1, le=1440, description="How long an access token works."
    )
    refresh_token_days: int = Field(
        60, ge=1, le=3650, description="How long a device may stay away before it must log in."
    )
    code_seconds: int = Field(
        180, ge=30, le=3600, description="How long a verification code works."
    )
    code_tries: int = Field(
        5, ge=1, le=20, description="Tries of a code that an address has; all together have 20."
    )
    code_cooldown_seconds: int = Field(
        30,
        ge=0,
        le=3600,
        description="Wait before a number is sent a fourth code within an hour; twice as long "
        "before each one more.",
    )
    codes_per_number: int = Field(
        10, ge=1, le=1000, description="Codes a number is sent in 24 hours."
    )
    codes_per_address: int = Field(
        300,
        ge=1,
        le=1_000_000,
        description="Codes an IP address may ask for in 24 hours, and wrong ones it may try.",
    )
    codes_per_day: int = Field(
        10_000, ge=1, le=1_000_000, description="Codes the service sends in 24 hours."
    )
    sms_countries: Annotated[tuple[int, ...], NoDecode] = Field(
        (82, 81, 1),
        description="Calling codes of the countries whose numbers are sent codes, comma-separated.",
    )
    sms_url: str | None = Field(
        None,
        description="HTTP endpoint of an SMS provider (docs/room/accounts.md); unset writes "
        "messages to the outbox file.",
    )
    sms_token: SecretStr | None = Field(None, description="Bearer token for SMS_URL.")
    sms_sender: str | None = Field(
        None, description="Number or name that messages come from, for SMS_URL."
    )
    pictures_url: str | None = Field(
        None,
        description="Where pictures are kept: `s3://bucket/prefix`, `gs://…` or `az://…`, with the "
        "provider's usual environment variables; unset is a folder under DATA_DIR.",
    )
    picture_link_hours: int = Field(
        6, ge=1, le=168, description="How long a link to a picture works at least."
    )
    picture_workers: int = Field(
        2,
        ge=1,
        le=64,
        description="Threads of a core process for pictures, and as many for password hashes.",
    )
    vision_engine: Literal["embedded", "openai"] = Field(
        "embedded",
        description="`embedded`: an estimate with OpenCV; `openai`: the endpoint of "
        "OPENAI_BASE_URL, which must see and edit pictures.",
    )
    vision_model: str = Field("gpt-4o-mini", description="The model that looks at rooms.")
    image_model: str = Field(
        "gpt-image-2.5-flare", description="The model that makes tidied rooms."
    )
    vision_timeout: float = Field(
        45.0, gt=0, le=110, description="Seconds to wait for one answer about a picture."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("sms_countries", mode="before")
    @classmethod
    def _calling_codes(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        # Here, because it loads tables that most commands don't need.
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

        codes = [part.strip().removeprefix("+") for part in value.split(",") if part.strip()]
        for code in codes:
            if not re.fullmatch("[1-9][0-9]{0,2}", code) or (
                int(code) not in COUNTRY_CODE_TO_REGION_CODE
            ):
                raise ValueError(f"has {code!r}, which is no calling code, for example 82")
        if not codes:
            raise ValueError("names no calling code, for example 82")
        return tuple(dict.fromkeys(map(int, codes)))

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

    @field_validator("public_url", "sms_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/\s]+\S*", value):
            raise ValueError("starts with https:// or http://")
        return value.rstrip("/") if value else None

    @field_validator("pictures_url")
    @classmethod
    def _object_store(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(s3|gs|az)://[^/\s]+\S*", value):
            raise ValueError("starts with s3://, gs:// or az://")
        return value

    @field_validator("token_keys")
    @classmethod
    def _set_of_keys(cls, value: Path | None) -> Path | None:
        if value is not None and value.is_file():
            # Here, because it loads the cryptography that most commands don't need.
            from core.platform.signing import check

            check(value)
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
        for name in ("tls_certificate", "tls_key", "store_endpoints", "token_keys"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"{name.upper()}: no such file: {path}")
        for name in ("meal_engine", "vision_engine"):
            if getattr(self, name) == "openai" and self.openai_api_key is None:
                raise ValueError(f"OPENAI_API_KEY: needed for {name.upper()}=openai")
        if self.meal_engine == "remote" and self.meal_address is None:
            raise ValueError("MEAL_ADDRESS: needed for MEAL_ENGINE=remote")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The service's time zone."""
        return ZoneInfo(self.service_zone)

    @property
    def link_base(self) -> str:
        """What links that clients get begin with."""
        return self.public_url or self.base_url

    @property
    def token_keys_file(self) -> Path:
        """The JWK Set that signs tokens and links."""
        return self.token_keys or self.data_dir / "token-keys.json"

    @property
    def base_url(self) -> str:
        """Where clients of this machine reach the port."""
        scheme = "https" if self.tls_certificate else "http"
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"{scheme}://{host}:{self.port}"


# pydantic's messages in our words; {ge} and the like are bounds.
_MESSAGES = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}


class SettingsError(Exception):
    """Settings that are none; each of `lines` names one and says what is wrong, for people."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _Given(Settings):
    """Settings from what it is given alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment; an empty variable counts as unset. Raises SettingsError."""
    variables = {name.lower(): value for name, value in environment.items() if value}
    values: dict[str, Any] = {
        name: variables[name] for name in Settings.model_fields if name in variables
    }
    try:
        return _Given(**values)
    except ValidationError as error:
        raise SettingsError([_line(problem) for problem in error.errors()]) from None


def load_settings() -> Settings:
    """Read the settings; on a bad value say which, and stop with exit code 2."""
    try:
        return read_settings(os.environ)
    except SettingsError as error:
        for line in [*error.lines, "docs/configuration.md lists every setting."]:
            print(f"onegenie: {line}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def _line(problem: ErrorDetails) -> str:
    name = ".".join(str(part) for part in problem["loc"]).upper()
    if ours := _MESSAGES.get(problem["type"]):
        message = ours.format(**problem.get("ctx", {}))
    else:
        message = problem["msg"].removeprefix("Value error, ")
    shown = "" if not name or _is_secret(name) else f" (it is {problem['input']!r})"
    return f"{name + ': ' if name else ''}{message}{shown}"


def _is_secret(name: str) -> bool:
    field = Settings.model_fields.get(name.lower())
    return field is None or "SecretStr" in str(field.annotation)
