"""Read a contract from its generated modules.

Everything is read once at start; a contract that leaves something unsaid is refused there, with
every problem at once, and never half-served.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.api import annotations_pb2 as http_annotations
from google.api import http_pb2
from google.protobuf import descriptor_pool

from edge.contract import lint
from edge.contract.defaults import DEFAULT_REASONS
from edge.contract.envelope import READY_MADE, read_form
from edge.contract.model import (
    HTTP_BODY,
    PUBLIC,
    Binding,
    Contract,
    ContractError,
    EnumDescriptor,
    Method,
    MethodDescriptor,
    Reason,
    ServiceDescriptor,
    Surface,
    enum_prefix,
)
from edge.contract.outside import Outside, read_defaults
from edge.contract.template import variables
from edge.openapi import Writer
from edge.rehearsal import Rehearsal
from edge.v1 import annotations_pb2 as rest
from edge.v1 import defaults_pb2

_NOT_SERVED = "is not served"
_GRPC_ONLY = "is served over gRPC only"


def load_contract(
    service_names: Iterable[str], *, lenient: bool = False, defaults: Path | None = None
) -> Contract:
    """Read the named services ("package.Service") from their generated modules.

    The modules (`<package>/*_pb2.py`, also those of the enums of reasons) are imported here, unless
    they are already. `defaults` is a file of edge.v1.Defaults. Raises ContractError naming
    everything that is missing or wrong; but where `lenient`, a method that can have no REST form
    is served over gRPC only, and one that says too little for that is not served: the contract's
    `left_out` says which and why.
    """
    outside = Outside(read_defaults(defaults) if defaults else defaults_pb2.Defaults())
    return _Loader(outside, lenient).load(service_names)


def import_package(package: str) -> None:
    """Import the generated modules of a proto package, where there are any."""
    if not package:
        return
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if found.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{found.name}")


class _Loader:
    """Reads a contract and collects what is wrong with it."""

    def __init__(self, outside: Outside, lenient: bool) -> None:
        self.outside = outside
        self.lenient = lenient
        self.pool = descriptor_pool.Default()
        self.problems: list[str] = []
        self.left_out: list[str] = []
        self.surfaces: dict[bytes, Surface] = {}
        self.routes: dict[tuple[str, str], str] = {}
        self.files: dict[str, Any] = {}

    def load(self, names: Iterable[str]) -> Contract:
        services = [s for name in dict.fromkeys(names) if (s := self._service(name)) is not None]
        for service in services:
            self._note_files(service.file)
        read: dict[str, Method] = {}
        for service in services:
            surface = self._surface_of(service)
            for method in service.methods:
                if (one := self._method(method, surface)) is not None:
                    read[one.path] = one
        self.problems += self.outside.problems()
        levels = self._access_levels()
        for path, method in list(read.items()):
            if method.access and method.access not in levels and method.access != PUBLIC:
                where = f"{method.service}.{method.name}"
                why = [f"{where}: no file declares the access {method.access!r}"]
                self._leave_out(where, _NOT_SERVED, why)
                del read[path]
        contract = Contract(read, tuple(self.surfaces.values()), tuple(services), levels)
        if not self.problems:
            contract = self._rehearsed(contract)
        if self.lenient and not contract.methods:
            self.problems += self.left_out or ["there is no method to serve"]
        if self.problems:
            raise ContractError(tuple(dict.fromkeys(self.problems)))
        return contract

    def _service(self, name: str) -> ServiceDescriptor | None:
        try:
            return self.pool.FindServiceByName(name)
        except KeyError:
            import_package(name.rpartition(".")[0])
        try:
            return self.pool.FindServiceByName(name)
        except KeyError:
            self.problems.append(
                f"{name}: there is no such service (stubs that are not in the folder of their"
                " package must be imported first)"
            )
            return None

    def _leave_out(self, where: str, what: str, why: Sequence[str]) -> None:
        """Note what is wrong with a service or a method, which is refused or left out for it."""
        if self.lenient:
            told = dict.fromkeys(one.removeprefix(f"{where}: ") for one in why)
            self.left_out.append(f"{where} {what}: " + "; ".join(told))
        else:
            self.problems += why

    def _rehearsed(self, contract: Contract) -> Contract:
        """Return the contract once all its REST forms have been tried."""
        rehearsal, writer = Rehearsal(), Writer(contract, {})
        methods = dict(contract.methods)
        for path, method in methods.items():
            if method.bindings and (found := list(rehearsal.problems(method, writer))):
                self._leave_out(f"{method.service}.{method.name}", _GRPC_ONLY, found)
                methods[path] = replace(method, bindings=())
        if not self.lenient:
            return contract
        served = {method.service for method in methods.values()}
        surfaces = {method.surface: None for method in methods.values()}
        return replace(
            contract,
            methods=methods,
            surfaces=tuple(surfaces),
            services=tuple(s for s in contract.services if s.full_name in served),
            left_out=tuple(self.left_out),
        )

    def _note_files(self, file: Any) -> None:
        """Remember a file and what it imports, directly or not."""
        if file.name not in self.files:
            self.files[file.name] = file
            for imported in file.dependencies:
                self._note_files(imported)

    def _access_levels(self) -> dict[str, str]:
        levels: dict[str, str] = {}
        declared = {
            name: file.GetOptions().Extensions[rest.access_level]
            for name, file in self.files.items()
        }
        for where, some in (*declared.items(), ("defaults", self.outside.access_levels)):
            for level in some:
                if level.name in levels:
                    self.problems.append(f"{where}: access {level.name!r} is declared twice")
                if level.name in ("", PUBLIC):
                    self.problems.append(f"{where}: an access can't be named {level.name!r}")
                levels[level.name] = level.description
        return levels

    def _surface_of(self, service: ServiceDescriptor) -> Surface | None:
        """Return the surface of a service; None where it has none, and the service is left out."""
        before = len(self.problems)
        surface = self._surface(service)
        found = self.problems[before:]
        if found and self.lenient:
            del self.problems[before:]
            self._leave_out(service.full_name, _NOT_SERVED, found)
            return None
        return surface

    def _surface(self, service: ServiceDescriptor) -> Surface | None:
        options = self.outside.surface(service)
        key = options.SerializeToString(deterministic=True)
        if key in self.surfaces:
            return self.surfaces[key]
        where = f"{service.full_name}: (edge.v1.surface)"
        found = list(lint.surface_problems(options, where))
        reasons = self._reasons(options.reasons, where)
        if found or reasons is None:
            self.problems += found
            return None
        form = options.envelope_form if not options.envelope else READY_MADE[options.envelope]
        surface = Surface(
            envelope=read_form(form),
            json_names=options.json_names,
            time_format=options.time_format,
            path_prefixes=tuple(options.path_prefixes),
            reasons_enum=options.reasons,
            reasons=reasons,
            conditions={r.condition: r for r in reasons.values() if r.condition},
        )
        self.surfaces[key] = surface
        return surface

    def _reasons(self, name: str, where: str) -> Mapping[str, Reason] | None:
        """Return the surface's reasons by name; None when something is wrong with them."""
        reasons: dict[str, Reason] = {}
        before = len(self.problems)
        if name:
            import_package(name.rpartition(".")[0])
            try:
                enum = self.pool.FindEnumTypeByName(name)
            except KeyError:
                self.problems.append(f"{where}: there is no enum {name}")
                return None
            self._note_files(enum.file)
            reasons = {reason.name: reason for reason in self._values(enum)}
        covered = {reason.condition for reason in reasons.values()}
        for default in DEFAULT_REASONS:
            if default.condition not in covered:
                if default.name in reasons:
                    self.problems.append(
                        f"{name}: {default.name} must have the condition of that name, or another"
                        " value must"
                    )
                reasons[default.name] = default
        return reasons if len(self.problems) == before else None

    def _values(self, enum: EnumDescriptor) -> Iterator[Reason]:
        conditions: dict[int, str] = {}
        for value in enum.values:
            rule: rest.ErrorRule = value.GetOptions().Extensions[rest.error]
            if value.number == 0:
                continue
            where = f"{enum.full_name}.{value.name}"
            self.problems += lint.reason_problems(rule, where)
            if rule.condition and rule.condition in conditions:
                word = rest.Condition.Name(rule.condition)
                other = conditions[rule.condition]
                self.problems.append(
                    f"{enum.full_name}: {other} and {value.name} both stand for {word}"
                )
            conditions.setdefault(rule.condition, value.name)
            short = value.name.removeprefix(enum_prefix(enum))
            yield Reason(
                name=short,
                code=rule.code or short,
                grpc_code=rule.grpc_code,
                http_status=rule.http_status,
                message=rule.message,
                general=rule.general,
                condition=rule.condition,
                fixed_message=rule.fixed_message,
                comment_path=where,
            )

    def _method(self, method: MethodDescriptor, surface: Surface | None) -> Method | None:
        where = method.full_name
        rule = self.outside.rule(method)
        if surface is None and self.lenient:
            return None
        found = list(lint.rule_problems(method, rule, surface))
        if not rule.access:
            found.insert(0, f"{where}: (edge.v1.method) has no access")
        messages = [m for m in (method.input_type, method.output_type) if m.full_name != HTTP_BODY]
        for message in messages:
            found += lint.message_problems(message)
        if found:
            self._leave_out(where, _NOT_SERVED, found)
        if surface is None or (found and self.lenient):
            return None
        read = Method(
            path=f"/{method.containing_service.full_name}/{method.name}",
            service=method.containing_service.full_name,
            name=method.name,
            access=rule.access,
            surface=surface,
            rule=rule,
            input=method.input_type,
            output=method.output_type,
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
            bindings=(),
        )
        if not method.GetOptions().HasExtension(http_annotations.http):
            return read
        read, rest_found = self._with_bindings(read, method)
        for message in messages:
            rest_found += lint.json_problems(message, where, surface)
        if not (self.lenient and rest_found):
            rest_found += self._take_routes(read, where)
        if rest_found:
            self._leave_out(where, _GRPC_ONLY, rest_found)
            read = replace(read, bindings=())
        return read

    def _take_routes(self, method: Method, where: str) -> Iterator[str]:
        """Take the method's routes; yield those that are taken."""
        for binding in method.bindings:
            if other := self.routes.get(binding.route()):
                yield f"{where}: {binding.verb} {binding.template} is already {other}"
            self.routes.setdefault(binding.route(), where)

    def _with_bindings(self, read: Method, method: MethodDescriptor) -> tuple[Method, list[str]]:
        """Return the method with its REST forms, and what is wrong with them."""
        where = method.full_name
        rule = method.GetOptions().Extensions[http_annotations.http]
        rules = (rule, *rule.additional_bindings)
        if any(one.WhichOneof("pattern") is None for one in rules):
            return read, [f"{where}: google.api.http has no path"]
        read = replace(read, bindings=tuple(_binding(one) for one in rules))
        return read, list(lint.rest_problems(read, where))


def _binding(rule: http_pb2.HttpRule) -> Binding:
    kind = rule.WhichOneof("pattern")
    custom = kind == "custom"
    template = rule.custom.path if custom else getattr(rule, str(kind))
    return Binding(
        verb=rule.custom.kind if custom else str(kind).upper(),
        template=template,
        path_fields=tuple(name for name, _ in variables(template)),
        body=rule.body,
        response_body=rule.response_body,
    )
