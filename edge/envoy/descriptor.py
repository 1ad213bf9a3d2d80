"""The descriptor Envoy transcodes with, derived from the contract.

For each method with google.api.http the request becomes a message of one string
per path variable and query parameter, plus one google.api.HttpBody for the body;
the reply becomes google.api.HttpBody. So Envoy routes and carries bytes, and
nothing else: parsing, errors, envelopes and formats are the core's, in one place.
Names of services and methods stay, so that typed gRPC callers and transcoded
ones meet on the same path.
"""

from __future__ import annotations

from google.api import annotations_pb2 as http_annotations
from google.api import http_pb2, httpbody_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import Message

from edge.contract.model import HTTP_BODY, Contract, Method

# The body's field in a derived request: a name and a number no contract takes.
BODY_NAME = "http_body_"
BODY_NUMBER = 536_870_911

_DEPENDENCIES = (descriptor_pb2, any_pb2, httpbody_pb2, http_pb2, http_annotations)


def envoy_descriptor(contract: Contract) -> descriptor_pb2.FileDescriptorSet:
    """Return the services with a REST form, their messages derived. Contains all it imports."""
    derived = descriptor_pb2.FileDescriptorSet()
    for module in _DEPENDENCIES:
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        file.ClearField("options")
        derived.file.append(file)
    for service in contract.services:
        methods = [m for m in contract.methods.values() if m.service == service.full_name]
        if any(method.bindings for method in methods):
            derived.file.append(_service_file(service.full_name, methods))
    return derived


def request_class(method: Method) -> type[Message]:
    """Return the core's view of a derived request. Every string is repeated here, which is the
    same on the wire: the core sees each occurrence, and decides which one counts."""
    pool = descriptor_pool.DescriptorPool()
    for module in (any_pb2, httpbody_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    message = _request(method)
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.label = FieldDescriptorProto.LABEL_REPEATED
    file = FileDescriptorProto(
        name="edge/derived.proto",
        package="edge.derived",
        syntax="proto3",
        dependency=["google/api/httpbody.proto"],
        message_type=[message],
    )
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName(f"edge.derived.{message.name}")
    return message_factory.GetMessageClass(descriptor)


def _service_file(service: str, methods: list[Method]) -> FileDescriptorProto:
    package, _, name = service.rpartition(".")
    file = FileDescriptorProto(
        name=f"edge/{service}.proto",
        package=package,
        syntax="proto3",
        dependency=["google/api/annotations.proto", "google/api/httpbody.proto"],
    )
    described = file.service.add(name=name)
    scope = f".{package}" if package else ""
    for method in methods:
        if not method.bindings:
            continue
        request = _request(method)
        file.message_type.append(request)
        derived = described.method.add(
            name=method.name,
            input_type=f"{scope}.{request.name}",
            output_type=f".{HTTP_BODY}",
            server_streaming=method.server_streaming,
        )
        derived.options.Extensions[http_annotations.http].CopyFrom(_http_rule(method))
    return file


def _request(method: Method) -> DescriptorProto:
    message = DescriptorProto(name=f"{method.service.rpartition('.')[2]}_{method.name}_Rest")
    # A field may be a variable of one binding's path and a query parameter of another's.
    for name in dict.fromkeys((*method.path_fields, *method.query_fields)):
        field = method.input.fields_by_name[name]
        message.field.add(
            name=name,
            number=field.number,
            type=FieldDescriptorProto.TYPE_STRING,
            label=FieldDescriptorProto.LABEL_REPEATED
            if field.is_repeated
            else FieldDescriptorProto.LABEL_OPTIONAL,
            json_name=method.surface.json_key(field)
            if method.surface.json_key(field) != name
            else field.json_name,
        )
    if method.reads_body:
        message.field.add(
            name=BODY_NAME,
            number=BODY_NUMBER,
            type=FieldDescriptorProto.TYPE_MESSAGE,
            type_name=f".{HTTP_BODY}",
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            json_name=BODY_NAME,
        )
    return message


def _http_rule(method: Method) -> http_pb2.HttpRule:
    rules = []
    for binding in method.bindings:
        rule = http_pb2.HttpRule(body=BODY_NAME if binding.body else "")
        verb = binding.verb.lower()
        if verb in ("get", "put", "post", "delete", "patch"):
            setattr(rule, verb, binding.template)
        else:
            rule.custom.kind, rule.custom.path = binding.verb, binding.template
        rules.append(rule)
    rules[0].additional_bindings.extend(rules[1:])
    return rules[0]
