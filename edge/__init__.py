"""Serve a protobuf contract to gRPC, gRPC-Web, REST and SSE clients, from the contract alone.

What is named here is the kit's public face, with the options' stubs (`edge.v1`) and exact numbers
in JSON (`edge.digits`); nothing else is promised. Names are loaded when they are first used: a
program pays for what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.contract.load import load_contract
    from edge.contract.model import PUBLIC, Contract, ContractError, Method
    from edge.envoy.config import Front, envoy_binary, render
    from edge.openapi import document
    from edge.reply.errors import ApiError, FieldViolation, ReasonName, invalid, reason_of
    from edge.request.validate import CONTROLS, UUID
    from edge.serve.authenticators import Authenticator
    from edge.serve.call import Call, Interceptor, current_call
    from edge.serve.interceptor import EdgeInterceptor
    from edge.serve.server import Server, until_told_to_stop

__all__ = [
    "CONTROLS",
    "PUBLIC",
    "UUID",
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
    "reason_of",
    "render",
    "until_told_to_stop",
]

_HOMES = {
    "ApiError": "reply.errors",
    "Authenticator": "serve.authenticators",
    "CONTROLS": "request.validate",
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
    "UUID": "request.validate",
    "current_call": "serve.call",
    "document": "openapi",
    "envoy_binary": "envoy.config",
    "invalid": "reply.errors",
    "load_contract": "contract.load",
    "reason_of": "reply.errors",
    "render": "envoy.config",
    "until_told_to_stop": "serve.server",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"edge.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
