"""Asking for codes: what is sent, and how often."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from core.platform.database import Database
from core.room.accounts.codes import Codes
from core.room.accounts.passwords import matches
from core.room.accounts.send_sign_up_code import SendSignUpCode, send_sign_up_code
from core.room.accounts.tables import auth_code_requests, auth_codes
from tests.clock import FakeClock
from tests.integration.room.accounts.accounts_help import (
    Phone,
    another,
    code_in,
    outcome,
    refused_fields,
    wait,
)
from tests.support import make_runtime, running_core, tables


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


async def test_a_number_has_three_codes_at_once_and_then_waits_longer_each_time(
    phone: Phone,
) -> None:
    for number in range(1, 4):
        await phone.ask()
        await phone.messages(number)  # or the next, being newer, would be the only one answered
    other = dataclasses.replace(phone, number="01055550001")
    await other.ask()  # the cool-down is the number's alone
    phone.address = "198.51.100.1"  # and its, wherever it asks
    for number, seconds in enumerate((30, 60, 120, 240), 4):
        assert await wait(phone.ask()) == seconds
        phone.clock.advance(seconds=seconds - 0.5)
        assert await wait(phone.ask()) == 0.5
        phone.clock.advance(seconds=0.5)
        await phone.ask()
        await phone.messages(number)
    phone.clock.advance(hours=1)  # what was asked for longer ago doesn't slow it down
    for _ in range(3):
        await phone.ask()
    assert await outcome(phone.ask()) == "RATE_LIMITED"


async def test_a_code_is_there_again_where_the_document_sends_people_for_it(phone: Phone) -> None:
    for _ in range(2):
        code = await phone.code()
        for _ in range(5):
            assert await outcome(phone.verify(another(code))) == "WRONG_CODE"
        assert await outcome(phone.verify(code)) == "CODE_EXPIRED"
    await phone.verify(await phone.code())


async def test_a_number_has_so_many_codes_a_day(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    limits: dict[str, Any] = {"codes_per_number": 3, "code_cooldown_seconds": 0}
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
        assert await outcome(phones[3].ask()) == "RATE_LIMITED"


async def test_simultaneous_requests_exceed_no_limit(
    database_url: str, clock: FakeClock, tmp_path: Path, database: Database
) -> None:
    limits: dict[str, Any] = {
        "codes_per_number": 3,
        "code_cooldown_seconds": 0,
        "codes_per_address": 5,
    }
    async with running_core(database_url, clock=clock, data_dir=tmp_path, **limits) as channel:
        one, *others = (Phone(channel, tmp_path / "outbox" / "x", clock) for _ in range(9))
        outcomes = Counter(await asyncio.gather(*(outcome(one.ask()) for _ in range(20))))
        assert outcomes == {"OK": 3, "RATE_LIMITED": 17}
        outcomes = Counter(await asyncio.gather(*(outcome(each.ask()) for each in others)))
        assert outcomes == {"OK": 2, "RATE_LIMITED": 6}
    async with tables(database) as conn:
        assert await conn.scalar(select(func.count()).select_from(auth_code_requests)) == 5


async def test_simultaneous_requests_cool_down_together(phone: Phone) -> None:
    outcomes = Counter(await asyncio.gather(*(outcome(phone.ask()) for _ in range(20))))
    assert outcomes == {"OK": 3, "RATE_LIMITED": 17}
    await phone.messages(1)


async def test_a_complete_account_is_told_before_any_limit_of_the_number(phone: Phone) -> None:
    for _ in range(2):
        await phone.code()
    await phone.sign_up("one@example.com")
    assert await outcome(phone.ask()) == "USER_ALREADY_EXISTS"  # still in its cool-down
    assert await outcome(phone.verify("123456")) == "USER_ALREADY_EXISTS"


async def test_the_service_has_so_many_codes_a_day(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    async with running_core(
        database_url, clock=clock, data_dir=tmp_path, codes_per_day=3
    ) as channel:
        phones = [
            Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock, f"203.0.113.{n}")
            for n in range(8)
        ]
        await phones[0].sign_up("one@example.com")
        clock.advance(hours=1)
        # Who is told that there is an account is sent nothing.
        assert [await outcome(phones[0].ask()) for _ in range(5)] == ["USER_ALREADY_EXISTS"] * 5
        outcomes = Counter(await asyncio.gather(*(outcome(each.ask()) for each in phones[1:])))
        assert outcomes == {"OK": 2, "RATE_LIMITED": 5}
        assert await wait(phones[7].ask()) == 23 * 3600
        assert await outcome(phones[0].ask()) == "USER_ALREADY_EXISTS"
        clock.advance(hours=23)
        await phones[7].ask()


async def test_an_address_asks_for_so_many_numbers_whether_they_have_an_account(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox" / "sms.jsonl"
    async with running_core(
        database_url, clock=clock, data_dir=tmp_path, codes_per_address=4
    ) as channel:
        phone = Phone(channel, outbox, clock)
        await phone.sign_up("one@example.com")
        stranger = dataclasses.replace(phone, address="198.51.100.66")
        other = Phone(channel, outbox, clock, stranger.address)
        assert [await outcome(stranger.ask()) for _ in range(3)] == ["USER_ALREADY_EXISTS"] * 3
        assert await outcome(other.ask()) == "OK"
        assert await outcome(other.ask()) == await outcome(stranger.ask()) == "RATE_LIMITED"
        assert await wait(stranger.ask()) == 24 * 3600
        # Verifying tells as much, and has a count of its own.
        other.number = "01055550077"
        assert await outcome(stranger.verify("1")) == "USER_ALREADY_EXISTS"
        assert [await outcome(other.verify("1")) for _ in range(3)] == ["WRONG_CODE"] * 3
        assert await outcome(stranger.verify("1")) == "RATE_LIMITED"
        assert await wait(other.verify("1")) == 24 * 3600
        # That was the stranger's alone.
        assert (
            await outcome(phone.ask()) == await outcome(phone.verify("1")) == "USER_ALREADY_EXISTS"
        )
        clock.advance(hours=24)
        assert (
            await outcome(stranger.ask())
            == await outcome(stranger.verify("1"))
            == "USER_ALREADY_EXISTS"
        )


async def test_right_codes_count_for_nothing(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    async with running_core(
        database_url, clock=clock, data_dir=tmp_path, codes_per_address=1
    ) as channel:
        for n in range(4):
            phone = Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock, f"203.0.113.{n}")
            code = await phone.code()
            phone.address = "198.51.100.7"
            await phone.verify(code)


async def test_a_country_may_get_no_codes(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    async with running_core(
        database_url, clock=clock, data_dir=tmp_path, sms_countries=(82,)
    ) as channel:
        phone = Phone(channel, tmp_path / "outbox" / "sms.jsonl", clock)
        await phone.code()
        abroad = {"phone_number": "090-1234-5678", "country_code": "81"}
        assert await refused_fields(phone.call("SendSignUpCode", **abroad)) == ["countryCode"]


class Held:
    """In the place of the pool: a hash is worked out when the test lets it."""

    def __init__(self) -> None:
        self.asked, self.open = asyncio.Event(), asyncio.Event()

    async def run(self, function: Callable[[str], str], code: str) -> str:
        self.asked.set()
        await self.open.wait()
        return function(code)


class Kept:
    """In the place of the queue and of the phone: what they are given."""

    def __init__(self) -> None:
        self.requests: list[int] = []
        self.texts: list[str] = []

    def task(self, name: str, function: object, queue: str) -> object:
        return function

    async def defer(self, conn: object, task: object, request_id: int) -> None:
        self.requests.append(request_id)

    async def send(self, to: str, text: str) -> None:
        self.texts.append(text)


async def test_jobs_that_overtake_each_other_leave_the_newest_code(
    database: Database, clock: FakeClock
) -> None:
    kept, slow, fast = Kept(), Held(), Held()
    fast.open.set()
    slow_runtime, fast_runtime = (
        make_runtime(database=database, jobs=kept, passwords=pool, clock=clock)
        for pool in (slow, fast)
    )
    early, late = (
        Codes(runtime, kept)  # type: ignore[arg-type]
        for runtime in (slow_runtime, fast_runtime)
    )
    context: Any = None
    asked = SendSignUpCode("+821055550088", "203.0.113.7")
    await send_sign_up_code(slow_runtime, early, asked)
    job = asyncio.create_task(early.run(context, kept.requests[0]))
    await slow.asked.wait()
    await send_sign_up_code(fast_runtime, late, asked)
    await late.run(context, kept.requests[1])
    slow.open.set()
    await job
    (text,) = kept.texts  # the earlier one was not sent any more
    async with tables(database) as conn:
        code_hash = await conn.scalar(select(auth_codes.c.code_hash))
    assert matches(code_hash, code_in(text))  # type: ignore[arg-type]


async def test_nothing_of_the_code_is_stored_but_its_hash(phone: Phone, database: Database) -> None:
    code = await phone.code()
    async with tables(database) as conn:
        row = (await conn.execute(select(auth_codes))).one()
        assert row.code_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert code not in row.code_hash
        assert (row.phone, row.tried_from) == (phone.e164, [])
        assert row.expires_at == phone.clock.now.replace(minute=3)
