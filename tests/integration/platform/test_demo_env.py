"""demo.env: made once, its address kept up to date, its secrets replaced when it is lost."""

from __future__ import annotations

from pathlib import Path

from core.demo import ensure_demo
from core.platform.database import Database
from core.tenant.store import Caller, caller_by_hash, create_tenant, hash_secret


def read(path: Path) -> dict[str, str]:
    assert path.stat().st_mode & 0o777 == 0o600
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


async def caller(database: Database, secret: str) -> Caller | None:
    async with database.connect() as conn:
        return await caller_by_hash(conn, hash_secret(secret))


async def test_the_demo_tenant(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "demo.env"
    assert await ensure_demo(database, "http://127.0.0.1:1", file)
    first = read(file)
    assert await ensure_demo(database, "http://127.0.0.1:2", file)
    assert read(file) == first | {"BASE_URL": "http://127.0.0.1:2"}
    known = await caller(database, first["SDK_KEY"])
    assert known

    file.unlink()
    assert await ensure_demo(database, "http://127.0.0.1:2", file)
    second = read(file)
    for name in ("SDK_KEY", "ADMIN_TOKEN", "SIGNAGE_KEY"):
        assert await caller(database, first[name]) is None
    assert second["PROFILE_ID"] == first["PROFILE_ID"]
    # The same key with another secret: its chats are still there.
    assert await caller(database, second["SDK_KEY"]) == known


async def test_none_is_made_beside_a_tenant(database: Database, tmp_path: Path) -> None:
    async with database.begin() as conn:
        await create_tenant(conn, "mart")
    assert not await ensure_demo(database, "http://127.0.0.1:1", tmp_path / "demo.env")
    assert not (tmp_path / "demo.env").exists()
