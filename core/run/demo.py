"""What the first start makes for a demo: a tenant with a store, a profile, keys and credit; and
missions for the app."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.platform.clock import utc_now
from core.platform.database import Database
from core.platform.files import write_private
from core.room.mission.importer import import_missions
from core.room.mission.tables import missions
from core.shop.catalogue.importer import import_folder
from core.shop.catalogue.tables import store_signage
from core.shop.lift.tables import lift_pairs
from core.shop.profile.tables import profiles
from core.shop.tenants.sql import (
    KeyKind,
    add_secret,
    create_key,
    create_tenant,
    grant_credit,
    revoke_other_secrets,
)
from core.shop.tenants.tables import api_keys, tenants

TENANT_NAME = "demo"
CREDITS = 1_000_000
CATALOGUE = Path(__file__).parent.parent / "shop" / "catalogue" / "demo"
MISSIONS = Path(__file__).parent.parent / "room" / "mission" / "demo" / "missions.csv"
_RANDOM = "[A-Za-z0-9_-]{43}"
_ID = "[0-9a-f-]{36}"
# What the values look like that only this file has: one cut short is none.
_FORMS = {
    "SDK_KEY": f"osk_{_RANDOM}",
    "PROFILE_ID": _ID,
    "ADMIN_TOKEN": f"oat_{_RANDOM}",
    "SIGNAGE_KEY": f"osg_{_RANDOM}",
    "SIGNAGE_ID": _ID,
}
# Replicas that start together take turns.
_LOCK = 0x64656D6F


@dataclass(frozen=True, slots=True)
class DemoEnv:
    """What demo.env holds; the fields in capitals are its keys."""

    base_url: str
    sdk_key: str
    profile_id: str
    admin_token: str
    signage_key: str
    signage_id: str


async def ensure_demo(
    database: Database, base_url: str, env_file: Path, say: Callable[[str], None]
) -> bool:
    """Make the demo tenant if there is no tenant at all, and keep demo.env up to date.

    The file is the only place that holds the demo's secrets: when it is gone or incomplete, its
    keys get new ones (`say` tells of the latter). True when the demo tenant exists.
    """
    async with database.begin() as conn:
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        demo = await conn.scalar(select(tenants.c.id).where(tenants.c.name == TENANT_NAME))
        if demo is None:
            if await conn.scalar(select(func.count()).select_from(tenants)):
                return False
            demo = await _make(conn)
        elif _set_base_url(env_file, base_url, say):
            return True
        # Before the commit: a demo tenant without its file would be a locked door.
        _write(env_file, await _new_secrets(conn, demo, base_url))
    return True


async def ensure_missions(database: Database) -> None:
    """Register the demo's missions if none ever was; what staff have made of them stays."""
    async with database.begin() as conn:
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if await conn.scalar(select(missions.c.id).limit(1)) is None:
            await import_missions(conn, MISSIONS, utc_now())


async def lacks_lift(database: Database) -> uuid.UUID | None:
    """The demo tenant, if its co-purchase lift has not been computed yet."""
    async with database.connect() as conn:
        demo = await conn.scalar(select(tenants.c.id).where(tenants.c.name == TENANT_NAME))
        some = select(lift_pairs.c.product_id).where(lift_pairs.c.tenant_id == demo).limit(1)
        return None if demo is None or await conn.scalar(some) else demo


async def _make(conn: AsyncConnection) -> uuid.UUID:
    tenant_id = await create_tenant(conn, TENANT_NAME, "ko")
    await grant_credit(conn, tenant_id, CREDITS, "demo")
    await conn.execute(
        insert(profiles).values(
            tenant_id=tenant_id,
            id=uuid.uuid4(),
            name="김하나",
            gender="F",
            age=34,
            locale="ko",
            persona="두 아이를 키우는 직장인. 평일 저녁엔 간단한 집밥을 좋아해요.",
        )
    )
    await import_folder(conn, tenant_id, CATALOGUE)
    return tenant_id


async def _new_secrets(conn: AsyncConnection, tenant_id: uuid.UUID, base_url: str) -> DemoEnv:
    profile_id = await conn.scalar(
        select(profiles.c.id)
        .where(profiles.c.tenant_id == tenant_id)
        .order_by(profiles.c.created_at)
        .limit(1)
    )
    signage_id = await conn.scalar(
        select(store_signage.c.id)
        .where(store_signage.c.tenant_id == tenant_id)
        .order_by(store_signage.c.number)
        .limit(1)
    )
    sdk_key = await _secret(conn, tenant_id, "sdk")
    admin_token = await _secret(conn, tenant_id, "admin")
    signage_key = await _secret(conn, tenant_id, "signage", str(signage_id))
    return DemoEnv(base_url, sdk_key, str(profile_id), admin_token, signage_key, str(signage_id))


async def _secret(
    conn: AsyncConnection, tenant_id: uuid.UUID, kind: KeyKind, signage_id: str | None = None
) -> str:
    """A secret of the demo's key of that kind; earlier ones end, the key's chats stay."""
    key_id = await conn.scalar(
        select(api_keys.c.id)
        .filter_by(tenant_id=tenant_id, kind=kind, name=TENANT_NAME, revoked_at=None)
        .order_by(api_keys.c.created_at)
        .limit(1)
    )
    if key_id is None:
        return (await create_key(conn, tenant_id, kind, TENANT_NAME, signage_id))[1]
    secret = await add_secret(conn, key_id, kind)
    await revoke_other_secrets(conn, key_id, keep=secret)
    return secret


def _write(path: Path, env: DemoEnv) -> None:
    lines = [f"{field.name.upper()}={getattr(env, field.name)}\n" for field in fields(env)]
    write_private(path, "".join(lines))


def _set_base_url(path: Path, base_url: str, say: Callable[[str], None]) -> bool:
    """The port may have changed since the file was written; False when it is gone or broken."""
    try:
        lines = path.read_text(errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return False
    if not _is_whole(lines):
        say(f"{path.name} was incomplete: the demo's keys get new secrets")
        return False
    others = [line for line in lines if not line.startswith("BASE_URL=")]
    updated = [f"BASE_URL={base_url}\n", *others]
    if updated != lines:
        write_private(path, "".join(updated))
    return True


def _is_whole(lines: list[str]) -> bool:
    """Whether every value is there to its end; what people have added is theirs."""
    pairs = [line.partition("=") for line in lines]
    values = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
    return all(re.fullmatch(form, values.get(name, "")) for name, form in _FORMS.items())
