"""Prepare the database before the core processes start: tables, and the demo at the first start.

`python -m core.run.prepare` is a process of its own, because the demo's imports are large and
needed only once. It prints a line for each step that takes time.
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy.exc import OperationalError

from core.platform.database import open_database
from core.platform.log_lines import LogLines
from core.platform.settings import Settings, load_settings
from core.run.demo import ensure_demo, ensure_missions, lacks_lift
from core.run.migrate import upgrade
from core.shop.catalogue.remote import load_endpoints


async def prepare(settings: Settings, database_url: str) -> None:
    """Migrate the database. With DEMO, make the demo tenant and the demo's missions if needed."""
    if settings.store_endpoints is not None:
        try:
            load_endpoints(settings.store_endpoints)
        except ValueError as error:
            sys.exit(f"STORE_ENDPOINTS: {error}")
    try:
        upgrade(database_url)
    except OperationalError as error:
        sys.exit(f"DATABASE_URL: the database says: {str(error.orig).strip().splitlines()[0]}")
    if not settings.demo:
        return
    async with open_database(database_url, pool_size=2) as database:
        await ensure_missions(database)
        demo_env = settings.data_dir / "demo.env"
        if not await ensure_demo(database, settings.base_url, demo_env, _say):
            return
        if tenant_id := await lacks_lift(database):
            from core.shop.lift.seed import seed_demo_lift

            _say("computing what sells together in the demo store (once)")
            await seed_demo_lift(database, tenant_id, settings.data_dir)


def _say(line: str) -> None:
    LogLines(sys.stdout).write(line + "\n")


if __name__ == "__main__":
    loaded = load_settings()
    if loaded.database_url is None:
        sys.exit("onegenie: DATABASE_URL must be set (`onegenie up` sets it)")
    asyncio.run(prepare(loaded, loaded.database_url.get_secret_value()))
