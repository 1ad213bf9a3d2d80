"""Sessions: devices, tokens that expire and rotate, and their end."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from core.platform.database import Database
from core.platform.signing import Signer, add_key
from core.room.accounts.sweep import sweep
from core.room.accounts.tables import (
    auth_code_requests,
    auth_codes,
    auth_failures,
    auth_refresh_tokens,
    auth_sessions,
    users,
)
from core.room.accounts.tokens import User, make_access_token
from tests.clock import FakeClock
from tests.integration.room.accounts.accounts_help import Phone, another, outcome
from tests.support import TOKEN_KEYS, running_core, tables, until_somebody_waits

EMAIL = "one@example.com"
# What any call without an account yet makes of a good access token, and of a bad one.
GOOD, BAD = "INVALID_REQUEST", "UNAUTHORIZED"


async def use(phone: Phone, access_token: str) -> str:
    """A call that needs an access token and changes nothing."""
    return await outcome(phone.create_password(access_token, EMAIL, birth="2000-13-01"))


async def test_tokens_have_their_form_and_only_hashes_are_stored(
    phone: Phone, database: Database
) -> None:
    tokens = await phone.sign_up(EMAIL)
    assert re.fullmatch(r"ort_[A-Za-z0-9_-]{43}", tokens.refresh_token)
    assert tokens.access_token.count(".") == 2
    async with tables(database) as conn:
        (stored,) = (await conn.execute(select(auth_refresh_tokens))).all()
    assert len(stored.hash) == 32
    assert stored.expires_at == phone.clock() + timedelta(days=60)


async def test_a_session_is_its_users_alone(phone: Phone, database: Database) -> None:
    mine = await phone.sign_up(EMAIL)
    other = dataclasses.replace(phone, number="01055570009")
    await other.sign_up("two@example.com")
    signer, expires = Signer(TOKEN_KEYS, phone.clock), phone.clock() + timedelta(minutes=5)
    async with tables(database) as conn:
        session_id = await conn.scalar(
            select(auth_sessions.c.id).join(users).where(users.c.email == EMAIL)
        )
        other_id = await conn.scalar(select(users.c.id).where(users.c.email == "two@example.com"))
    for _ in range(2):
        # Live, and known to be by now: but not the other's.
        assert await use(phone, mine.access_token) == GOOD
        stolen = make_access_token(signer, User(other_id, session_id), expires)  # type: ignore[arg-type]
        assert await use(phone, stolen) == BAD
    # Nor does asking for the other's end it.
    assert await use(phone, mine.access_token) == GOOD
    for claims in ({}, {"sub": str(other_id)}, {"sid": str(session_id)}, {"sub": 1, "sid": []}):
        assert await use(phone, signer.sign("access", claims, expires)) == BAD


async def test_an_access_token_expires_and_is_renewed(phone: Phone) -> None:
    tokens = await phone.sign_up(EMAIL)
    phone.clock.advance(minutes=14, seconds=59)
    assert await use(phone, tokens.access_token) == GOOD
    phone.clock.advance(seconds=1)
    assert await use(phone, tokens.access_token) == BAD
    renewed = await phone.refresh(tokens.refresh_token)
    assert await use(phone, renewed.access_token) == GOOD


async def test_a_device_may_stay_away_for_so_long(phone: Phone) -> None:
    tokens = await phone.sign_up(EMAIL)
    for _ in range(3):  # each renewal begins the time anew
        phone.clock.advance(days=59, hours=23)
        tokens = await phone.refresh(tokens.refresh_token)  # type: ignore[assignment]
    phone.clock.advance(days=60)
    assert await outcome(phone.refresh(tokens.refresh_token)) == "UNAUTHORIZED"
    # Logging in helps.
    await phone.refresh((await phone.log_in(EMAIL)).refresh_token)


async def test_a_used_refresh_token_ends_the_session(phone: Phone) -> None:
    first = await phone.sign_up(EMAIL)
    second = await phone.refresh(first.refresh_token)
    elsewhere = await phone.log_in(EMAIL, device_id="device-2")
    assert await use(phone, second.access_token) == GOOD
    assert await outcome(phone.refresh(first.refresh_token)) == "UNAUTHORIZED"
    assert await use(phone, second.access_token) == BAD  # at once, in this process
    assert await outcome(phone.refresh(second.refresh_token)) == "UNAUTHORIZED"
    assert await use(phone, elsewhere.access_token) == GOOD
    await phone.refresh(elsewhere.refresh_token)


async def test_simultaneous_use_of_one_refresh_token_ends_the_session(
    phone: Phone, database: Database
) -> None:
    tokens = await phone.sign_up(EMAIL)
    calls = (outcome(phone.refresh(tokens.refresh_token)) for _ in range(10))
    assert Counter(await asyncio.gather(*calls)) == {"OK": 1, "UNAUTHORIZED": 9}
    async with tables(database) as conn:
        assert await conn.scalar(select(func.count()).select_from(auth_sessions)) == 0
        assert await conn.scalar(select(func.count()).select_from(auth_refresh_tokens)) == 0


async def test_a_refresh_token_that_is_swept_meanwhile_is_refused(
    phone: Phone, database: Database
) -> None:
    tokens = await phone.sign_up(EMAIL)
    async with tables(database) as conn:
        await conn.execute(select(auth_sessions).with_for_update())
        renewal = asyncio.create_task(outcome(phone.refresh(tokens.refresh_token)))
        await until_somebody_waits(database)
        await sweep(database, phone.clock() + timedelta(days=60), timedelta(days=60))
    assert await renewal == "UNAUTHORIZED"


async def test_what_is_no_refresh_token_is_refused(phone: Phone) -> None:
    tokens = await phone.sign_up(EMAIL)
    for token in (tokens.access_token[:200], "ort_" + "x" * 43, "토큰", tokens.refresh_token[:-1]):
        assert await outcome(phone.refresh(token)) == "UNAUTHORIZED"
    assert await use(phone, tokens.refresh_token) == BAD  # it's no access token either
    await phone.refresh(tokens.refresh_token)


async def test_log_out_ends_this_session_alone(phone: Phone) -> None:
    first = await phone.sign_up(EMAIL)
    second = await phone.log_in(EMAIL, device_id="device-2")
    assert await use(phone, first.access_token) == GOOD
    await phone.call("LogOut", first.access_token)
    assert await use(phone, first.access_token) == BAD
    assert await outcome(phone.call("LogOut", first.access_token)) == "UNAUTHORIZED"
    assert await outcome(phone.refresh(first.refresh_token)) == "UNAUTHORIZED"
    assert await use(phone, second.access_token) == GOOD


async def test_a_log_in_takes_the_place_of_the_devices_session(phone: Phone) -> None:
    first = await phone.sign_up(EMAIL)
    assert await use(phone, first.access_token) == GOOD
    second = await phone.log_in(EMAIL)
    assert await use(phone, first.access_token) == BAD
    assert await outcome(phone.refresh(first.refresh_token)) == "UNAUTHORIZED"
    assert await use(phone, second.access_token) == GOOD


async def test_two_accounts_may_be_on_one_device(phone: Phone) -> None:
    first = await phone.sign_up(EMAIL)
    phone.number = "01055570001"
    second = await phone.sign_up("two@example.com")
    assert await use(phone, first.access_token) == GOOD
    assert await use(phone, second.access_token) == GOOD


async def test_an_ended_session_is_refused_by_other_processes_soon(
    phone: Phone, database_url: str, tmp_path: Path, monkeypatch: object
) -> None:
    tokens = await phone.sign_up(EMAIL)
    async with running_core(database_url, clock=phone.clock, data_dir=tmp_path) as channel:
        there = Phone(channel, phone.outbox, phone.clock)
        assert await use(there, tokens.access_token) == GOOD
        await phone.call("LogOut", tokens.access_token)
        assert await use(phone, tokens.access_token) == BAD
        async with asyncio.timeout(30):
            while await use(there, tokens.access_token) != BAD:
                await asyncio.sleep(0.1)


async def test_tokens_outlive_a_restart(
    database_url: str, tmp_path: Path, clock: FakeClock
) -> None:
    settings: dict[str, Any] = {
        "clock": clock,
        "data_dir": tmp_path,
        "token_keys": tmp_path / "keys.json",
    }
    Signer(tmp_path / "keys.json", clock)
    outbox = tmp_path / "outbox" / "sms.jsonl"
    async with running_core(database_url, **settings) as channel:
        phone = Phone(channel, outbox, clock)
        tokens = await phone.sign_up(EMAIL)
        phone.number = "01055570002"
        code = await phone.code()
        assert await outcome(phone.verify(another(code))) == "WRONG_CODE"
    async with running_core(database_url, **settings) as channel:
        phone.channel = channel
        assert await use(phone, tokens.access_token) == GOOD
        await phone.refresh(tokens.refresh_token)
        await phone.verify(code)


async def test_a_running_core_takes_up_a_new_key(
    database_url: str, tmp_path: Path, clock: FakeClock
) -> None:
    keys = tmp_path / "keys.json"
    Signer(keys, clock)
    async with running_core(
        database_url, clock=clock, data_dir=tmp_path, token_keys=keys
    ) as channel:
        phone = Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock)
        before = await phone.sign_up(EMAIL)
        add_key(keys)
        after = await phone.log_in(EMAIL, device_id="device-2")
        assert before.access_token.split(".")[0] != after.access_token.split(".")[0]
        assert await use(phone, before.access_token) == GOOD
        assert await use(phone, after.access_token) == GOOD


async def test_what_has_expired_is_swept(phone: Phone, database: Database) -> None:
    life = timedelta(days=60)

    async def counts() -> list[int]:
        swept = (
            auth_code_requests,
            auth_codes,
            auth_failures,
            auth_refresh_tokens,
            auth_sessions,
        )
        await sweep(database, phone.clock(), life)
        async with tables(database) as conn:
            return [
                await conn.scalar(select(func.count()).select_from(table)) or 0 for table in swept
            ]

    first = await phone.sign_up(EMAIL)
    assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    second = await phone.refresh(first.refresh_token)
    phone.number = "01055570003"
    await phone.code()
    assert await counts() == [2, 1, 3, 2, 1]
    phone.clock.advance(hours=23, minutes=59)
    assert await counts() == [2, 1, 3, 2, 1]
    phone.clock.advance(minutes=4)
    assert await counts() == [0, 0, 0, 2, 1]
    third = await phone.refresh(second.refresh_token)
    phone.clock.advance(days=59)
    assert await counts() == [0, 0, 0, 1, 1]
    assert await use(phone, (await phone.refresh(third.refresh_token)).access_token) == GOOD
    phone.clock.advance(days=61)
    assert await counts() == [0, 0, 0, 0, 0]
