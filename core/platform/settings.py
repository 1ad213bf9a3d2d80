"""Read every setting from the environment. docs/configuration.md lists them for people."""

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

    host: str = Field("127.0.0.1", description="Address that the port listens on.")
    port: int = Field(8080, ge=1, le=65535, description="Port for REST, gRPC and gRPC-Web.")
    data_dir: Path = Field(
        Path("var"), description="Directory for the database, logs, order lines and demo.env."
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=64,
        description="Number of core processes.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="URL of a Postgres 15 or newer, for example "
        "`postgresql://user:secret@db/onegenie`. Unset starts the embedded one.",
    )
    database_pool: int = Field(
        10, ge=1, le=200, description="Database connections of each core process for transactions."
    )
    job_concurrency: int = Field(
        8,
        ge=1,
        le=500,
        description="Steps of rounds that a core process runs at a time. A quarter as many "
        "more are kept for rounds that have their meal; codes and reports to "
        "stores have workers of their own.",
    )
    rounds_in_flight: int = Field(
        5000,
        ge=1,
        le=100_000,
        description="Rounds that a tenant may have under way; beyond that, starting one is "
        "answered 429.",
    )
    listed_reasons_only: bool = Field(
        False,
        description="For tests: answer an error reason that the method's contract does not "
        "list as an internal error.",
    )
    demo: bool = Field(
        True,
        description="Make the demo tenant when the database holds no tenant yet, and register "
        "the demo's missions when there is no mission.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    keep_root: bool = Field(
        False,
        description="When root starts the service: keep core processes and Envoy as root, "
        "instead of running them as the user `pgserver`.",
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Loopback port for the Prometheus metrics of all core processes. Unset "
        "serves none.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="PEM file with the certificate chain. TLS is on when this and TLS_KEY are set.",
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",),
        description="Origins whose browser pages may call, comma-separated; `*` allows all.",
    )
    rate_limit: int = Field(
        default_factory=lambda data: 3000 * data.get("workers", 1),
        ge=1,
        description="Requests per second that the port takes; beyond that it answers 429.",
    )
    rate_limit_per_address: int = Field(
        default_factory=lambda data: 300 * data.get("workers", 1),
        ge=1,
        description="Requests per second that one IP address may send (an IPv6 /64 counts "
        "as one). This machine's own addresses have RATE_LIMIT instead. Behind "
        "proxies, TRUSTED_PROXIES says which address counts.",
    )
    meal_engine: Literal["embedded", "openai", "remote"] = Field(
        "embedded",
        description="`embedded`: our catalogue and parser; `openai`: a chat endpoint with "
        "OpenAI's protocol; `remote`: a MealService (docs/shop/remote.md).",
    )
    meal_address: str | None = Field(
        None,
        description="Address of the MealService for MEAL_ENGINE=remote: "
        "`https://host[:port]`, or without TLS `http://host:port` or "
        "`unix:/path`.",
    )
    meal_timeout: float = Field(
        20.0,
        gt=0,
        le=55,
        description="Seconds to wait for a meal from MEAL_ADDRESS, retries included.",
    )
    service_token: SecretStr | None = Field(
        None,
        description="Secret that our own services show each other. `onegenie serve-meal` "
        "and GrantCredit accept callers that show it. Unset accepts nobody.",
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1",
        description="Base URL of the endpoint for MEAL_ENGINE=openai and VISION_ENGINE=openai.",
    )
    openai_api_key: SecretStr | None = Field(
        None, description="API key for OPENAI_BASE_URL. Both engines require it."
    )
    openai_model: str = Field("gpt-4o-mini", description="Model that suggests meals.")
    openai_timeout: float = Field(
        20.0, gt=0, le=60, description="Seconds to wait for one meal from OPENAI_BASE_URL."
    )
    store_endpoints: Path | None = Field(
        None,
        description="YAML file that names the tenants whose store is a remote StoreService "
        "(docs/shop/catalogue.md). All other stores are in our database.",
    )
    signage_show_seconds: int = Field(
        30, ge=1, le=3600, description="Seconds that a screen shows a shopper before it turns idle."
    )
    service_zone: str = Field(
        "Asia/Seoul", description="Time zone of the times and days on the app surface."
    )
    public_url: str | None = Field(
        None,
        description="Base URL under which clients reach the port, for links to pictures: "
        "`https://api.example.com`. Unset uses this machine's own address.",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="Number of your own proxies in front of the port, each of which adds to"
        " X-Forwarded-For. The caller's address is the one before theirs.",
    )
    token_keys: Path | None = Field(
        None,
        description="JWK Set file with the keys that sign access tokens and links, the same"
        " on every machine (docs/room/accounts.md). Unset makes one under "
        "DATA_DIR.",
    )
    access_token_minutes: int = Field(
        15, ge=1, le=1440, description="Minutes that an access token works."
    )
    refresh_token_days: int = Field(
        60,
        ge=1,
        le=3650,
        description="Days that a device may stay away before it must log in again.",
    )
    code_seconds: int = Field(
        180, ge=30, le=3600, description="Seconds that a verification code works."
    )
    code_tries: int = Field(
        5,
        ge=1,
        le=20,
        description="Tries that one IP address has at a code; all addresses together have 20.",
    )
    code_cooldown_seconds: int = Field(
        30,
        ge=0,
        le=3600,
        description="Seconds to wait before a number is sent a fourth code within an hour. "
        "Each further code doubles the wait.",
    )
    codes_per_number: int = Field(
        10, ge=1, le=1000, description="Codes sent to one number in 24 hours."
    )
    codes_per_address: int = Field(
        300,
        ge=1,
        le=1_000_000,
        description="Codes that one IP address may request in 24 hours, and wrong codes "
        "that it may try.",
    )
    codes_per_day: int = Field(
        10_000, ge=1, le=1_000_000, description="Codes that the whole service sends in 24 hours."
    )
    sms_countries: Annotated[tuple[int, ...], NoDecode] = Field(
        (82, 81, 1),
        description="Calling codes of the countries whose numbers are sent codes, comma-separated.",
    )
    sms_url: str | None = Field(
        None,
        description="URL of an SMS provider (docs/room/accounts.md). Unset writes messages "
        "to the outbox file.",
    )
    sms_token: SecretStr | None = Field(None, description="Bearer token for SMS_URL.")
    sms_sender: str | None = Field(None, description="Sender's number or name, for SMS_URL.")
    pictures_url: str | None = Field(
        None,
        description="Where pictures are stored: `s3://bucket/prefix`, `gs://…` or `az://…`,"
        " with the provider's usual environment variables. Unset stores them "
        "under DATA_DIR.",
    )
    picture_link_hours: int = Field(
        6, ge=1, le=168, description="Hours that a link to a picture works, at least."
    )
    picture_workers: int = Field(
        2,
        ge=1,
        le=64,
        description="Threads in each core process for pictures, and as many again for "
        "password hashes.",
    )
    vision_engine: Literal["embedded", "openai"] = Field(
        "embedded",
        description="`embedded`: an estimate with OpenCV; `openai`: the endpoint of "
        "OPENAI_BASE_URL, which must see and edit pictures.",
    )
    vision_model: str = Field("gpt-4o-mini", description="Model that looks at rooms.")
    image_model: str = Field("gpt-image-2.5-flare", description="Model that makes tidied rooms.")
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
        # Imported here, because it loads tables that most commands do not need.
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

        codes = [part.strip().removeprefix("+") for part in value.split(",") if part.strip()]
        for code in codes:
            if not re.fullmatch("[1-9][0-9]{0,2}", code) or (
                int(code) not in COUNTRY_CODE_TO_REGION_CODE
            ):
                raise ValueError(f"must list calling codes, for example 82: {code!r} is not one")
        if not codes:
            raise ValueError("must list calling codes, for example 82")
        return tuple(dict.fromkeys(map(int, codes)))

    @field_validator("service_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("must be a time zone, for example Asia/Seoul") from error
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("meal_address")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is not None:
            # Imported here, because it loads gRPC, which most commands do not need.
            from core.platform.upstream import split_address

            try:
                split_address(value)
            except ValueError:
                raise ValueError("must start with https://, http:// or unix:/") from None
        return value

    @field_validator("public_url", "sms_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/\s]+\S*", value):
            raise ValueError("must start with https:// or http://")
        return value.rstrip("/") if value else None

    @field_validator("pictures_url")
    @classmethod
    def _object_store(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(s3|gs|az)://[^/\s]+\S*", value):
            raise ValueError("must start with s3://, gs:// or az://")
        return value

    @field_validator("token_keys")
    @classmethod
    def _set_of_keys(cls, value: Path | None) -> Path | None:
        if value is not None and value.is_file():
            # Imported here, because it loads cryptography, which most commands do not need.
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
            raise ValueError("must be 20 to 200 visible ASCII characters without spaces")
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY must both be set, or neither")
        for name in ("tls_certificate", "tls_key", "store_endpoints", "token_keys"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"{name.upper()} must name a file: there is no file {path}")
        for name in ("meal_engine", "vision_engine"):
            if getattr(self, name) == "openai" and self.openai_api_key is None:
                raise ValueError(f"OPENAI_API_KEY must be set for {name.upper()}=openai")
        if self.meal_engine == "remote" and self.meal_address is None:
            raise ValueError("MEAL_ADDRESS must be set for MEAL_ENGINE=remote")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The service's time zone."""
        return ZoneInfo(self.service_zone)

    @property
    def link_base(self) -> str:
        """The base URL of links that clients get."""
        return self.public_url or self.base_url

    @property
    def token_keys_file(self) -> Path:
        """The file of the JWK Set that signs tokens and links."""
        return self.token_keys or self.data_dir / "token-keys.json"

    @property
    def base_url(self) -> str:
        """The URL under which clients on this machine reach the port."""
        scheme = "https" if self.tls_certificate else "http"
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"{scheme}://{host}:{self.port}"


# Our words for pydantic's error types. {ge} and the like stand for the bounds.
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
    """Raised for bad settings. Each of `lines` names one and says what it must be, for people."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _Given(Settings):
    """Settings that are read from the arguments alone, never from the process's environment."""

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
    """Return the settings of an environment. An empty variable counts as unset.

    Raises SettingsError, which names every bad setting.
    """
    variables = {name.lower(): value for name, value in environment.items() if value}
    values: dict[str, Any] = {
        name: variables[name] for name in Settings.model_fields if name in variables
    }
    try:
        return _Given(**values)
    except ValidationError as error:
        # A default that follows from a bad setting is not a fault of its own.
        problems = [each for each in error.errors() if each["type"] != "default_factory_not_called"]
        raise SettingsError([_line(problem) for problem in problems]) from None


def load_settings() -> Settings:
    """Return the settings of this process, or print every bad one and exit with code 2."""
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
    return f"{name} {message}{shown}" if name else message


def _is_secret(name: str) -> bool:
    field = Settings.model_fields.get(name.lower())
    return field is None or "SecretStr" in str(field.annotation)
