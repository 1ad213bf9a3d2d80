"""The contract of echo.proto, and what Envoy transcodes with for it."""

import importlib.resources
import tempfile
from functools import cache
from pathlib import Path

from google.api import annotations_pb2, httpbody_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2  # noqa: F401 echo.proto uses it
from grpc_tools import protoc
from onegenie.error.v1 import reason_pb2  # noqa: F401

from edge.contract.load import load_contract
from edge.contract.model import Contract

HERE = Path(__file__).parent
SERVICES = ("echo.v1.EchoService", "echo.v1.OtherService")


@cache
def descriptors() -> descriptor_pb2.FileDescriptorSet:
    """echo.proto and everything it imports."""
    with tempfile.NamedTemporaryFile() as out:
        roots = [
            HERE,
            HERE.parents[1] / "proto",
            importlib.resources.files("grpc_tools") / "_proto",
        ]
        common = Path(annotations_pb2.__file__).parents[2]
        arguments = [f"-I{root}" for root in (*roots, common)]
        code = protoc.main(
            ["protoc", *arguments, "--include_imports", f"-o{out.name}", "echo.proto"]
        )
        assert code == 0
        return descriptor_pb2.FileDescriptorSet.FromString(Path(out.name).read_bytes())


@cache
def contract() -> Contract:
    """The contract, loaded as the core would."""
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(descriptors().file[-1].SerializeToString())
    return load_contract(SERVICES)


def rest_descriptors() -> bytes:
    """As `make gen` derives it: bodies go in and come out as google.api.HttpBody."""
    derived = descriptor_pb2.FileDescriptorSet()
    derived.CopyFrom(descriptors())
    echo = derived.file[-1]
    body = descriptor_pb2.FileDescriptorProto.FromString(httpbody_pb2.DESCRIPTOR.serialized_pb)
    known = {file.name for file in derived.file}
    extra = [body] if body.name not in known else []
    if "google/protobuf/any.proto" not in known:
        any_file = descriptor_pool.Default().FindFileByName("google/protobuf/any.proto")
        extra.insert(0, descriptor_pb2.FileDescriptorProto.FromString(any_file.serialized_pb))
    echo.dependency.append(body.name)
    for message in echo.message_type:
        for field in message.field:
            if field.type_name == ".google.protobuf.Struct":
                field.type_name = ".google.api.HttpBody"
    for service in echo.service:
        for method in service.method:
            method.output_type = ".google.api.HttpBody"
    files = [*extra, *derived.file]
    return descriptor_pb2.FileDescriptorSet(file=files).SerializeToString()


def messages(serialized: bytes) -> dict[str, type]:
    """Message classes of a descriptor set, by full name, in a pool of their own."""
    files = descriptor_pb2.FileDescriptorSet.FromString(serialized).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return message_factory.GetMessages(list(files), pool=pool)
