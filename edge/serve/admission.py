"""Who sends a large body is asked before the body is taken in.

Envoy's ext_authz filter asks the core with the headers alone (envoy.service.auth.v3.Authorization).
Without it a stranger fills the memory with bodies that are refused once they are whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import grpc
from google.rpc import code_pb2, status_pb2

from edge.contract.model import PUBLIC, Method
from edge.reply.errors import ApiError, message_of, reason_of, status_headers, status_of
from edge.serve.call import Call, Interceptor
from edge.serve.interceptor import EdgeInterceptor
from edge.v1 import admission_pb2 as pb

SERVICE = "envoy.service.auth.v3.Authorization"
METHOD = "method"  # the context extension with the RPC's path


def needs_admission(method: Method) -> bool:
    """Return whether Envoy is to ask before it takes in the method's body."""
    return bool(method.rule.max_body_bytes) and method.access != PUBLIC


def admission(
    edge: EdgeInterceptor, interceptors: Sequence[Interceptor] = ()
) -> grpc.GenericRpcHandler:
    """Make the handler that answers Envoy: it lets in whom the method itself would let in.

    `interceptors` stand around the check, as others stand around a call. Who is not let in gets
    the answer that the method would give.
    """

    async def check(request: pb.AdmissionRequest, context: Any) -> pb.AdmissionResponse:
        path = request.attributes.context_extensions[METHOD]
        call = Call(edge.contract.methods[path], _Headers(request.attributes.request.http.headers))
        try:
            async with AsyncExitStack() as stack:
                for interceptor in interceptors:
                    await stack.enter_async_context(interceptor(call))
                await edge.authentication.check(call)
        except ApiError as error:
            return _denied(call.method, error, edge.domain)
        return pb.AdmissionResponse(status=status_pb2.Status(code=code_pb2.OK))

    handler = grpc.unary_unary_rpc_method_handler(
        check, pb.AdmissionRequest.FromString, pb.AdmissionResponse.SerializeToString
    )
    return grpc.method_handlers_generic_handler(SERVICE, {"Check": handler})


class _Headers:
    """The context of a call of which there are only headers."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        return tuple(self._headers.items())


def _denied(method: Method, error: ApiError, domain: str) -> pb.AdmissionResponse:
    """Over REST Envoy makes the surface's body of the status, over gRPC these headers count."""
    reason = reason_of(method.surface, error)
    status = status_of(domain, reason, message_of(reason, error), error)
    headers = status_headers(status)
    if reason.http_status == 401:
        headers["www-authenticate"] = "Bearer"
    denied = pb.AdmissionResponse.Denied(body=status.message)
    denied.status.code = reason.http_status
    for key, value in headers.items():
        denied.headers.add().header.MergeFrom(pb.AdmissionResponse.Header(key=key, value=value))
    return pb.AdmissionResponse(status=status_pb2.Status(code=status.code), denied_response=denied)
