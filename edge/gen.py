"""Rebuild everything derived from the contract: `python -m edge.gen [--check]`.

gen/python   stubs with types, from protoc
gen/envoy    rest.pb, the descriptor Envoy transcodes with
gen/openapi  openapi.json, what REST clients get
gen/nanopb   C for firmware, of the files that have sizes for it beside them (NAME.options)
gen/googleapis  the Google APIs that the contract imports, as their package has them, for buf

`--check` writes nothing, names the files that are not up to date and exits 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from edge.contract.model import Contract

# The kit's own options, in a folder of protos.
OPTIONS = "edge/v1/"
# Where the kit's own options are written.
KIT_PROTO = Path(__file__).resolve().parent.parent / "proto"


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m edge.gen", description=__doc__)
    parser.add_argument("--proto", type=Path, default=Path("proto"), help="the contract")
    parser.add_argument("--out", type=Path, default=Path("gen"), help="what is rebuilt")
    parser.add_argument("--check", action="store_true", help="only name stale files")
    parser.add_argument("--derive", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.derive:
        derive(options.derive, options.out)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if options.proto.resolve() == KIT_PROTO:
            # First, because what follows reads the options with them.
            _kit_stubs(options.proto, Path(folder) / "kit")
            made, kept = Path(folder) / "kit" / OPTIONS, Path(__file__).parent / "v1"
            if _bring_up_to_date(made, kept, options.check):
                return 1
        fresh = Path(folder) / "gen"
        generate(options.proto, fresh)
        return int(_bring_up_to_date(fresh, options.out, options.check))


def _bring_up_to_date(fresh: Path, kept: Path, check: bool) -> bool:
    """Replace what differs, or only name it; True when it differs still."""
    stale = _differing(fresh, kept)
    if not check:
        _replace(fresh, kept, stale)
        return False
    for name in stale:
        sys.stderr.write(f"{kept / name} is not up to date: run `make gen`\n")
    return bool(stale)


def _kit_stubs(proto: Path, out: Path) -> None:
    """Write the stubs of the kit's own options, which lie in the package `edge` itself."""
    out.mkdir()
    names = [name for name in _sources(proto) if name.startswith(OPTIONS)]
    run_protoc([proto], f"--python_out={out}", f"--mypy_out=quiet:{out}", *names)
    (out / OPTIONS / "__init__.py").write_text('"""The options\' stubs, made by `make gen`."""\n')


def generate(proto: Path, out: Path, include: Sequence[Path] = ()) -> None:
    """Write all generated files of the contract in `proto` to the empty folder `out`.

    `include` holds contracts that it imports but that are not generated here; their
    stubs must be importable.
    """
    roots = [proto, *include]
    python = out / "python"
    python.mkdir(parents=True)
    sources = [name for name in _sources(proto) if not name.startswith(OPTIONS)]
    with_service = [name for name in sources if _has_service(proto / name)]
    run_protoc(roots, f"--python_out={python}", f"--mypy_out=quiet:{python}", *sources)
    if with_service:
        run_protoc(
            roots, f"--grpc_python_out={python}", f"--mypy_grpc_out=quiet:{python}", *with_service
        )
    _firmware_stubs(roots, sources, out / "nanopb")
    image = out.parent / "contract.pb"
    _descriptor_set(roots, image)
    _imported_apis(image, out / "googleapis")
    # A new process: this one may hold older stubs of the options.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(python), *_search_path()))}
    command = [sys.executable, "-m", "edge.gen", "--derive", str(image), "--out", str(out)]
    if code := subprocess.run(command, env=environment).returncode:
        sys.exit(code)


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


def _imported_apis(image: Path, out: Path) -> None:
    """Copies of the Google APIs in a descriptor set, with their licence. buf asks a registry
    for what no module of its workspace has; the well-known types it brings itself."""
    package = distribution("googleapis-common-protos")
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    names = [f.name for f in descriptors.file if f.name.startswith(("google/api/", "google/rpc/"))]
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(str(package.locate_file(name))).read_bytes())
    if names:
        (licence,) = (f for f in package.files or () if f.name == "LICENSE")
        (out / "LICENSE").write_bytes(Path(str(licence.locate())).read_bytes())


def derive(image: Path, out: Path) -> None:
    """Write what is derived from options; the stubs must be importable."""
    from edge.contract.load import load_contract
    from edge.contract.model import ContractError
    from edge.envoy.descriptor import envoy_descriptor
    from edge.openapi import comments, document

    descriptors = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    try:
        contract = load_contract(service_names(descriptors))
    except ContractError as error:
        sys.exit(str(error))
    _write_reasons(contract, comments(descriptors), out / "python")
    envoy = out / "envoy" / "rest.pb"
    envoy.parent.mkdir(parents=True, exist_ok=True)
    envoy.write_bytes(envoy_descriptor(contract).SerializeToString(deterministic=True))
    openapi = out / "openapi" / "openapi.json"
    openapi.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(contract, descriptors, _info()), ensure_ascii=False, indent=2)
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
        head = f'"""Reasons of {package}, made by `python -m edge.gen`."""\n'
        head += "\nfrom edge import ReasonName\n"
        target.write_text("\n\n".join([head, *sorted(classes)]) + "\n", encoding="utf-8")


def docstring(note: str) -> str:
    """The comment as a docstring of one line."""
    return '"""' + " ".join(note.split()).replace("\\", "\\\\").replace('"', '\\"') + '"""'


def service_names(descriptors: descriptor_pb2.FileDescriptorSet) -> list[str]:
    """Full names of the services in the contract's own files, in order."""
    return [
        f"{file.package}.{service.name}"
        for file in descriptors.file
        if not file.package.startswith("google.")
        for service in file.service
    ]


def _info() -> dict[str, str]:
    """Title, version and description of the API: those of the project in this folder."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "title": project["name"],
        "version": project["version"],
        "description": project["description"],
    }


def _search_path() -> list[str]:
    return [
        entry
        for entry in (str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH"))
        if entry
    ]


def _sources(proto: Path) -> list[str]:
    return sorted(path.relative_to(proto).as_posix() for path in proto.rglob("*.proto"))


def _has_service(source: Path) -> bool:
    return any(line.startswith("service ") for line in source.read_text().splitlines())


def _descriptor_set(roots: Sequence[Path], target: Path) -> None:
    run_protoc(
        roots,
        f"--descriptor_set_out={target}",
        "--include_imports",
        "--include_source_info",
        *_sources(roots[0]),
    )


def run_protoc(roots: Sequence[Path], *arguments: str) -> None:
    """Run protoc over `roots`, the APIs of Google and the well-known types; exit on an error."""
    import grpc_tools

    google_apis = distribution("googleapis-common-protos").locate_file("")
    well_known = Path(str(files(grpc_tools))) / "_proto"
    plugins = [
        f"--plugin=protoc-gen-{name}={tool(f'protoc-gen-{name}')}"
        for name in ("mypy", "mypy_grpc", "nanopb")
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{root}" for root in roots)]
    result = subprocess.run([*command, f"-I{google_apis}", f"-I{well_known}", *plugins, *arguments])
    if result.returncode:
        sys.exit(result.returncode)


def tool(name: str) -> Path:
    """A program that was installed beside this Python."""
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
