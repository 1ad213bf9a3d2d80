"""Logging in, and being slowed down."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter

from argon2 import PasswordHasher
from sqlalchemy import func, select, update

from core.platform.database import Database
from core.room.accounts.tables import auth_failures, auth_sessions, users
from tests.integration.room.accounts.accounts_help import Phone, outcome, wait
from tests.support import tables

EMAIL = "one@example.com"


async def test_unknown_and_wrong(phone: Phone) -> None:
    await phone.sign_up(EMAIL)
    assert await outcome(phone.log_in("nobody@example.com")) == "USER_NOT_FOUND"
    assert await outcome(phone.log_in("no address")) == "USER_NOT_FOUND"
    assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    assert await outcome(phone.log_in(EMAIL, "x")) == "WRONG_PASSWORD"
    assert await outcome(phone.log_in(EMAIL, "testPassword ")) == "WRONG_PASSWORD"
    assert await outcome(phone.log_in(EMAIL)) == "OK"


async def test_failures_make_the_next_one_wait(phone: Phone, database: Database) -> None:
    await phone.sign_up(EMAIL)
    for _ in range(5):
        assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    # Even the right password is not looked at, and asking makes the wait no longer.
    assert await wait(phone.log_in(EMAIL)) == 1
    assert await wait(phone.log_in(EMAIL, "wrong")) == 1
    phone.clock.advance(seconds=0.25)
    assert await wait(phone.log_in(EMAIL)) == 0.75
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
        phone.clock.advance(seconds=seconds)
        assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
        assert await wait(phone.log_in(EMAIL)) == min(2 * seconds, 900)
    phone.clock.advance(minutes=15)
    assert await outcome(phone.log_in(EMAIL)) == "OK"
    # That is forgotten, for this e-mail.
    for _ in range(5):
        assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    assert await wait(phone.log_in(EMAIL)) == 1


async def test_failures_are_forgotten_after_a_day(phone: Phone) -> None:
    for _ in range(5):
        assert await outcome(phone.log_in(EMAIL)) == "USER_NOT_FOUND"
    phone.clock.advance(hours=23, minutes=59)
    assert await outcome(phone.log_in(EMAIL)) == "USER_NOT_FOUND"
    assert await wait(phone.log_in(EMAIL)) == 2
    phone.clock.advance(minutes=1)
    for _ in range(5):
        assert await outcome(phone.log_in(EMAIL)) == "USER_NOT_FOUND"
    assert await wait(phone.log_in(EMAIL)) == 1


async def test_one_address_does_not_lock_the_owner_out_at_once(phone: Phone) -> None:
    await phone.sign_up(EMAIL)
    thief = dataclasses.replace(phone, address="198.51.100.1")
    for _ in range(5):
        assert await outcome(thief.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    assert await outcome(thief.log_in(EMAIL, "wrong")) == "RATE_LIMITED"
    assert await outcome(phone.log_in(EMAIL)) == "OK"


async def test_an_email_is_guessed_at_from_many_addresses(phone: Phone) -> None:
    await phone.sign_up(EMAIL)
    thieves = [dataclasses.replace(phone, address=f"198.51.100.{n}") for n in range(21)]
    outcomes = [await outcome(thief.log_in(EMAIL, "wrong")) for thief in thieves]
    assert outcomes == ["WRONG_PASSWORD"] * 20 + ["RATE_LIMITED"]


async def test_an_address_guesses_at_many_emails(phone: Phone) -> None:
    outcomes = [await outcome(phone.log_in(f"{n}@example.com")) for n in range(101)]
    assert outcomes == ["USER_NOT_FOUND"] * 100 + ["RATE_LIMITED"]
    other = dataclasses.replace(phone, address="198.51.100.1")
    assert await outcome(other.log_in("0@example.com")) == "USER_NOT_FOUND"


async def test_a_success_is_no_failure_of_the_address(phone: Phone, database: Database) -> None:
    await phone.sign_up(EMAIL)
    for _ in range(3):
        await phone.log_in(EMAIL)
    assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    async with tables(database) as conn:
        counts = (await conn.scalars(select(auth_failures.c.failures))).all()
    assert counts == [1, 1, 1]


async def test_nobody_waits_for_a_success_of_the_address(phone: Phone) -> None:
    await phone.sign_up(EMAIL)
    for n in range(101):
        await outcome(phone.log_in(f"{n}@example.com"))
    phone.clock.advance(seconds=1)
    for _ in range(2):
        await phone.log_in(EMAIL)
    await outcome(phone.log_in(EMAIL, "wrong"))
    assert await outcome(phone.log_in(EMAIL)) == "RATE_LIMITED"


async def test_who_gets_the_lock_later_does_not_wait_for_it(phone: Phone) -> None:
    await phone.sign_up(EMAIL)
    await outcome(phone.log_in("two@example.com"))
    phone.clock.advance(seconds=-0.05)  # read before the other one's, which had the lock first
    await phone.log_in(EMAIL)


async def test_simultaneous_guesses_do_not_slip_past(phone: Phone) -> None:
    await phone.sign_up(EMAIL)
    calls = (outcome(phone.log_in(EMAIL, f"wrong {n}")) for n in range(20))
    assert Counter(await asyncio.gather(*calls)) == {"WRONG_PASSWORD": 5, "RATE_LIMITED": 15}


async def test_simultaneous_log_ins_on_one_device_leave_one_session(
    phone: Phone, database: Database
) -> None:
    await phone.sign_up(EMAIL)
    replies = await asyncio.gather(*(phone.log_in(EMAIL) for _ in range(5)))
    async with tables(database) as conn:
        assert await conn.scalar(select(func.count()).select_from(auth_sessions)) == 1
    outcomes = Counter([await outcome(phone.refresh(each.refresh_token)) for each in replies])
    assert outcomes == {"OK": 1, "UNAUTHORIZED": 4}


async def test_a_hash_of_other_parameters_is_replaced(phone: Phone, database: Database) -> None:
    await phone.sign_up(EMAIL)
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("testPassword")
    async with tables(database) as conn:
        await conn.execute(update(users).values(password_hash=weak))
    assert await outcome(phone.log_in(EMAIL, "wrong")) == "WRONG_PASSWORD"
    async with tables(database) as conn:
        assert await conn.scalar(select(users.c.password_hash)) == weak
    await phone.log_in(EMAIL)
    async with tables(database) as conn:
        stored = await conn.scalar(select(users.c.password_hash))
    assert stored is not None
    assert "m=19456,t=2,p=1" in stored
    await phone.log_in(EMAIL)
