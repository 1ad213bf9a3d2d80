"""Asking for codes: what is sent, and how often."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from core.auth.models import auth_code_requests, auth_codes
from core.platform.database import Database
from tests.clock import FakeClock
from tests.integration.auth.auth_help import (
    Phone,
    code_in,
    outcome,
    refused_fields,
    wait,
)
from tests.support import running_core


async def test_the_message_says_the_code_and_how_long_it_works(phone: Phone) -> None:
    await phone.ask()
    (text,) = await phone.messages(1)
    assert text == f"[onegenie] 인증번호 {code_in(text)} (3분 안에 입력해 주세요)"
    (line,) = phone.outbox.read_text().splitlines()
    assert json.loads(line) == {
        "to": phone.e164,
        "text": text,
        "sent_at": phone.clock().isoformat(),
    }
    assert phone.outbox.stat().st_mode & 0o777 == 0o600


async def test_the_fields_may_be_swapped_and_bad_ones_are_named(phone: Phone) -> None:
    await phone.call("SendSignUpCode", phone_number="82", country_code=phone.number)
    await phone.messages(1)
    bad = phone.call("SendSignUpCode", phone_number="0212345678", country_code="82")
    assert await refused_fields(bad) == ["phoneNumber"]
    bad = phone.call("SendSignUpCode", phone_number="abc", country_code="KR")
    assert await refused_fields(bad) == ["countryCode", "phoneNumber"]


async def test_a_number_waits_for_its_next_code(phone: Phone) -> None:
    await phone.ask()
    await phone.messages(1)  # or the next request, being newer, would be the only one answered
    phone.clock.advance(seconds=10)
    assert await wait(phone.ask()) == 20
    other = dataclasses.replace(phone, number="01055550001")
    await other.ask()  # the cool-down is the number's alone
    phone.clock.advance(seconds=19.5)
    assert await wait(phone.ask()) == 0.5
    phone.clock.advance(seconds=0.5)
    await phone.ask()
    await phone.messages(2)


async def test_a_number_has_so_many_codes_a_day(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    limits = {"codes_per_number": 3, "code_cooldown_seconds": 0}
    async with running_core(database_url, clock=clock, data_dir=tmp_path, **limits) as channel:
        phone = Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock)
        for _ in range(3):
            await phone.ask()
            clock.advance(hours=1)
        # The first of the three is a day old in 21 hours; whoever asks elsewhere is no better off.
        assert await wait(phone.ask()) == 21 * 3600
        phone.address = "203.0.113.99"
        assert await wait(phone.ask()) == 21 * 3600
        clock.advance(hours=21)
        await phone.ask()
        assert await wait(phone.ask()) == 3600


async def test_an_address_has_so_many_codes_a_day(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    async with running_core(
        database_url, clock=clock, data_dir=tmp_path, codes_per_address=2
    ) as channel:
        phones = [Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock) for _ in range(4)]
        await phones[0].ask()
        clock.advance(minutes=1)
        await phones[1].ask()
        assert await wait(phones[2].ask()) == 24 * 3600 - 60
        # Of both limits the longer wait is told.
        assert await wait(phones[1].ask()) == 24 * 3600 - 60
        phones[2].address = "203.0.113.7, 198.51.100.1"  # only the last one is Envoy's
        await phones[2].ask()
        phones[3].address = "198.51.100.1, 203.0.113.7"
        assert await outcome(phones[3].ask()) == "COMMON_6"


async def test_simultaneous_requests_exceed_no_limit(
    database_url: str, clock: FakeClock, tmp_path: Path, database: Database
) -> None:
    limits = {"codes_per_number": 3, "code_cooldown_seconds": 0, "codes_per_address": 5}
    async with running_core(database_url, clock=clock, data_dir=tmp_path, **limits) as channel:
        one, *others = (Phone(channel, tmp_path / "outbox" / "x", clock) for _ in range(9))
        outcomes = Counter(await asyncio.gather(*(outcome(one.ask()) for _ in range(20))))
        assert outcomes == {"OK": 3, "COMMON_6": 17}
        outcomes = Counter(await asyncio.gather(*(outcome(each.ask()) for each in others)))
        assert outcomes == {"OK": 2, "COMMON_6": 6}
    async with database.connect() as conn:
        assert await conn.scalar(select(func.count()).select_from(auth_code_requests)) == 5


async def test_simultaneous_requests_cool_down_together(phone: Phone) -> None:
    outcomes = Counter(await asyncio.gather(*(outcome(phone.ask()) for _ in range(20))))
    assert outcomes == {"OK": 1, "COMMON_6": 19}
    await phone.messages(1)


async def test_a_complete_account_is_told_before_any_limit(phone: Phone) -> None:
    await phone.sign_up("one@example.com")
    assert await outcome(phone.ask()) == "USER_3"  # still in its cool-down
    assert await outcome(phone.verify("123456")) == "USER_3"


async def test_nothing_of_the_code_is_stored_but_its_hash(phone: Phone, database: Database) -> None:
    code = await phone.code()
    async with database.connect() as conn:
        row = (await conn.execute(select(auth_codes))).one()
        assert row.code_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert code not in row.code_hash
        assert (row.phone, row.tries) == (phone.e164, 0)
        assert row.expires_at == phone.clock.now.replace(minute=3)
