"""`onegenie signage` against the running service: slides, a shopper, and what it cannot do."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from onegenie.store.v1 import store_pb2
from sqlalchemy import select

from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.signage import frames
from core.shop.signage.screen import Recognition
from core.shop.tenants.tables import api_keys
from tests.e2e.service import Service
from tests.e2e.up_process import Up
from tests.support import tables

ONEGENIE = Path(sys.executable).parent / "onegenie"


async def start(up: Up, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    names = ("SIGNAGE_KEY", "ADMIN_TOKEN", "BASE_URL", "PORT")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return await asyncio.create_subprocess_exec(
        ONEGENIE, "signage", *arguments,
        env=clean | {"COLUMNS": "120", "DATA_DIR": str(up.directory)} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def run(up: Up, *arguments: str, **environment: str) -> tuple[int | None, str, str]:
    process = await start(up, *arguments, **environment)
    async with asyncio.timeout(60):
        stdout, stderr = await process.communicate()
    return process.returncode, stdout.decode(), " ".join(stderr.decode().split())


async def turn_idle(service: Service, number: int) -> tuple[EmbeddedStore, store_pb2.Signage]:
    """The demo's store and its signage of that number, which other tests may have lit up."""
    demo = await service.caller(service.demo["SDK_KEY"])
    store = EmbeddedStore(service.database, demo.tenant_id)
    (found,) = [one for one in await store.list_signage() if one.number == number]
    async with service.database.begin() as conn:
        await frames.clear(conn, demo.tenant_id, [found.id])
    return store, found


async def test_the_demos_own_signage_shows_its_slides(up: Up, service: Service) -> None:
    await turn_idle(service, 1)
    code, shown, _ = await run(up, "--frames", "1")
    assert code == 0
    assert "signage 1, idle" in shown
    assert "어서 오세요" in shown


async def test_number_2_with_a_shopper_before_it(up: Up, service: Service) -> None:
    demo = await service.caller(service.demo["SDK_KEY"])
    store, inside = await turn_idle(service, 2)
    process = await start(up, "--number", "2", "--frames", "2")
    assert process.stdout is not None
    shown = ""
    async with asyncio.timeout(60):
        # The first frame is there in full before the shopper comes.
        while "╯" not in shown:
            shown += (await process.stdout.readline()).decode()
        items: list[dict[str, Any]] = [
            {"rec_id": "a", "item_name": "간장"},
            {"rec_id": "b", "item_name": "참기름", "price": 5900, "discount_pct": 20},
        ]
        async with service.database.begin() as conn:
            promotions = await store.list_promotions()
            forgotten = [{"item_id": 882, "name": "양파"}]
            await frames.show(
                conn, demo.tenant_id, [inside], Recognition(items, forgotten, promotions)
            )
        shown += (await process.stdout.read()).decode()
        assert await process.wait() == 0
    assert "signage 2, idle" in shown
    assert "방울토마토 750g" in shown
    assert "signage 2, recognized, portrait" in shown
    for text in ("양파", "참기름", "5,900", "20 % off"):
        assert text in shown
    assert "간장" not in shown
    async with service.database.begin() as conn:
        await frames.clear(conn, demo.tenant_id, [inside.id])
    keys = select(api_keys).where(api_keys.c.name == "terminal")
    async with tables(service.database) as conn:
        assert all(key.revoked_at for key in (await conn.execute(keys)).all())


async def test_what_it_says_when_it_cannot(up: Up, service: Service, tmp_path: Path) -> None:
    code, _, said = await run(up, DATA_DIR=str(tmp_path))
    assert code == 1
    assert "SIGNAGE_KEY" in said
    _, _, said = await run(up, "--number", "7")
    assert "the store has no signage 7; it has 1, 2" in said
    _, _, said = await run(up, SIGNAGE_KEY="osg_wrong")
    assert "[UNAUTHORIZED]" in said
    _, _, said = await run(up, BASE_URL="http://127.0.0.1:1")
    assert "does not answer" in said
