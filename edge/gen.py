"""Make everything that is derived from a contract: `python -m edge.gen [FOLDER]`.

python      stubs, from protoc; with --pyi their types too
envoy       rest.pb, the descriptor Envoy transcodes with
openapi     openapi.json, what REST clients get
nanopb      C for firmware, of the files that have sizes for it beside them (NAME.options)
googleapis  the Google APIs that the contract imports, as their package has them, for buf

The APIs of Google and the kit's own options (edge/v1/annotations.proto) can be imported as they
are. Files that the contract imports from a folder of --include get their stubs too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distribution
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from edge.contract.model import Contract

# The folders that are made, in that of --out.
MADE = {"python", "envoy", "openapi", "nanopb", "googleapis"}
# The kit's own options, in a folder of protos.
OPTIONS = "edge/v1/"
# That folder: in the wheel they lie beside their stubs, in the repository at the top.
_TOP = Path(__file__).resolve().parent.parent
KIT_PROTO = _TOP if (_TOP / OPTIONS / "annotations.proto").is_file() else _TOP / "proto"


@dataclass(frozen=True)
class Reading:
    """How the contract is read: see load_contract."""

    defaults: Path | None = None
    lenient: bool = False


AS_IT_IS = Reading()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m edge.gen",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, nargs="?", help="the contract's protos (proto)")
    parser.add_argument("--proto", type=Path, metavar="FOLDER", help="the same")
    parser.add_argument(
        "--include",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of protos that the contract imports; may be repeated",
    )
    parser.add_argument("--out", type=Path, default=Path("gen"), help="what is made (gen)")
    for name in ("title", "version", "description"):
        parser.add_argument(f"--{name}", help=f"{name} of the API, for OpenAPI")
    parser.add_argument("--pyi", action="store_true", help="stubs that type checkers read, too")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name stale files, and exit 1"
    )
    parser.add_argument(
        "--defaults", type=Path, metavar="FILE", help="options from outside (edge.v1.Defaults)"
    )
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="leave out what cannot be served, or served over REST, and say what that is",
    )
    parser.add_argument("--derive", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    info = _info(options.title, options.version, options.description)
    reading = Reading(options.defaults, options.lenient)
    if options.derive:
        derive(options.derive, options.out, info, reading)
        return 0
    proto = options.folder or options.proto or Path("proto")
    _look_at_folders([proto, *options.include], options.out)
    again = shlex.join(a for a in arguments if a != "--check")
    with tempfile.TemporaryDirectory() as folder:
        if proto.resolve() == KIT_PROTO:
            # First, because what follows reads the options with them.
            _kit_stubs(proto, Path(folder) / "kit")
            made, kept = Path(folder) / "kit" / OPTIONS, Path(__file__).parent / "v1"
            if _bring_up_to_date(made, kept, again if options.check else None):
                return 1
        fresh = Path(folder) / "gen"
        generate(proto, fresh, options.include, info=info, pyi=options.pyi, reading=reading)
        return int(_bring_up_to_date(fresh, options.out, again if options.check else None))


def _look_at_folders(folders: Sequence[Path], out: Path) -> None:
    """Exit where there is nothing to make anything of, or something that must not be removed."""
    for folder in folders:
        if not folder.is_dir():
            sys.exit(f"edge.gen: there is no folder {folder}")
        if not _sources(folder):
            sys.exit(f"edge.gen: {folder} has no .proto files")
    others = sorted({entry.name for entry in out.iterdir()} - MADE) if out.is_dir() else []
    if others:
        sys.exit(
            f"edge.gen: {out} has {others[0]}, which is not made here and would be removed:"
            " name another folder with --out"
        )


def _bring_up_to_date(fresh: Path, kept: Path, again: str | None) -> bool:
    """Replace what differs; where `again` says how to do that, only name it.

    True when it differs still.
    """
    stale = _differing(fresh, kept)
    if again is None:
        _replace(fresh, kept, stale)
        return False
    for name in stale:
        command = f"python -m edge.gen {again}".rstrip()
        sys.stderr.write(f"{kept / name} is not up to date: run `{command}`\n")
    return bool(stale)


def _kit_stubs(proto: Path, out: Path) -> None:
    """Write the stubs of the kit's own options, which lie in the package `edge` itself."""
    out.mkdir()
    names = [name for name in _sources(proto) if name.startswith(OPTIONS)]
    run_protoc([proto], f"--python_out={out}", f"--mypy_out=quiet:{out}", *names)
    (out / OPTIONS / "__init__.py").write_text('"""The options\' stubs, made by `make gen`."""\n')


def generate(
    proto: Path,
    out: Path,
    include: Sequence[Path] = (),
    *,
    info: Mapping[str, str] | None = None,
    pyi: bool = False,
    reading: Reading = AS_IT_IS,
) -> None:
    """Write all generated files of the contract in `proto` to the empty folder `out`.

    `include` holds contracts that it imports. `info` is OpenAPI's. Exits where something is
    missing.
    """
    roots = [proto, *include]
    python = out / "python"
    python.mkdir(parents=True)
    image = out.parent / "contract.pb"
    _descriptor_set(roots, image)
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    own = [name for name in _sources(proto) if not _is_installed(name)]
    sources = own + _included(descriptors, include, own)
    with_service = [file.name for file in descriptors.file if file.service and file.name in sources]
    for file in descriptors.file:
        if file.name not in own:
            file.ClearField("service")  # somebody else's to serve
    image.write_bytes(descriptors.SerializeToString())
    types = [f"--mypy_out=quiet:{python}"] if pyi else []
    run_protoc(roots, f"--python_out={python}", *types, *sources)
    if with_service:
        types = [f"--mypy_grpc_out=quiet:{python}"] if pyi else []
        run_protoc(roots, f"--grpc_python_out={python}", *types, *with_service)
    _firmware_stubs(roots, sources, out / "nanopb")
    _imported_apis(descriptors, out / "googleapis")
    # A new process: this one may hold older stubs of the options.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(python), *_search_path()))}
    command = [sys.executable, "-m", "edge.gen", "--derive", str(image), "--out", str(out)]
    command += [f"--{name}={value}" for name, value in (info or {}).items()]
    command += [f"--defaults={reading.defaults}"] if reading.defaults else []
    command += ["--lenient"] if reading.lenient else []
    if code := subprocess.run(command, env=environment).returncode:
        sys.exit(code)


def _included(
    descriptors: descriptor_pb2.FileDescriptorSet, include: Sequence[Path], own: Sequence[str]
) -> list[str]:
    """Return what the contract imports from other folders and has no stubs yet."""
    return [
        file.name
        for file in descriptors.file
        if file.name not in own
        and any((folder / file.name).is_file() for folder in include)
        and not _is_installed(file.name)
    ]


def _is_installed(name: str) -> bool:
    """Return whether the kit or a package that it needs has the file's stubs."""
    folders = (_google_apis(), _well_known())
    return name.startswith(OPTIONS) or any((folder / name).is_file() for folder in folders)


def _firmware_stubs(roots: Sequence[Path], sources: Sequence[str], out: Path) -> None:
    """C for nanopb, with the well-known types it needs. Other imports only hold options."""
    sized = [name for name in sources if (roots[0] / name).with_suffix(".options").is_file()]
    if not sized:
        return
    texts = "".join((roots[0] / name).read_text(encoding="utf-8") for name in sized)
    imports = set(re.findall(r'^import (?:public )?"([^"]+)";', texts, re.MULTILINE)) - set(sized)
    needed = sorted(name for name in imports if name.startswith("google/protobuf/"))
    left_out = " ".join(f"-x {name}" for name in sorted(imports - set(needed)))
    out.mkdir(parents=True)
    run_protoc(roots, f"--nanopb_out=-I{roots[0]} {left_out}:{out}", *sized, *needed)


def _imported_apis(descriptors: descriptor_pb2.FileDescriptorSet, out: Path) -> None:
    """Copies of the Google APIs in a descriptor set, with their licence. buf asks a registry
    for what no module of its workspace has; the well-known types it brings itself."""
    package = distribution("googleapis-common-protos")
    names = [f.name for f in descriptors.file if f.name.startswith(("google/api/", "google/rpc/"))]
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(str(package.locate_file(name))).read_bytes())
    if names:
        (licence,) = (f for f in package.files or () if f.name == "LICENSE")
        (out / "LICENSE").write_bytes(Path(str(licence.locate())).read_bytes())


def derive(image: Path, out: Path, info: Mapping[str, str], reading: Reading = AS_IT_IS) -> None:
    """Write what is derived from options; the stubs must be importable."""
    from edge.contract.load import load_contract
    from edge.contract.model import ContractError
    from edge.envoy.descriptor import envoy_descriptor
    from edge.openapi import comments, document

    descriptors = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    _import_stubs(descriptors)
    try:
        contract = load_contract(
            service_names(descriptors), lenient=reading.lenient, defaults=reading.defaults
        )
    except ContractError as error:
        sys.exit(str(error))
    for one in contract.left_out:
        sys.stderr.write(f"{one}\n")
    _write_reasons(contract, comments(descriptors), out / "python")
    envoy = out / "envoy" / "rest.pb"
    envoy.parent.mkdir(parents=True, exist_ok=True)
    envoy.write_bytes(envoy_descriptor(contract).SerializeToString(deterministic=True))
    openapi = out / "openapi" / "openapi.json"
    openapi.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(contract, descriptors, info), ensure_ascii=False, indent=2)
    openapi.write_text(text + "\n", encoding="utf-8")


def _write_reasons(contract: Contract, notes: Mapping[str, str], python: Path) -> None:
    """Write each package's enums of reasons as types for ApiError: <package>/reasons.py."""
    modules: dict[str, list[str]] = {}
    for surface in contract.surfaces:
        name = surface.reasons_enum
        values = {r.name: notes.get(r.comment_path, "") for r in surface.reasons.values()}
        lines = [f"class {name.rpartition('.')[2]}(ReasonName):"]
        lines += [f"    {docstring(notes.get(name, ''))}"] if notes.get(name) else []
        for value, note in values.items():
            lines += ["", f'    {value} = "{value}"']
            lines += [f"    {docstring(note)}"] if note else []
        if name:
            modules.setdefault(name.rpartition(".")[0], []).append("\n".join(lines))
    for package, classes in modules.items():
        target = python / package.replace(".", "/") / "reasons.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        head = f'"""Reasons of {package or "the contract"}, made by `python -m edge.gen`."""\n'
        head += "\nfrom edge import ReasonName\n"
        target.write_text("\n\n".join([head, *sorted(classes)]) + "\n", encoding="utf-8")


def docstring(note: str) -> str:
    """Return the comment as a docstring of one line."""
    return '"""' + " ".join(note.split()).replace("\\", "\\\\").replace('"', '\\"') + '"""'


def service_names(descriptors: descriptor_pb2.FileDescriptorSet) -> list[str]:
    """Full names of the services in the contract's own files, in order."""
    return [
        f"{file.package}.{service.name}".removeprefix(".")
        for file in descriptors.file
        for service in file.service
    ]


def _import_stubs(descriptors: descriptor_pb2.FileDescriptorSet) -> None:
    """Import each file's stubs, wherever they lie: a folder need not be its package's."""
    for file in descriptors.file:
        module = file.name.removesuffix(".proto").replace("-", "_").replace("/", ".") + "_pb2"
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            sys.exit(f"edge.gen: {file.name} has no stubs that can be imported: {error}")
        except TypeError as error:  # protobuf has another file of the name, or of its messages
            sys.exit(f"edge.gen: {file.name} is not the one that is installed: {error}")


def _info(title: str | None, version: str | None, description: str | None) -> dict[str, str]:
    """What OpenAPI says of the API; by default what pyproject.toml here says of the project."""
    found = {"title": "API", "version": "0"}
    if (pyproject := Path("pyproject.toml")).is_file():
        project = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {})
        known = {"title": "name", "version": "version", "description": "description"}
        found |= {name: project[key] for name, key in known.items() if key in project}
    said = {"title": title, "version": version, "description": description}
    return found | {name: value for name, value in said.items() if value is not None}


def _search_path() -> list[str]:
    return [
        entry
        for entry in (str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH"))
        if entry
    ]


def _sources(proto: Path) -> list[str]:
    return sorted(path.relative_to(proto).as_posix() for path in proto.rglob("*.proto"))


def _descriptor_set(roots: Sequence[Path], target: Path) -> None:
    run_protoc(
        roots,
        f"--descriptor_set_out={target}",
        "--include_imports",
        "--include_source_info",
        *_sources(roots[0]),
    )


# What makes the output of an option of protoc that it does not make itself.
_PLUGINS = {
    "mypy": ("mypy-protobuf", "stubs", "--pyi"),
    "mypy_grpc": ("mypy-protobuf", "stubs", "--pyi"),
    "nanopb": ("nanopb", "firmware", "a NAME.options file"),
}


def run_protoc(roots: Sequence[Path], *arguments: str) -> None:
    """Run protoc over `roots`, the kit's options, Google's APIs and the well-known types.

    Exits on an error.
    """
    if find_spec("grpc_tools") is None:
        sys.exit("edge.gen needs grpcio-tools: pip install 'edge-kit[gen]'")
    plugins = []
    for name, (package, extra, reason) in _PLUGINS.items():
        if any(argument.startswith(f"--{name}_out=") for argument in arguments):
            if not (program := tool(f"protoc-gen-{name}")).is_file():
                sys.exit(f"edge.gen: {reason} needs {package}: pip install 'edge-kit[{extra}]'")
            plugins.append(f"--plugin=protoc-gen-{name}={program}")
    folders = dict.fromkeys([*roots, KIT_PROTO, _google_apis(), _well_known()])
    command = [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{folder}" for folder in folders)]
    result = subprocess.run([*command, *plugins, *arguments], stderr=subprocess.PIPE, text=True)
    sys.stderr.write(result.stderr)
    if result.returncode:
        if re.search(r"(: File not found\.|was not found or had errors\.)$", result.stderr, re.M):
            sys.stderr.write("edge.gen: name the folder of what is not found with --include\n")
        sys.exit(result.returncode)


def _google_apis() -> Path:
    return Path(str(distribution("googleapis-common-protos").locate_file("")))


def _well_known() -> Path:
    return Path(str(files("grpc_tools"))) / "_proto"


def tool(name: str) -> Path:
    """Return a program that was installed beside this Python."""
    return Path(sys.executable).parent / name


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _differing(fresh: Path, current: Path) -> list[str]:
    new, old = _files(fresh), _files(current) if current.is_dir() else {}
    return sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))


def _replace(fresh: Path, current: Path, stale: list[str]) -> None:
    """Write what changed, remove what is generated no more."""
    for name in stale:
        source, target = fresh / name, current / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        else:
            target.unlink()
    for folder in sorted((p for p in current.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
