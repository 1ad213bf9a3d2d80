"""Read a contract from its generated modules.

Everything is read once at start; a contract that leaves something unsaid is refused there, with
every problem at once, and never half-served.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.api import annotations_pb2 as http_annotations
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
from edge.contract.template import variables
from edge.openapi import Writer
from edge.rehearsal import Rehearsal
from edge.v1 import annotations_pb2 as rest


def load_contract(service_names: Iterable[str]) -> Contract:
    """Read the named services ("package.Service") from their generated modules.

    The modules (`<package>/*_pb2.py`, also those of the enums of reasons) are imported here.
    Raises ContractError naming everything that is missing.
    """
    return _Loader().load(service_names)


def import_package(package: str) -> None:
    """Import the generated modules of a proto package, where there are any."""
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if found.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{found.name}")


def _rehearsed(contract: Contract) -> Iterator[str]:
    """What does not work of a contract in which nothing is missing."""
    rehearsal, writer = Rehearsal(), Writer(contract, {})
    for method in contract.methods.values():
        if method.bindings:
            yield from rehearsal.problems(method, writer)


class _Loader:
    """Reads a contract and collects what is wrong with it."""

    def __init__(self) -> None:
        self.pool = descriptor_pool.Default()  # type: ignore[no-untyped-call]
        self.problems: list[str] = []
        self.surfaces: dict[bytes, Surface] = {}
        self.routes: dict[tuple[str, str], str] = {}
        self.files: dict[str, Any] = {}

    def load(self, names: Iterable[str]) -> Contract:
        methods: dict[str, Method] = {}
        services = []
        for name in dict.fromkeys(names):
            import_package(name.rpartition(".")[0])
            try:
                service = self.pool.FindServiceByName(name)
            except KeyError:
                self.problems.append(f"{name}: there is no such service")
                continue
            services.append(service)
            self._note_files(service.file)
            surface = self._surface(service)
            for method in service.methods:
                if (one := self._method(method, surface)) is not None:
                    methods[one.path] = one
        levels = self._access_levels()
        for read in methods.values():
            if read.access and read.access not in levels and read.access != PUBLIC:
                where = f"{read.service}.{read.name}"
                self.problems.append(f"{where}: no file declares the access {read.access!r}")
        contract = Contract(methods, tuple(self.surfaces.values()), tuple(services), levels)
        if not self.problems:
            self.problems += _rehearsed(contract)
        if self.problems:
            raise ContractError(tuple(dict.fromkeys(self.problems)))
        return contract

    def _note_files(self, file: Any) -> None:
        """Remember a file and what it imports, directly or not."""
        if file.name not in self.files:
            self.files[file.name] = file
            for imported in file.dependencies:
                self._note_files(imported)

    def _access_levels(self) -> dict[str, str]:
        levels: dict[str, str] = {}
        for file in self.files.values():
            for level in file.GetOptions().Extensions[rest.access_level]:
                if level.name in levels:
                    self.problems.append(f"{file.name}: access {level.name!r} is declared twice")
                if level.name in ("", PUBLIC):
                    self.problems.append(f"{file.name}: an access can't be named {level.name!r}")
                levels[level.name] = level.description
        return levels

    def _surface(self, service: ServiceDescriptor) -> Surface | None:
        options: rest.Surface = service.GetOptions().Extensions[rest.surface]
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
        """The surface's reasons by name; None when something is wrong with them."""
        reasons: dict[str, Reason] = {}
        if name:
            import_package(name.rpartition(".")[0])
            try:
                enum = self.pool.FindEnumTypeByName(name)
            except KeyError:
                self.problems.append(f"{where}: there is no enum {name}")
                return None
            self._note_files(enum.file)
            before = len(self.problems)
            reasons = {reason.name: reason for reason in self._values(enum)}
            if len(self.problems) > before:
                return None
        covered = {reason.condition for reason in reasons.values()}
        for default in DEFAULT_REASONS:
            if default.condition not in covered:
                if default.name in reasons:
                    self.problems.append(
                        f"{name}: {default.name} must have the condition of that name, or another"
                        " value must"
                    )
                reasons[default.name] = default
        return reasons

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
        rule: rest.MethodRule = method.GetOptions().Extensions[rest.method]
        if not rule.access:
            self.problems.append(f"{where}: (edge.v1.method) has no access")
        self.problems += lint.rule_problems(method, rule, surface)
        bindings = self._bindings(method)
        for message in (method.input_type, method.output_type):
            if message.full_name != HTTP_BODY:
                self.problems += lint.message_problems(message, where, surface, bool(bindings))
        if surface is None:
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
            bindings=bindings,
        )
        for binding in bindings:
            route = binding.route()
            if route in self.routes:
                self.problems.append(
                    f"{where}: {binding.verb} {binding.template} is already {self.routes[route]}"
                )
            self.routes.setdefault(route, where)
        self.problems += lint.rest_problems(read, where)
        return read

    def _bindings(self, method: MethodDescriptor) -> tuple[Binding, ...]:
        if not method.GetOptions().HasExtension(http_annotations.http):
            return ()
        rule = method.GetOptions().Extensions[http_annotations.http]
        bindings = []
        for one in (rule, *rule.additional_bindings):
            kind = one.WhichOneof("pattern")
            if kind is None:
                self.problems.append(f"{method.full_name}: google.api.http has no path")
                continue
            custom = kind == "custom"
            template = one.custom.path if custom else getattr(one, kind)
            bindings.append(
                Binding(
                    verb=one.custom.kind if custom else kind.upper(),
                    template=template,
                    path_fields=tuple(name for name, _ in variables(template)),
                    body=one.body,
                    response_body=one.response_body,
                )
            )
        return tuple(bindings)
