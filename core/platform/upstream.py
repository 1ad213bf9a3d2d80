"""Open channels to our gRPC upstreams, and describe their failures."""

from __future__ import annotations

import json

import grpc

# gRPC itself retries within a call's deadline: at most 4 attempts, and only if the call never got
# through. A budget for the channel keeps retries from burying an upstream that is coming back: each
# failure takes a token, each success gives back 0.1, and below half there are no retries.
_RETRIES = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_BUDGET = {"maxTokens": 20, "tokenRatio": 0.1}
_OPTIONS = (
    # Sent only while calls are open, because servers may refuse more. It also makes the kernel give
    # up a connection whose far end is silent for the timeout.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Notice within two seconds, not two minutes, that an upstream is back. The minimum is the time
    # that one attempt to connect may take: TLS across an ocean needs more than the pause.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
_PROBLEMS = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "upstream timeout",
    grpc.StatusCode.UNAVAILABLE: "upstream unavailable",
    grpc.StatusCode.UNAUTHENTICATED: "upstream refused the credential",
    grpc.StatusCode.PERMISSION_DENIED: "upstream refused the credential",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "upstream is over its limits",
    grpc.StatusCode.UNIMPLEMENTED: "upstream does not offer this call",
}


def open_channel(
    address: str, service: str, largest_reply: int = 16 * 1024 * 1024
) -> grpc.aio.Channel:
    """Open a channel to `service` ("onegenie.store.v1.StoreService"), which connects at first use.

    The address is `https://host[:port]` for TLS. Without TLS it is `http://host:port`, `host:port`
    or `unix:/path`. Any other one raises ValueError. `largest_reply` is in bytes.
    """
    config = {
        "methodConfig": [{"name": [{"service": service}], "retryPolicy": _RETRIES}],
        "retryThrottling": _BUDGET,
    }
    options = (
        *_OPTIONS,
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_receive_message_length", largest_reply),
    )
    secure, target = split_address(address)
    if secure:
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options)
    return grpc.aio.insecure_channel(target, options=options)


def split_address(address: str) -> tuple[bool, str]:
    """Return whether an upstream's address asks for TLS, and gRPC's name for the address.

    Raises ValueError for a scheme other than https and http.
    """
    scheme, separator, target = address.partition("://")
    if not separator:
        return False, address
    if scheme not in ("http", "https"):
        raise ValueError(f"an address must start with https:// or http://, not {scheme}://")
    return scheme == "https", target


def problem_of(error: grpc.aio.AioRpcError) -> str:
    """Return what went wrong in our own words, without any text from the upstream."""
    return _PROBLEMS.get(error.code(), f"upstream error ({error.code().name})")
