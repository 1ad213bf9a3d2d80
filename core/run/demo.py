"""Make the demo at the first start: a tenant with a store, a profile, keys and credit, and the
app's missions."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from core.platform.clock import utc_now
from core.platform.database import Connection, Database, hold_lock
from core.platform.files import write_private
from core.room.mission.importer import import_missions
from core.room.mission.sql import has_missions
from core.shop.catalogue.import_catalogue import ImportCatalogue, import_catalogue
from core.shop.catalogue.sql import signage_numbers
from core.shop.lift.sql import has_pairs
from core.shop.profile.sql import first_profile, put_profile
from core.shop.tenants import sql as tenants
from core.shop.tenants.grant_credit import GrantCredit, grant_credit
from core.shop.tenants.issue_key import IssueKey, issue_key
from core.shop.tenants.rotate_key import rotate_key
from core.shop.tenants.sql import KeyKind

TENANT_NAME = "demo"
CREDITS = 1_000_000
CATALOGUE = Path(__file__).parent.parent / "shop" / "catalogue" / "demo"
MISSIONS = Path(__file__).parent.parent / "room" / "mission" / "demo" / "missions.csv"
_PROFILE = {
    "name": "김하나",
    "gender": "F",
    "age": 34,
    "locale": "ko",
    "persona": "두 아이를 키우는 직장인. 평일 저녁엔 간단한 집밥을 좋아해요.",
}
_RANDOM = "[A-Za-z0-9_-]{43}"
_ID = "[0-9a-f-]{36}"
# The forms of the values that are kept nowhere else. A value that was cut short has another form.
_FORMS = {
    "SDK_KEY": f"osk_{_RANDOM}",
    "PROFILE_ID": _ID,
    "ADMIN_TOKEN": f"oat_{_RANDOM}",
    "SIGNAGE_KEY": f"osg_{_RANDOM}",
    "SIGNAGE_ID": _ID,
}
# Key of the advisory lock by which processes that start together take turns.
_LOCK = 0x64656D6F


@dataclass(frozen=True, slots=True)
class DemoEnv:
    """The content of demo.env. Its keys are the names of the fields in capitals."""

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

    Return True if the demo tenant exists. demo.env is the only place that holds the demo's secrets:
    if it is gone or incomplete, the demo's keys get new secrets. `say` gets a line if it was
    incomplete.
    """
    async with database.begin() as conn:
        await hold_lock(conn, _LOCK)
        demo = await tenants.tenant_by_name(conn, TENANT_NAME)
        if demo is None:
            if await tenants.has_tenants(conn):
                return False
            demo = await _make(conn)
        elif _set_base_url(env_file, base_url, say):
            return True
        # Before the commit, because nobody could use a demo tenant without its file.
        _write(env_file, await _new_secrets(conn, demo, base_url))
    return True


async def ensure_missions(database: Database) -> None:
    """Register the demo's missions unless any was ever registered: the staff's changes stay."""
    async with database.begin() as conn:
        await hold_lock(conn, _LOCK)
        if not await has_missions(conn):
            await import_missions(conn, MISSIONS, utc_now())


async def lacks_lift(database: Database) -> uuid.UUID | None:
    """Return the demo tenant if its co-purchase lift has not been computed yet, else None."""
    demo = await tenants.tenant_by_name(database, TENANT_NAME)
    return None if demo is None or await has_pairs(database, demo) else demo


async def _make(conn: Connection) -> uuid.UUID:
    tenant_id = await tenants.create_tenant(conn, TENANT_NAME, "ko")
    await grant_credit(conn, GrantCredit(tenant_id, CREDITS, "demo"))
    await put_profile(conn, tenant_id, str(uuid.uuid4()), _PROFILE)
    await import_catalogue(conn, ImportCatalogue(tenant_id, CATALOGUE))
    return tenant_id


async def _new_secrets(conn: Connection, tenant_id: uuid.UUID, base_url: str) -> DemoEnv:
    profile_id = await first_profile(conn, tenant_id)
    signage = await signage_numbers(conn, tenant_id)
    signage_id = signage[0].id if signage else None
    sdk_key = await _secret(conn, tenant_id, "sdk")
    admin_token = await _secret(conn, tenant_id, "admin")
    signage_key = await _secret(conn, tenant_id, "signage", str(signage_id))
    return DemoEnv(
        base_url,
        sdk_key,
        str(profile_id),
        admin_token,
        signage_key=signage_key,
        signage_id=str(signage_id),
    )


async def _secret(
    conn: Connection, tenant_id: uuid.UUID, kind: KeyKind, signage_id: str | None = None
) -> str:
    """Make a secret for the demo's key of that kind. Earlier secrets end; the key's chats stay."""
    key_id = await tenants.key_by_name(conn, tenant_id, kind, TENANT_NAME)
    if key_id is None:
        wanted = IssueKey(tenant_id, kind, TENANT_NAME, signage_id)
        return (await issue_key(conn, wanted)).secret
    return await rotate_key(conn, tenant_id, key_id, revoke_old=True)


def _write(path: Path, env: DemoEnv) -> None:
    lines = [f"{field.name.upper()}={getattr(env, field.name)}\n" for field in fields(env)]
    write_private(path, "".join(lines))


def _set_base_url(path: Path, base_url: str, say: Callable[[str], None]) -> bool:
    """Write `base_url` to demo.env, as the port may have changed. Return False if the file is
    gone or incomplete."""
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
    """Return whether every value is there in full. Lines that people have added don't matter."""
    pairs = [line.partition("=") for line in lines]
    values = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
    return all(re.fullmatch(form, values.get(name, "")) for name, form in _FORMS.items())
