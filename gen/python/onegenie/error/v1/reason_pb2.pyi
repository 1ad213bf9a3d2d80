from google.rpc import code_pb2 as _code_pb2
from onegenie.rest.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class SdkReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SDK_REASON_UNSPECIFIED: _ClassVar[SdkReason]
    SDK_REASON_INVALID_REQUEST: _ClassVar[SdkReason]
    SDK_REASON_UNAUTHORIZED: _ClassVar[SdkReason]
    SDK_REASON_INSUFFICIENT_CREDIT: _ClassVar[SdkReason]
    SDK_REASON_NOT_FOUND: _ClassVar[SdkReason]
    SDK_REASON_PRIOR_ROUND_IN_FLIGHT: _ClassVar[SdkReason]
    SDK_REASON_REFINEMENT_CAP_EXCEEDED: _ClassVar[SdkReason]
    SDK_REASON_PAYLOAD_TOO_LARGE: _ClassVar[SdkReason]
    SDK_REASON_RATE_LIMITED: _ClassVar[SdkReason]
    SDK_REASON_INTERNAL_ERROR: _ClassVar[SdkReason]
    SDK_REASON_UNAVAILABLE: _ClassVar[SdkReason]
    SDK_REASON_DEADLINE_EXCEEDED: _ClassVar[SdkReason]
SDK_REASON_UNSPECIFIED: SdkReason
SDK_REASON_INVALID_REQUEST: SdkReason
SDK_REASON_UNAUTHORIZED: SdkReason
SDK_REASON_INSUFFICIENT_CREDIT: SdkReason
SDK_REASON_NOT_FOUND: SdkReason
SDK_REASON_PRIOR_ROUND_IN_FLIGHT: SdkReason
SDK_REASON_REFINEMENT_CAP_EXCEEDED: SdkReason
SDK_REASON_PAYLOAD_TOO_LARGE: SdkReason
SDK_REASON_RATE_LIMITED: SdkReason
SDK_REASON_INTERNAL_ERROR: SdkReason
SDK_REASON_UNAVAILABLE: SdkReason
SDK_REASON_DEADLINE_EXCEEDED: SdkReason
