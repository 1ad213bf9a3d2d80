"""Envoy's configuration: it follows the contract and the settings, and Envoy takes it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.app.services import SERVICES
from core.run.supervisor import DESCRIPTOR
from edge.contract.load import load_contract
from edge.contract.template import is_template, path_regex, precedence
from edge.envoy.config import Front, envoy_binary, render
from tests.e2e import echo_contract

TLS = Path(__file__).parents[2] / "e2e" / "tls"


def Settings(**options: Any) -> Front:
    """A front that pages of any origin may call."""
    return Front(**{"cors_origins": ("*",)} | options)


def rendered(
    folder: Path, settings: Front, contract: Any = None, descriptor: Path | None = None
) -> Path:
    if descriptor is None:
        descriptor = folder / "rest.pb"
        descriptor.write_bytes(echo_contract.rest_descriptors())
    config = folder / "envoy.yaml"
    config.write_text(
        render(
            settings,
            contract or echo_contract.contract(),
            descriptor=descriptor,
            cores=[folder / "core-1.sock", folder / "core-2.sock"],
            admin=folder / "admin.sock",
            access_log=folder / "access.jsonl",
            domain="test",
        )
    )
    return config


def validate(config: Path) -> None:
    result = subprocess.run(
        [envoy_binary(), "--mode", "validate", "-c", config, "--log-level", "warning"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "eprecated" not in result.stderr


def manager(config: Path) -> dict[str, Any]:
    listener = yaml.safe_load(config.read_text())["static_resources"]["listeners"][0]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def routes(config: Path) -> list[dict[str, Any]]:
    """Those to a core."""
    found = manager(config)["route_config"]["virtual_hosts"][0]["routes"]
    return [route for route in found if "route" in route]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(tls_certificate=TLS / "certificate.pem", tls_key=TLS / "key.pem"),
        Settings(
            host="0.0.0.0", port=80, cors_origins=("https://a.example", "http://b"), rate_limit=1
        ),
        Settings(host="::1"),
    ],
)
def test_envoy_takes_it(tmp_path: Path, settings: Front) -> None:
    validate(rendered(tmp_path, settings))


def test_envoy_takes_it_for_the_real_contract(tmp_path: Path) -> None:
    config = rendered(tmp_path, Settings(), load_contract(SERVICES), DESCRIPTOR)
    validate(config)
    streams = [r["match"].get("path") for r in routes(config) if r["route"]["timeout"] == "0s"]
    assert "/onegenie.recommend.v1.RecommendService/WatchRound" in streams
    assert "/onegenie.vision.v1.VisionService/StreamTidyRoom" in streams
    timeouts = {r["match"].get("path"): r["route"]["timeout"] for r in routes(config)}
    assert timeouts["/onegenie.vision.v1.VisionService/GenerateTidyRoom"] == "120s"
    asked = [
        route["typed_per_filter_config"]["envoy.filters.http.ext_authz"]["check_settings"]
        for route in routes(config)
        if route["match"].get("path") == "/onegenie.post.v1.PostService/CreatePost"
    ]
    method = {"method": "/onegenie.post.v1.PostService/CreatePost"}
    assert asked == [{"context_extensions": method}]


def test_envoy_refuses_a_broken_one(tmp_path: Path) -> None:
    """So that the tests above can fail."""
    config = rendered(tmp_path, Settings())
    config.write_text(config.read_text().replace("lb_policy: LEAST_REQUEST", "lb_policy: BEST"))
    with pytest.raises(AssertionError):
        validate(config)


def test_filters_stand_in_the_order_that_works(tmp_path: Path) -> None:
    names = [
        f["name"].rpartition(".")[2]
        for f in manager(rendered(tmp_path, Settings()))["http_filters"]
    ]
    assert names == [
        "header_mutation",
        "health_check",
        "cors",
        "compressor",
        "grpc_web",
        "local_ratelimit",
        "lua",
        "ext_authz",
        "buffer",
        "grpc_json_transcoder",
        "router",
    ]


def test_routes_follow_the_contract(tmp_path: Path) -> None:
    found = routes(rendered(tmp_path, Settings()))
    by_path = {route["match"].get("path"): route for route in found}
    watch = by_path["/echo.v1.EchoService/Watch"]["route"]
    assert (watch["timeout"], watch["idle_timeout"], watch["priority"]) == ("0s", "3600s", "HIGH")
    read = by_path["/echo.v1.EchoService/Get"]
    assert "unavailable" in read["route"]["retry_policy"]["retry_on"]
    # The core's deadline is a second later than Envoy's: or it would be a race.
    assert read["route"]["timeout"] == "15s"
    assert read["request_headers_to_add"][0]["header"] == {"key": "grpc-timeout", "value": "16S"}
    assert "/echo.v1.EchoService/Make" not in by_path
    assert found[-1]["match"] == {"prefix": "/"}
    assert "unavailable" not in found[-1]["route"]["retry_policy"]["retry_on"]
    upload = found[0]
    assert upload["match"]["headers"][0]["string_match"] == {"exact": "POST"}
    transcoder, buffer = upload["typed_per_filter_config"].values()  # anybody may, so nobody asks
    assert transcoder["max_request_body_size"] == 3_000_000
    assert buffer["buffer"]["max_request_bytes"] == 3_000_005
    # Who sends nothing for long is not waited for, or is with a large body.
    assert (read["route"]["idle_timeout"], upload["route"]["idle_timeout"]) == ("20s", "125s")
    # Its time is that of the method's path, which the transcoder puts in.
    long = by_path["/echo.v1.EchoService/Upload"]
    assert (long["route"]["timeout"], long["route"]["idle_timeout"]) == ("120s", "125s")
    assert long["request_headers_to_add"][0]["header"] == {"key": "grpc-timeout", "value": "121S"}
    assert "unavailable" not in long["route"]["retry_policy"]["retry_on"]
    quick = by_path["/echo.v1.EchoService/Quick"]
    assert quick["route"]["timeout"] == "1s"
    assert quick["route"]["idle_timeout"] == "6s"
    assert "unavailable" in quick["route"]["retry_policy"]["retry_on"]


def test_each_process_is_an_endpoint(tmp_path: Path) -> None:
    cluster = yaml.safe_load(rendered(tmp_path, Settings()).read_text())["static_resources"][
        "clusters"
    ][0]
    endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    paths = [endpoint["endpoint"]["address"]["pipe"]["path"] for endpoint in endpoints]
    assert paths == [str(tmp_path / "core-1.sock"), str(tmp_path / "core-2.sock")]


def test_no_credential_is_logged(tmp_path: Path) -> None:
    logged = manager(rendered(tmp_path, Settings()))["access_log"][0]["typed_config"]["log_format"]
    text = str(logged).upper()
    assert "AUTHORIZATION" not in text
    assert "COOKIE" not in text
    assert "%PATH(NQ" in text  # without the query


def test_settings_are_quoted(tmp_path: Path) -> None:
    """A path or origin with YAML's or Lua's own characters stays a plain string."""
    odd = tmp_path / "a: 'b' \"c\" #d"
    odd.mkdir()
    config = rendered(odd, replace(Settings(), cors_origins=('https://x"]\n',)))
    validate(config)


@pytest.mark.parametrize(
    ("template", "matches", "others"),
    [
        ("/v1/a/{id}", ["/v1/a/1", "/v1/a/1/", "/v1/a/1//"], ["/v1/a/", "/v1/a/1/b", "/v1/a"]),
        ("/v1/{name=files/*}/up", ["/v1/files/x/up"], ["/v1/x/up", "/v1/files/x/y/up"]),
        ("/v1/{name=**}", ["/v1/a/b/c", "/v1", "/v1/"], ["/v2/a", "/v1a"]),
        ("/v1/{name=**}/b", ["/v1/a/b", "/v1/a/a/b/", "/v1/b"], ["/v1/a", "/v1/ab"]),
        ("/v1/{name=a/*}:undo", ["/v1/a/x:undo", "/v1/a/x:y:undo"], ["/v1/a/x", "/v1/a/x/y:undo"]),
        ("/v1/a.b:undo", ["/v1/a.b:undo"], ["/v1/axb:undo"]),
    ],
)
def test_path_regex(template: str, matches: list[str], others: list[str]) -> None:
    for path in matches:
        assert re.fullmatch(path_regex(template), path)
    for path in others:
        assert not re.fullmatch(path_regex(template), path)


@pytest.mark.parametrize(
    "template", ["/v1/a", "/v1/{a}/b/{b.c=x/*}:undo", "/v1/a.b-c/{name=**}", "/v1/**/x", "/"]
)
def test_templates(template: str) -> None:
    assert is_template(template) is (template != "/")


NO_TEMPLATES = "v1/a /v1//a /v1/{a /v1/a} /v1/{a={b}} /v1/a* /v1/{} /v1/{a=**}/{b} /a?b"


@pytest.mark.parametrize("template", NO_TEMPLATES.split())
def test_what_is_no_template(template: str) -> None:
    assert not is_template(template)


def test_precedence_is_envoys() -> None:
    best_first = [
        "/v1/a/*:undo", "/v1/a", "/v1/a/b", "/v1/a/*", "/v1/a/**/b", "/v1/a/**", "/v1/*", "/v1/**",
    ]  # fmt: skip
    keys = [precedence(template) for template in best_first]
    assert keys == sorted(keys)
