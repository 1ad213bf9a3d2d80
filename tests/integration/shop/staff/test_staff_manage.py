"""Credit, keys and presence, as a tenant's staff manage them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from sqlalchemy import insert, select, update

from core.platform.database import Database
from core.shop.catalogue.port import StoreUnavailable
from core.shop.signage.tables import signage_devices
from core.shop.tenants.grant_credit import MOST_CREDIT
from core.shop.tenants.identity import CACHE_SECONDS
from core.shop.tenants.key_secret import add_secret, digest_key, revoke_other_secrets
from core.shop.tenants.revoke_key import revoke_key
from core.shop.tenants.sql import list_keys
from core.shop.tenants.tables import api_key_secrets, credit_ledger, tenants
from tests.integration.shop.staff.conftest import SERVICE_TOKEN, Staff
from tests.support import create_key, refused, running_core, tables, until_somebody_waits

ENTRANCE = "7e6f1f5e-6f0b-4f7d-9a2e-0d6c6a1f7b11"


async def ask(staff: Staff, method: str, **fields: Any) -> Any:
    return await staff.call(method, **fields)


# Credit


async def test_credit_given_and_taken(staff: Staff, others: Staff) -> None:
    assert (await ask(staff, "GetBalance")).balance == 100
    assert await staff.grant(50, "여름 행사") == 150
    assert await staff.grant(-150) == 0
    assert await refused(staff.grant(-1)) == ("INVALID_REQUEST", ["amount"])
    assert await refused(staff.grant(0)) == ("INVALID_REQUEST", ["amount"])
    assert await refused(staff.grant(None)) == ("INVALID_REQUEST", ["amount"])
    entries = (await ask(staff, "ListLedger")).entries
    assert [(entry.delta, entry.reason, entry.note) for entry in entries] == [
        (-150, "grant", ""),
        (50, "grant", "여름 행사"),
        (100, "grant", ""),
    ]
    assert not entries[0].HasField("note")
    assert not entries[0].HasField("round_id")
    assert (await ask(others, "GetBalance")).balance == 100


async def test_credit_is_the_operators_to_give(staff: Staff, others: Staff, channel: Any) -> None:
    made = await ask(staff, "CreateKey", kind="sdk", name="x")
    for token in (staff.secret, made.secret, SERVICE_TOKEN[:-1], SERVICE_TOKEN.upper(), ""):
        for tenant in (staff, others):
            assert await refused(tenant.grant(1, token=token)) == ("UNAUTHORIZED", [])
    # The service token opens nothing else.
    operator = Staff(channel, staff.tenant_id, staff.key_id, SERVICE_TOKEN)
    for method in ("GetBalance", "ListLedger", "ListKeys"):
        assert await refused(ask(operator, method)) == ("UNAUTHORIZED", [])
    assert await refused(staff.grant(1, tenant_id=uuid.uuid4())) == ("NOT_FOUND", [])
    for none in ("x", " "):
        wrong = ("INVALID_REQUEST", ["tenant_id"])
        assert await refused(staff.grant(1, tenant_id=none)) == wrong
    for note in ("a\nb", "\x1b[2J", "\x9b2J", "x" * 501):
        assert await refused(staff.grant(1, note)) == ("INVALID_REQUEST", ["note"])
    for tenant in (staff, others):
        assert (await ask(tenant, "GetBalance")).balance == 100


async def test_without_a_service_token_nobody_grants(
    database: Database, database_url: str, staff: Staff
) -> None:
    async with running_core(database_url) as elsewhere:
        there = Staff(elsewhere, staff.tenant_id, staff.key_id, staff.secret)
        for token in (SERVICE_TOKEN, staff.secret, ""):
            assert await refused(there.grant(1, token=token)) == ("UNAUTHORIZED", [])
        assert (await ask(there, "GetBalance")).balance == 100


async def test_a_repeated_grant_adds_nothing(staff: Staff, others: Staff) -> None:
    balances = await asyncio.gather(*[staff.grant(7, "once", "k1") for _ in range(6)])
    assert balances == [107] * 6
    assert await staff.grant(7, "once") == 114
    assert await others.grant(7, "once", "k1") == 107
    for amount, note in ((8, "once"), (7, "twice"), (7, None)):
        again = ("INVALID_REQUEST", ["idempotency-key"])
        assert await refused(staff.grant(amount, note, "k1")) == again
    for none in ("", "a b", "x" * 256):
        wrong = ("INVALID_REQUEST", ["idempotency-key"])
        assert await refused(staff.grant(7, "once", none)) == wrong
    assert [one.delta for one in (await ask(staff, "ListLedger")).entries] == [7, 7, 100]


async def test_a_balance_has_an_end(database: Database, staff: Staff) -> None:
    async with tables(database) as conn:
        await conn.execute(
            update(tenants).filter_by(id=staff.tenant_id).values(credits=MOST_CREDIT - 5)
        )
    assert await refused(staff.grant(6)) == ("INVALID_REQUEST", ["amount"])
    assert await staff.grant(5) == MOST_CREDIT
    for amount in (10**9 + 1, -(10**9) - 1, 2**63 - 1, -(2**63)):
        assert await refused(staff.grant(amount)) == ("INVALID_REQUEST", ["amount"])


async def test_the_balance_is_the_sum_of_the_ledger_whatever_races(
    database: Database, staff: Staff
) -> None:
    async def change(amount: int) -> bool:
        try:
            await staff.grant(amount)
        except grpc.aio.AioRpcError:
            return False
        return True

    done = await asyncio.gather(*[change(amount) for amount in [-30] * 6 + [7] * 6])
    assert all(done[6:])
    assert 3 <= sum(done[:6]) <= 4
    async with tables(database) as conn:
        credits = await conn.scalar(select(tenants.c.credits).filter_by(id=staff.tenant_id))
        deltas = await conn.scalars(
            select(credit_ledger.c.delta).filter_by(tenant_id=staff.tenant_id)
        )
        assert credits == sum(deltas) == 100 - 30 * sum(done[:6]) + 7 * 6


async def test_the_ledger_by_the_page(database: Database, staff: Staff, others: Staff) -> None:
    round_id = uuid.uuid4()
    for number in range(6):
        await staff.grant(number + 1)
        await others.grant(1000)
    async with tables(database) as conn:
        row = {"tenant_id": staff.tenant_id, "delta": -1, "reason": "round", "round_id": round_id}
        await conn.execute(insert(credit_ledger).values(row))
    deltas, token = [], ""
    while True:
        page = await ask(staff, "ListLedger", page_size=3, page_token=token)
        deltas.append([entry.delta for entry in page.entries])
        if deltas == [[-1, 6, 5]]:
            assert page.entries[0].round_id == str(round_id)
            await staff.grant(77)
        if not (token := page.next_page_token):
            break
    assert deltas == [[-1, 6, 5], [4, 3, 2], [1, 100]]


# Keys


async def test_a_key_from_its_making_to_its_end(database: Database, staff: Staff) -> None:
    made = await ask(staff, "CreateKey", kind="admin", name="매장 직원")
    key, secret = made.key, made.secret
    assert secret.startswith("oat_")
    assert (key.kind, key.name, list(key.hints)) == ("admin", "매장 직원", [f"oat_…{secret[-4:]}"])
    assert not key.HasField("signage_id")
    assert not key.HasField("revoked_at")
    assert key.HasField("created_at")
    colleague = Staff(staff.channel, staff.tenant_id, uuid.UUID(key.key_id), secret)
    listed = (await ask(colleague, "ListKeys")).keys
    assert [each.key_id for each in listed] == [str(staff.key_id), key.key_id]
    assert listed[1] == key
    assert secret not in str(listed)
    async with tables(database) as conn:
        stored = await conn.scalars(select(api_key_secrets.c.hash))
        assert digest_key(secret) in stored.all()

    await ask(staff, "RevokeKey", key_id=key.key_id.upper())
    assert await refused(ask(staff, "RevokeKey", key_id=key.key_id)) == ("NOT_FOUND", [])
    ended = (await ask(staff, "ListKeys")).keys[1]
    assert ended.HasField("revoked_at")
    assert not ended.hints
    await asyncio.sleep(CACHE_SECONDS)
    assert await refused(ask(colleague, "ListKeys")) == ("UNAUTHORIZED", [])


async def test_hints_are_those_of_living_secrets(database: Database, staff: Staff) -> None:
    made = await ask(staff, "CreateKey", kind="sdk", name="앱")
    key_id = uuid.UUID(made.key.key_id)
    async with database.begin() as conn:
        second = await add_secret(conn, key_id, "sdk")
    hints = (await ask(staff, "ListKeys")).keys[1].hints
    assert list(hints) == [f"osk_…{made.secret[-4:]}", f"osk_…{second[-4:]}"]
    async with database.begin() as conn:
        await revoke_other_secrets(conn, key_id, keep=second)
    assert list((await ask(staff, "ListKeys")).keys[1].hints) == [f"osk_…{second[-4:]}"]


async def test_a_signage_key_is_for_one_of_the_stores_screens(staff: Staff) -> None:
    made = await ask(staff, "CreateKey", kind="signage", name="입구", signage_id=ENTRANCE)
    assert made.secret.startswith("osg_")
    assert made.key.signage_id == ENTRANCE
    invalid = ("INVALID_REQUEST", ["signage_id"])
    for wrong in ({}, {"signage_id": ""}, {"signage_id": str(uuid.uuid4())}, {"signage_id": "1"}):
        assert await refused(ask(staff, "CreateKey", kind="signage", name="x", **wrong)) == invalid
    for kind in ("sdk", "admin"):
        for given in (ENTRANCE, ""):
            call = ask(staff, "CreateKey", kind=kind, name="x", signage_id=given)
            assert await refused(call) == invalid


async def test_a_store_that_is_not_there(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(self: object) -> None:
        raise StoreUnavailable("store: upstream timeout")

    monkeypatch.setattr("core.shop.catalogue.embedded.EmbeddedStore.list_signage", away)
    call = ask(staff, "CreateKey", kind="signage", name="x", signage_id=ENTRANCE)
    assert await refused(call) == ("UNAVAILABLE", [])
    assert await refused(ask(staff, "ListSignagePresence")) == ("UNAVAILABLE", [])
    # What is ours is there all the same.
    await ask(staff, "CreateKey", kind="sdk", name="x")
    await ask(staff, "GetAnalytics", from_date="2026-05-01", to_date="2026-05-02")


async def test_what_is_not_a_key_to_make(staff: Staff) -> None:
    for wrong, field in (
        ({"kind": "root", "name": "x"}, "kind"),
        ({"kind": "sdk"}, "name"),
        ({"kind": "sdk", "name": ""}, "name"),
        ({"kind": "sdk", "name": "x" * 201}, "name"),
        *(({"kind": "sdk", "name": f"a{sign}b"}, "name") for sign in "\0\t\n\x1b\x7f\x85\x9b"),
        ({"name": "x"}, "kind"),
    ):
        assert await refused(ask(staff, "CreateKey", **wrong)) == ("INVALID_REQUEST", [field])


async def test_a_tenant_learns_nothing_of_another(staff: Staff, others: Staff) -> None:
    for key_id in (str(others.key_id), str(uuid.uuid4()), "not a uuid", ""):
        reason, _ = await refused(ask(staff, "RevokeKey", key_id=key_id))
        assert reason == ("NOT_FOUND" if key_id else "INVALID_REQUEST")
    assert [key.key_id for key in (await ask(others, "ListKeys")).keys] == [str(others.key_id)]
    assert len((await ask(others, "ListKeys")).keys[0].hints) == 1


async def test_the_last_admin_key_can_be_revoked_by_itself(staff: Staff) -> None:
    await ask(staff, "RevokeKey", key_id=str(staff.key_id))
    await asyncio.sleep(CACHE_SECONDS)
    assert await refused(ask(staff, "GetBalance")) == ("UNAUTHORIZED", [])


async def test_a_key_that_ends_takes_what_it_made_along(staff: Staff) -> None:
    async def make(maker: Staff, kind: str, name: str) -> Staff:
        made = await ask(maker, "CreateKey", kind=kind, name=name)
        assert made.key.created_by == str(maker.key_id)
        return Staff(staff.channel, staff.tenant_id, uuid.UUID(made.key.key_id), made.secret)

    child = await make(staff, "admin", "child")
    grandchild = await make(child, "admin", "grandchild")
    app = await make(grandchild, "sdk", "app")
    kept = await make(staff, "admin", "kept")
    makers = {key.name: key.created_by for key in (await ask(staff, "ListKeys")).keys}
    assert makers == {
        "test": "",
        "child": str(staff.key_id),
        "grandchild": str(child.key_id),
        "app": str(grandchild.key_id),
        "kept": str(staff.key_id),
    }
    # It ends alone where that is asked for, and what it made still ends with its own maker.
    ended = await ask(staff, "RevokeKey", key_id=str(grandchild.key_id), keep_made=True)
    assert ended.revoked_key_ids == [str(grandchild.key_id)]
    ended = await ask(kept, "RevokeKey", key_id=str(child.key_id))
    assert set(ended.revoked_key_ids) == {str(child.key_id), str(app.key_id)}
    for again in (child, grandchild, app):
        call = ask(staff, "RevokeKey", key_id=str(again.key_id))
        assert await refused(call) == ("NOT_FOUND", [])
    await asyncio.sleep(CACHE_SECONDS)
    for ended_key in (child, grandchild):
        assert await refused(ask(ended_key, "GetBalance")) == ("UNAUTHORIZED", [])
    living = [key.name for key in (await ask(kept, "ListKeys")).keys if key.hints]
    assert living == ["test", "kept"]


async def test_what_an_ended_key_made_can_still_be_ended(staff: Staff) -> None:
    child = await ask(staff, "CreateKey", kind="admin", name="child")
    colleague = Staff(staff.channel, staff.tenant_id, uuid.uuid4(), child.secret)
    app = await ask(colleague, "CreateKey", kind="sdk", name="app")
    await ask(staff, "RevokeKey", key_id=child.key.key_id, keep_made=True)
    ended = await ask(staff, "RevokeKey", key_id=child.key.key_id)
    assert ended.revoked_key_ids == [app.key.key_id]


async def test_a_key_that_has_ended_makes_none(database: Database, staff: Staff) -> None:
    """Also while a process still knows it as living, or its end is under way."""
    await ask(staff, "GetBalance")
    async with database.begin() as conn:
        assert await revoke_key(conn, staff.tenant_id, staff.key_id) == [staff.key_id]
        making = asyncio.create_task(staff.call("CreateKey", kind="admin", name="late"))
        await until_somebody_waits(database)
    assert await refused(making) == ("UNAUTHORIZED", [])
    assert await refused(ask(staff, "CreateKey", kind="admin", name="x")) == ("UNAUTHORIZED", [])
    assert [key.name for key in await list_keys(database, staff.tenant_id)] == ["test"]


async def test_a_key_made_while_its_maker_ends_ends_too(database: Database, staff: Staff) -> None:
    async def end() -> list[uuid.UUID]:
        async with database.begin() as conn:
            return await revoke_key(conn, staff.tenant_id, staff.key_id)

    async with database.begin() as conn:
        made, _ = await create_key(conn, staff.tenant_id, "admin", "x", created_by=staff.key_id)
        ending = asyncio.create_task(end())
        await until_somebody_waits(database)
    assert set(await ending) == {staff.key_id, made}


async def test_another_tenants_keys_stay(staff: Staff, others: Staff) -> None:
    theirs = await ask(others, "CreateKey", kind="sdk", name="x")
    for key_id in (str(others.key_id), theirs.key.key_id):
        assert await refused(ask(staff, "RevokeKey", key_id=key_id)) == ("NOT_FOUND", [])
    assert all(key.hints for key in (await ask(others, "ListKeys")).keys)


@pytest.mark.parametrize("kind", ["sdk", "signage", "admin"])
async def test_only_an_admin_key_opens_it(staff: Staff, kind: str) -> None:
    signage = {"signage_id": ENTRANCE} if kind == "signage" else {}
    made = await ask(staff, "CreateKey", kind=kind, name="x", **signage)
    other = Staff(staff.channel, staff.tenant_id, staff.key_id, made.secret)
    if kind == "admin":
        assert (await ask(other, "GetBalance")).balance == 100
    else:
        assert await refused(ask(other, "GetBalance")) == ("UNAUTHORIZED", [])
        assert await refused(other.watch().read()) == ("UNAUTHORIZED", [])


# Presence


async def test_presence_is_of_the_stores_signage_by_number(
    database: Database, staff: Staff, others: Staff
) -> None:
    shown = (await ask(staff, "ListSignagePresence")).signage
    assert [(one.number, one.name, one.online) for one in shown] == [
        (1, "입구", False),
        (2, "매장 안", False),
    ]
    assert shown[0].signage_id == ENTRANCE
    assert not shown[0].HasField("last_seen_at")
    async with tables(database) as conn:
        # A device of another tenant whose signage has the same id, and one the store forgot.
        for tenant_id, signage_id in ((others.tenant_id, ENTRANCE), (staff.tenant_id, "gone")):
            await conn.execute(
                insert(signage_devices).values(tenant_id=tenant_id, signage_id=signage_id)
            )
    assert (await ask(staff, "ListSignagePresence")).signage == shown
