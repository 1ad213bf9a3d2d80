"""Serve a protobuf contract to gRPC, gRPC-Web, REST and SSE clients, from the contract alone.

What is named here is the kit's public face; nothing else is promised. Names are loaded when they
are first used, so that a program pays for what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.contract.load import load_contract
    from edge.contract.model import PUBLIC, Contract, ContractError, Method
    from edge.envoy.config import Front, envoy_binary, render
    from edge.openapi import document
    from edge.reply.errors import ApiError, FieldViolation, ReasonName, invalid
    from edge.serve.authenticators import Authenticator
    from edge.serve.call import Call, Interceptor, current_call
    from edge.serve.interceptor import EdgeInterceptor
    from edge.serve.server import Server

__all__ = [
    "PUBLIC",
    "ApiError",
    "Authenticator",
    "Call",
    "Contract",
    "ContractError",
    "EdgeInterceptor",
    "FieldViolation",
    "Front",
    "Interceptor",
    "Method",
    "ReasonName",
    "Server",
    "current_call",
    "document",
    "envoy_binary",
    "invalid",
    "load_contract",
    "render",
]

_HOMES = {
    "ApiError": "reply.errors",
    "Authenticator": "serve.authenticators",
    "Call": "serve.call",
    "Contract": "contract.model",
    "ContractError": "contract.model",
    "EdgeInterceptor": "serve.interceptor",
    "FieldViolation": "reply.errors",
    "Front": "envoy.config",
    "Interceptor": "serve.call",
    "Method": "contract.model",
    "PUBLIC": "contract.model",
    "ReasonName": "reply.errors",
    "Server": "serve.server",
    "current_call": "serve.call",
    "document": "openapi",
    "envoy_binary": "envoy.config",
    "invalid": "reply.errors",
    "load_contract": "contract.load",
    "render": "envoy.config",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"edge.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
