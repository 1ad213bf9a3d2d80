from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.rpc import code_pb2 as _code_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENVELOPE_UNSPECIFIED: _ClassVar[Envelope]
    ENVELOPE_SUCCESS_DATA: _ClassVar[Envelope]
    ENVELOPE_STATUS_DATA: _ClassVar[Envelope]

class JsonNames(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JSON_NAMES_UNSPECIFIED: _ClassVar[JsonNames]
    JSON_NAMES_PROTO: _ClassVar[JsonNames]
    JSON_NAMES_CAMEL: _ClassVar[JsonNames]

class TimeFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_FORMAT_UNSPECIFIED: _ClassVar[TimeFormat]
    TIME_FORMAT_RFC3339_SECONDS: _ClassVar[TimeFormat]
    TIME_FORMAT_LOCAL_SECONDS: _ClassVar[TimeFormat]

class Access(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCESS_UNSPECIFIED: _ClassVar[Access]
    ACCESS_PUBLIC: _ClassVar[Access]
    ACCESS_SDK_KEY: _ClassVar[Access]
    ACCESS_USER: _ClassVar[Access]
    ACCESS_TENANT_ADMIN: _ClassVar[Access]
    ACCESS_SIGNAGE: _ClassVar[Access]

class Sse(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SSE_UNSPECIFIED: _ClassVar[Sse]
    SSE_ID: _ClassVar[Sse]
    SSE_EVENT: _ClassVar[Sse]
    SSE_DATA: _ClassVar[Sse]
    SSE_LAST_EVENT_ID: _ClassVar[Sse]

class Condition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONDITION_UNSPECIFIED: _ClassVar[Condition]
    CONDITION_INVALID_ARGUMENT: _ClassVar[Condition]
    CONDITION_UNAUTHENTICATED: _ClassVar[Condition]
    CONDITION_NOT_FOUND: _ClassVar[Condition]
    CONDITION_TOO_LARGE: _ClassVar[Condition]
    CONDITION_RATE_LIMITED: _ClassVar[Condition]
    CONDITION_INTERNAL: _ClassVar[Condition]
    CONDITION_UNAVAILABLE: _ClassVar[Condition]
    CONDITION_DEADLINE_EXCEEDED: _ClassVar[Condition]
ENVELOPE_UNSPECIFIED: Envelope
ENVELOPE_SUCCESS_DATA: Envelope
ENVELOPE_STATUS_DATA: Envelope
JSON_NAMES_UNSPECIFIED: JsonNames
JSON_NAMES_PROTO: JsonNames
JSON_NAMES_CAMEL: JsonNames
TIME_FORMAT_UNSPECIFIED: TimeFormat
TIME_FORMAT_RFC3339_SECONDS: TimeFormat
TIME_FORMAT_LOCAL_SECONDS: TimeFormat
ACCESS_UNSPECIFIED: Access
ACCESS_PUBLIC: Access
ACCESS_SDK_KEY: Access
ACCESS_USER: Access
ACCESS_TENANT_ADMIN: Access
ACCESS_SIGNAGE: Access
SSE_UNSPECIFIED: Sse
SSE_ID: Sse
SSE_EVENT: Sse
SSE_DATA: Sse
SSE_LAST_EVENT_ID: Sse
CONDITION_UNSPECIFIED: Condition
CONDITION_INVALID_ARGUMENT: Condition
CONDITION_UNAUTHENTICATED: Condition
CONDITION_NOT_FOUND: Condition
CONDITION_TOO_LARGE: Condition
CONDITION_RATE_LIMITED: Condition
CONDITION_INTERNAL: Condition
CONDITION_UNAVAILABLE: Condition
CONDITION_DEADLINE_EXCEEDED: Condition
SURFACE_FIELD_NUMBER: _ClassVar[int]
surface: _descriptor.FieldDescriptor
METHOD_FIELD_NUMBER: _ClassVar[int]
method: _descriptor.FieldDescriptor
FIELD_FIELD_NUMBER: _ClassVar[int]
field: _descriptor.FieldDescriptor
MESSAGE_FIELD_NUMBER: _ClassVar[int]
message: _descriptor.FieldDescriptor
WORD_FIELD_NUMBER: _ClassVar[int]
word: _descriptor.FieldDescriptor
ERROR_FIELD_NUMBER: _ClassVar[int]
error: _descriptor.FieldDescriptor

class Surface(_message.Message):
    __slots__ = ("envelope", "json_names", "time_format", "reasons", "path_prefixes")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    JSON_NAMES_FIELD_NUMBER: _ClassVar[int]
    TIME_FORMAT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIXES_FIELD_NUMBER: _ClassVar[int]
    envelope: Envelope
    json_names: JsonNames
    time_format: TimeFormat
    reasons: str
    path_prefixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, envelope: _Optional[_Union[Envelope, str]] = ..., json_names: _Optional[_Union[JsonNames, str]] = ..., time_format: _Optional[_Union[TimeFormat, str]] = ..., reasons: _Optional[str] = ..., path_prefixes: _Optional[_Iterable[str]] = ...) -> None: ...

class MethodRule(_message.Message):
    __slots__ = ("access", "success_status", "bare", "max_body_bytes", "reasons", "headers")
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_STATUS_FIELD_NUMBER: _ClassVar[int]
    BARE_FIELD_NUMBER: _ClassVar[int]
    MAX_BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    access: Access
    success_status: int
    bare: bool
    max_body_bytes: int
    reasons: _containers.RepeatedScalarFieldContainer[str]
    headers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, access: _Optional[_Union[Access, str]] = ..., success_status: _Optional[int] = ..., bare: _Optional[bool] = ..., max_body_bytes: _Optional[int] = ..., reasons: _Optional[_Iterable[str]] = ..., headers: _Optional[_Iterable[str]] = ...) -> None: ...

class FieldRule(_message.Message):
    __slots__ = ("omit_unset", "sensitive", "min_len", "max_len", "gte", "lte", "json_key", "malformed_is_not_found", "sse", "part", "pattern")
    OMIT_UNSET_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    MIN_LEN_FIELD_NUMBER: _ClassVar[int]
    MAX_LEN_FIELD_NUMBER: _ClassVar[int]
    GTE_FIELD_NUMBER: _ClassVar[int]
    LTE_FIELD_NUMBER: _ClassVar[int]
    IN_FIELD_NUMBER: _ClassVar[int]
    JSON_KEY_FIELD_NUMBER: _ClassVar[int]
    MALFORMED_IS_NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    SSE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    omit_unset: bool
    sensitive: bool
    min_len: int
    max_len: int
    gte: float
    lte: float
    json_key: str
    malformed_is_not_found: bool
    sse: Sse
    part: str
    pattern: str
    def __init__(self, omit_unset: _Optional[bool] = ..., sensitive: _Optional[bool] = ..., min_len: _Optional[int] = ..., max_len: _Optional[int] = ..., gte: _Optional[float] = ..., lte: _Optional[float] = ..., json_key: _Optional[str] = ..., malformed_is_not_found: _Optional[bool] = ..., sse: _Optional[_Union[Sse, str]] = ..., part: _Optional[str] = ..., pattern: _Optional[str] = ..., **kwargs) -> None: ...

class MessageRule(_message.Message):
    __slots__ = ("cache_json",)
    CACHE_JSON_FIELD_NUMBER: _ClassVar[int]
    cache_json: bool
    def __init__(self, cache_json: _Optional[bool] = ...) -> None: ...

class ErrorRule(_message.Message):
    __slots__ = ("code", "grpc_code", "http_status", "message", "general", "condition", "fixed_message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    GRPC_CODE_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    GENERAL_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    FIXED_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    grpc_code: _code_pb2.Code
    http_status: int
    message: str
    general: bool
    condition: Condition
    fixed_message: bool
    def __init__(self, code: _Optional[str] = ..., grpc_code: _Optional[_Union[_code_pb2.Code, str]] = ..., http_status: _Optional[int] = ..., message: _Optional[str] = ..., general: _Optional[bool] = ..., condition: _Optional[_Union[Condition, str]] = ..., fixed_message: _Optional[bool] = ...) -> None: ...
