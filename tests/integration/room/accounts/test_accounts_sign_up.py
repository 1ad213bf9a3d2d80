"""From a number to a complete account."""

from __future__ import annotations

import asyncio
import dataclasses
import unicodedata
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from core.platform.database import Database
from core.room.accounts.tables import auth_sessions, users
from tests.integration.room.accounts.accounts_help import Phone, another, outcome, refused_fields
from tests.support import running_core, tables


async def test_a_person_signs_up_and_logs_in(phone: Phone, database: Database) -> None:
    # The name as some keyboards write it: with spaces, its letters apart.
    name = unicodedata.normalize("NFD", "  김유저 ")
    tokens = await phone.verify(await phone.code(), name=name)
    await phone.create_password(tokens.access_token, "Someone@Example.com")
    await phone.log_in(" someone@EXAMPLE.com ")
    async with tables(database) as conn:
        user = (await conn.execute(select(users))).one()
        sessions = (await conn.execute(select(auth_sessions))).all()
    assert (user.name, user.phone, user.email) == ("김유저", phone.e164, "someone@example.com")
    assert str(user.birth) == "2001-05-25"
    assert user.created_at == phone.clock()
    assert user.password_hash.startswith("$argon2id$")
    (session,) = sessions  # the log-in's, which took the place of the first one
    assert (session.device_id, session.provider, session.app_token) == ("device-1", "android", None)


async def test_no_code_is_pending(phone: Phone) -> None:
    assert await outcome(phone.verify("123456")) == "WRONG_CODE"


async def test_a_code_has_five_tries(phone: Phone) -> None:
    code = await phone.code()
    wrong = [another(code), "1", "코드", code + "0", " " + code[:5]]
    assert [await outcome(phone.verify(each)) for each in wrong[:4]] == ["WRONG_CODE"] * 4
    tokens = await phone.verify(code)  # the fifth
    assert tokens.access_token
    phone.clock.advance(minutes=1)
    code = await phone.code()
    assert [await outcome(phone.verify(each)) for each in wrong] == ["WRONG_CODE"] * 5
    assert await outcome(phone.verify(code)) == "CODE_EXPIRED"
    phone.clock.advance(minutes=1)
    await phone.verify(await phone.code())  # a new code has new tries


async def test_a_strangers_tries_are_his_own(phone: Phone) -> None:
    code = await phone.code()
    stranger = dataclasses.replace(phone, address="198.51.100.66")
    tries = [await outcome(stranger.verify(another(code))) for _ in range(7)]
    assert tries == ["WRONG_CODE"] * 5 + ["CODE_EXPIRED"] * 2
    assert await outcome(stranger.verify(code)) == "CODE_EXPIRED"
    # Of IPv6 an address is a /64, as everywhere.
    there = dataclasses.replace(phone, address="2001:db8::1")
    assert [await outcome(there.verify(another(code))) for _ in range(4)] == ["WRONG_CODE"] * 4
    neighbour = dataclasses.replace(phone, address="2001:db8::2")
    tries = [await outcome(neighbour.verify(another(code))) for _ in range(2)]
    assert tries == ["WRONG_CODE", "CODE_EXPIRED"]
    await phone.verify(code)


async def test_a_code_ends_after_twenty_tries_from_anywhere(phone: Phone) -> None:
    code = await phone.code()
    others = [dataclasses.replace(phone, address=f"198.51.100.{n}") for n in range(4)]
    guesses = (outcome(each.verify(another(code))) for _ in range(15) for each in others)
    assert Counter(await asyncio.gather(*guesses)) == {"WRONG_CODE": 20, "CODE_EXPIRED": 40}
    assert await outcome(phone.verify(code)) == "CODE_EXPIRED"
    await phone.verify(await phone.code())


async def test_a_code_is_any_text(phone: Phone) -> None:
    code = await phone.code()
    for text in (" ", "\t", "코드", "9" * 100_000, f" {code}", f"{code}\n"):
        phone.address = f"203.0.113.{len(text) % 250}"
        assert await outcome(phone.verify(text)) == "WRONG_CODE"
    assert await refused_fields(phone.verify("")) == ["verificationCode"]
    await phone.verify(code)


async def test_a_code_expires(phone: Phone) -> None:
    code = await phone.code()
    phone.clock.advance(seconds=180)
    assert await outcome(phone.verify(code)) == "CODE_EXPIRED"
    assert await outcome(phone.verify(another(code))) == "CODE_EXPIRED"
    code = await phone.code()
    phone.clock.advance(seconds=179)
    await phone.verify(code)


async def test_a_code_is_the_numbers_own_and_works_once(phone: Phone) -> None:
    code = await phone.code()
    other = dataclasses.replace(phone, number="01055550002")
    assert await outcome(other.verify(code)) == "WRONG_CODE"
    await phone.verify(code)
    assert await outcome(phone.verify(code)) == "WRONG_CODE"


async def test_only_the_last_code_counts(phone: Phone) -> None:
    first = await phone.code()
    phone.clock.advance(seconds=30)
    second = await phone.code()
    while first == second:  # once in a million
        phone.clock.advance(seconds=30)
        second = await phone.code()
    assert await outcome(phone.verify(first)) == "WRONG_CODE"
    await phone.verify(second)


async def test_simultaneous_right_codes_succeed_once(phone: Phone, database: Database) -> None:
    code = await phone.code()
    calls = (phone.verify(code, device_id=f"device-{n}") for n in range(20))
    outcomes = Counter(await asyncio.gather(*(outcome(call) for call in calls)))
    assert outcomes.pop("OK") == 1
    assert set(outcomes) <= {"WRONG_CODE", "CODE_EXPIRED"}
    async with tables(database) as conn:
        assert len((await conn.execute(select(users))).all()) == 1
        assert len((await conn.execute(select(auth_sessions))).all()) == 1


async def test_simultaneous_guesses_get_no_more_tries(phone: Phone) -> None:
    code = await phone.code()
    guesses = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 21)]
    outcomes = Counter(await asyncio.gather(*(outcome(phone.verify(each)) for each in guesses)))
    assert outcomes == {"WRONG_CODE": 5, "CODE_EXPIRED": 15}


async def test_a_number_verified_again_is_renamed_and_its_sessions_end(
    phone: Phone, database: Database
) -> None:
    first = await phone.verify(await phone.code(), name="먼저")
    phone.clock.advance(minutes=1)
    second = await phone.verify(await phone.code(), name="나중", device_id="device-2")
    birth = {"birth": "2000-01-01", "email": "a@example.com", "password": "testPassword"}
    assert (
        await outcome(phone.call("CreatePassword", first.access_token, **birth)) == "UNAUTHORIZED"
    )
    assert await outcome(phone.refresh(first.refresh_token)) == "UNAUTHORIZED"
    async with tables(database) as conn:
        assert (await conn.scalars(select(users.c.name))).all() == ["나중"]
    assert await outcome(phone.call("CreatePassword", second.access_token, **birth)) == "OK"


async def test_a_birth_is_a_day_that_has_been(phone: Phone) -> None:
    token = (await phone.verify(await phone.code())).access_token
    no_day = ["2026-03-03", "2001-02-29", "2000-13-01", "0000-00-00", "1899-12-31"]
    for birth in [*no_day, "２０００-01-01", "2000-1-1", "20000101", ""]:
        call = phone.create_password(token, "a@example.com", birth=birth)
        assert await refused_fields(call) == ["birth"]
    for birth in ("2026-03-02", "2000-02-29", "1900-01-01"):  # the first is today, in Seoul
        await phone.create_password(token, f"{birth}@example.com", birth=birth)
        phone.number = f"01055580{birth[:3]}"
        token = (await phone.verify(await phone.code())).access_token


async def test_today_is_the_zones(phone: Phone) -> None:
    phone.clock.advance(hours=12)  # 2 March, 15:00 UTC, is 3 March in Seoul
    tokens = await phone.verify(await phone.code())
    await phone.create_password(tokens.access_token, "a@example.com", birth="2026-03-03")


async def test_an_account_is_completed_once_and_an_email_is_one_accounts(phone: Phone) -> None:
    tokens = await phone.sign_up("one@example.com")
    again = phone.create_password(tokens.access_token, "two@example.com")
    assert await outcome(again) == "USER_ALREADY_EXISTS"
    other = dataclasses.replace(phone, number="01055550003")
    tokens = await other.verify(await other.code())  # type: ignore[assignment]
    taken = other.create_password(tokens.access_token, "ONE@example.com")
    assert await outcome(taken) == "USER_ALREADY_EXISTS"
    await other.create_password(tokens.access_token, "three@example.com")


async def test_an_ended_session_completes_nothing_in_another_process(
    phone: Phone, database_url: str, tmp_path: Path
) -> None:
    old = await phone.verify(await phone.code())
    async with running_core(database_url, clock=phone.clock, data_dir=tmp_path) as channel:
        there = dataclasses.replace(phone, channel=channel)
        # That one has seen the session live, and goes on believing it for a while.
        await refused_fields(there.create_password(old.access_token, "old@example.com", birth="?"))
        phone.clock.advance(minutes=1)
        new = await phone.verify(await phone.code())
        late = there.create_password(old.access_token, "old@example.com")
        assert await outcome(late) == "UNAUTHORIZED"
        await there.create_password(new.access_token, "new@example.com")


async def test_an_email_may_be_pasted_and_hides_nothing(phone: Phone, database: Database) -> None:
    token = (await phone.verify(await phone.code())).access_token
    for inside in ("\u200b", "\u202e", "\u00ad", "\u2060", "\u00a0", " ", "\t", "\x07", "\u3164"):
        for email in (f"so{inside}me@example.com", f"some@exa{inside}mple.com"):
            assert await refused_fields(phone.create_password(token, email)) == ["email"]
    for none in ("\u200b", "nobody", "a@b", "@example.com", "a@b@c.kr", "a@.", "\u202ea@\u202c"):
        assert await refused_fields(phone.create_password(token, none)) == ["email"]
    await phone.create_password(token, "\u2068Some@ＥＸＡＭＰＬＥ．com\u2069\ufeff\n")
    async with tables(database) as conn:
        assert await conn.scalar(select(users.c.email)) == "some@example.com"
    for same in ("some＠example.com", "\u200bSOME@example。com ", "some@example.com\u202c"):
        await phone.log_in(same)
    assert await outcome(phone.log_in("so\u200bme@example.com")) == "USER_NOT_FOUND"
    other = dataclasses.replace(phone, number="01055550005")
    token = (await other.verify(await other.code())).access_token
    taken = other.create_password(token, "\u2068SOME@example.com\u2069")
    assert await outcome(taken) == "USER_ALREADY_EXISTS"


async def test_a_name_hides_nothing(phone: Phone, database: Database) -> None:
    code = await phone.code()
    for nothing in ("\u200b", "\u202e\u202c", "\u3164", "\u2800", "\u00a0\ufeff", "\u0301"):
        assert await refused_fields(phone.verify(code, name=nothing)) == ["userName"]
    await phone.verify(code, name="\u202e김\u200b유저\u2069 👩\u200d💻 نمی\u200cخواهم")
    async with tables(database) as conn:
        assert await conn.scalar(select(users.c.name)) == "김유저 👩\u200d💻 نمی\u200cخواهم"


async def test_an_email_is_the_same_from_any_keyboard(phone: Phone) -> None:
    apart, composed = (unicodedata.normalize(form, "é@example.com") for form in ("NFD", "NFC"))
    await phone.sign_up(apart)
    await phone.log_in(composed)
    await phone.log_in(apart.upper())


async def test_simultaneous_completions(phone: Phone) -> None:
    phones = [dataclasses.replace(phone, number=f"0105556000{n}") for n in range(6)]
    tokens = [await each.verify(await each.code()) for each in phones]
    calls = (
        outcome(each.create_password(token.access_token, "one@example.com"))
        for each, token in zip(phones, tokens, strict=True)
    )
    assert Counter(await asyncio.gather(*calls)) == {"OK": 1, "USER_ALREADY_EXISTS": 5}
    phone.number = "01055560009"
    access_token = (await phone.verify(await phone.code())).access_token
    mine = (outcome(phone.create_password(access_token, f"{n}@example.com")) for n in range(6))
    assert Counter(await asyncio.gather(*mine)) == {"OK": 1, "USER_ALREADY_EXISTS": 5}
