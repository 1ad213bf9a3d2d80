"""The imports of core and edge keep to the plan below: every arrow points down."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge

ROOT = Path(__file__).parents[2]

# Each room of core, and the rooms that it may import; a wing's name stands for all its domains.
# The kit (edge) and the contract's stubs (onegenie) are open to every room.
ROOMS = {
    "core.cli": {"core.run", "core.app", "core.shop", "core.room", "core.platform"},
    "core.run": {"core.app", "core.shop", "core.room", "core.platform"},
    "core.migrations": {"core.app"},
    "core.app": {"core.shop", "core.room", "core.platform"},
    "core.shop": {"core.platform"},
    "core.room": {"core.platform"},
    "core.platform": set(),
}
# Each wing's domains, and the domains of the same wing that they may import.
WINGS = {
    "core.shop": {
        "tenants": set(),
        "profile": {"tenants"},
        "catalogue": {"tenants"},
        "lift": {"catalogue", "tenants"},
        "meal": {"catalogue"},
        "signage": {"catalogue", "tenants"},
        "recommend": {"catalogue", "lift", "meal", "profile", "tenants"},
        "trigger": {"catalogue", "recommend", "signage", "tenants"},
        "staff": {"catalogue", "signage", "tenants", "trigger"},
    },
    "core.room": {
        "accounts": set(),
        "media": set(),
        "friend": {"accounts"},
        "mission": {"accounts"},
        "post": {"accounts", "friend", "media"},
        "vision": {"accounts", "media", "mission"},
    },
}


def room_of(module: str) -> str:
    """Name the room of a module, or of a name imported from one: `core.shop.meal` of
    `core.shop.meal.port.MealEngine`. What lies in a wing and in no domain is the wing's own."""
    parts = module.split(".")
    if parts[0] != "core":
        return parts[0]
    room = ".".join(parts[:2])
    domain = "".join(parts[2:3])
    return f"{room}.{domain}" if domain in WINGS.get(room, {}) else room


def allowed(importer: str) -> set[str]:
    """Name the rooms that this room may import, itself included."""
    if importer == "edge":
        return {"edge"}
    wing, _, domain = importer.rpartition(".")
    if wing in WINGS:
        rooms = ROOMS[wing] | {f"{wing}.{each}" for each in WINGS[wing][domain]}
    else:
        rooms = {importer, *ROOMS[importer]}
        rooms |= {f"{each}.{domain}" for each in rooms & WINGS.keys() for domain in WINGS[each]}
    return {importer, "edge", "onegenie"} | rooms


def imports(path: Path, module: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of all that a file imports, in functions and in
    `if TYPE_CHECKING:` too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                parts = package.split(".")
                above = parts[: len(parts) - level + 1] if level else []
                base = ".".join([*above, *([source] if source else [])])
                yield from ((node.lineno, f"{base}.{name.name}") for name in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def violations(root: Path) -> dict[str, list[str]]:
    """List, by file, the imports below `root` that the plan does not have."""
    found: dict[str, list[str]] = {}
    for path in sorted([*root.glob("core/**/*.py"), *root.glob("edge/**/*.py")]):
        file = path.relative_to(root)
        module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        room = room_of(module)
        rooms = allowed(room) if room != "core" else set()
        for line, name in imports(path, module):
            if name.split(".")[0] in {"core", "edge", "onegenie", "tests"} and (
                room_of(name) not in rooms
            ):
                found.setdefault(file.as_posix(), []).append(f"{file}:{line}: {name}")
    return found


def test_every_import_is_in_the_plan() -> None:
    assert violations(ROOT) == {}


def test_the_plan_has_no_cycle() -> None:
    rooms = {*ROOMS, *(f"{wing}.{domain}" for wing in WINGS for domain in WINGS[wing])}
    graph = {room: allowed(room) - {room} for room in rooms}
    assert len([*graphlib.TopologicalSorter(graph).static_order()]) == len(
        rooms | {"edge", "onegenie"}
    )


def test_the_plan_has_every_folder() -> None:
    def folders(of: str) -> set[str]:
        return {path.parent.name for path in ROOT.glob(f"{of}/*/__init__.py")}

    assert {f"core.{name}" for name in folders("core")} == ROOMS.keys()
    for wing, domains in WINGS.items():
        assert folders(wing.replace(".", "/")) == domains.keys()


def violations_of_one_file(root: Path, file: str, source: str) -> dict[str, list[str]]:
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(source + "\n")
    return violations(root)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/shop/meal/port.py", "from core.room.media.files import Media"),
        ("core/shop/meal/port.py", "from core import room"),
        ("core/room/post/sql.py", "import core.shop.tenants.sql as keys"),
        ("core/room/post/sql.py", "from ...shop import tenants"),
        ("core/room/__init__.py", "from ..shop import build"),
        ("core/platform/jobs.py", "def work() -> None:\n    from core.shop import lift"),
        ("core/platform/jobs.py", "import importlib\nimportlib.import_module('core.app.wire')"),
        ("core/platform/jobs.py", "if TYPE_CHECKING:\n    from core.room.accounts import tokens"),
        ("core/app/wire.py", "from core.run.supervisor import Supervisor"),
        ("core/run/demo.py", "from core.cli import common"),
        ("core/shop/tenants/sql.py", "from core.shop.staff import events"),
        ("core/shop/tenants/sql.py", "from ..staff import events"),
        ("core/shop/tenants/sql.py", "from core.shop import build"),
        ("core/shop/wire.py", "from core.app.wire import serve"),
        ("edge/contract/load.py", "from onegenie.error.v1 import reason_pb2"),
        ("edge/serve/server.py", "async def serve() -> None:\n    import core.platform.clock"),
        ("core/run/demo.py", "from tests.support import free_port"),
    ],
)
def test_an_import_against_the_plan_is_found(file: str, source: str, tmp_path: Path) -> None:
    assert [*violations_of_one_file(tmp_path, file, source)] == [file]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/cli/serve.py", "from core.run import supervisor"),
        ("core/app/wire.py", "from core.shop import build\nfrom core.room.media import files"),
        ("core/shop/wire.py", "from core.shop.staff.service import TenantService"),
        ("core/shop/trigger/sql.py", "from core.shop.recommend import sql\nfrom . import tables"),
        ("core/room/post/sql.py", "from onegenie.post.v1 import post_pb2\nimport edge.reply"),
        ("edge/contract/load.py", "from edge.v1 import annotations_pb2\nimport grpc"),
    ],
)
def test_an_import_of_the_plan_passes(file: str, source: str, tmp_path: Path) -> None:
    assert violations_of_one_file(tmp_path, file, source) == {}


FACE = ("edge.v1", "edge.digits")


def test_core_imports_the_kits_face_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / "core").rglob("*.py"))
        for line, name in imports(path, ".".join(path.relative_to(ROOT).with_suffix("").parts))
        if name.startswith("edge.")
        and not name.startswith(FACE)
        and (name.count(".") > 1 or name.removeprefix("edge.") not in edge.__all__)
    ]
    assert found == []
