"""What asks the database who calls, and how often."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from core.platform.database import Database
from core.shop.tenants import identity as module
from core.shop.tenants.identity import Keys
from core.shop.tenants.sql import Caller
from tests.conftest import TenantRow
from tests.support import create_key


async def let_in(keys: Keys, secret: str) -> bool:
    call: Any = SimpleNamespace(bearer=secret)
    return await keys.authenticators()["sdk_key"](call) is not None


async def test_a_made_up_key_is_asked_for_once(
    database: Database, tenant: TenantRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    look_up = module.caller_by_digest  # type: ignore[attr-defined]

    async def counted(conn: Any, hashed: bytes) -> Caller | None:
        asked.append(hashed)
        return await look_up(conn, hashed)

    monkeypatch.setattr(module, "caller_by_digest", counted)
    keys = Keys(database)
    made_up = "osk_" + "A" * 43
    for _ in range(3):
        answers = await asyncio.gather(*(let_in(keys, made_up) for _ in range(20)))
        assert not any(answers)
    assert len(asked) == 1

    # One that was made a moment ago works at once, also beside many made-up ones.
    async with database.begin() as conn:
        _, secret = await create_key(conn, tenant.id, "sdk", "new")
    assert await let_in(keys, secret)
    for number in range(200):
        assert not await let_in(keys, f"osk_{number:043}")
    asked.clear()
    assert await let_in(keys, secret)
    assert asked == []
