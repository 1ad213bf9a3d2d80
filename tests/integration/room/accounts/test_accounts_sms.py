"""The adapters of the SMS port, and what becomes of a code whose message does not go out."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from structlog.testing import capture_logs

from core.platform.database import Database
from core.platform.telemetry import PROCESSORS
from core.room.accounts.sms import HttpSms, OutboxSms, Sms, SmsUnavailable
from tests.clock import FakeClock
from tests.integration.room.accounts.accounts_help import Phone, code_in, outcome
from tests.support import running_core, tables

TEXT = "[onegenie] 인증번호 123456\n🔑"


@dataclass
class Provider:
    """An SMS provider on this machine. `statuses` are its next answers; then it takes all."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    asked: list[dict[str, object]] = field(default_factory=list)
    taken: list[dict[str, object]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        message = await request.json()
        self.asked.append(message)
        self.headers.append(request.headers.get("authorization", ""))
        await self.open.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            assert request.transport is not None
            request.transport.close()
        if status == 200:
            self.taken.append(message)
        return web.json_response({}, status=status or 200)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    provider.open.set()
    application = web.Application()
    application.router.add_post("/v1/messages", provider.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    provider.url = f"http://127.0.0.1:{port}/v1/messages"
    yield provider
    provider.open.set()
    await runner.cleanup()


@dataclass
class Adapter:
    """An adapter, and what went out through it."""

    sms: Sms
    sent: Callable[[], list[dict[str, object]]]


@pytest.fixture(params=["outbox", "http"])
async def adapter(
    request: pytest.FixtureRequest, provider: Provider, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Adapter]:
    path = tmp_path / "some" / "outbox" / "sms.jsonl"
    sms: Sms
    if request.param == "outbox":
        sms = OutboxSms(path, clock)
        sent = lambda: [json.loads(line) for line in path.read_text().splitlines()]  # noqa: E731
    else:
        sms = HttpSms(provider.url, "token", "0212345678")
        sent = lambda: provider.taken  # noqa: E731
    yield Adapter(sms, sent)
    await sms.close()


async def test_a_message_goes_out(adapter: Adapter) -> None:
    await adapter.sms.send("+821012345678", TEXT)
    (message,) = adapter.sent()
    assert (message["to"], message["text"]) == ("+821012345678", TEXT)


async def test_simultaneous_messages_all_go_out_whole(adapter: Adapter) -> None:
    texts = [f"{n} {'가' * 200}" for n in range(50)]
    await asyncio.gather(*(adapter.sms.send("+821012345678", text) for text in texts))
    assert sorted(str(each["text"]) for each in adapter.sent()) == sorted(texts)


async def test_an_outbox_that_cannot_be_written_is_tried_again(
    tmp_path: Path, clock: FakeClock
) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(SmsUnavailable):
        await OutboxSms(tmp_path / "outbox" / "sms.jsonl", clock).send("+821012345678", TEXT)


async def test_the_outbox_is_its_owners_alone(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "outbox" / "sms.jsonl"
    await OutboxSms(path, clock).send("+821012345678", TEXT)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_the_provider_is_asked_as_documented(provider: Provider) -> None:
    sms = HttpSms(provider.url, "token", "0212345678")
    await sms.send("+821012345678", TEXT)
    await sms.close()
    assert provider.asked == [{"to": "+821012345678", "from": "0212345678", "text": TEXT}]
    assert provider.headers == ["Bearer token"]


@pytest.mark.parametrize("status", [500, 503, 429, 0])
async def test_a_provider_in_trouble_is_asked_again(provider: Provider, status: int) -> None:
    provider.statuses = [status]
    sms = HttpSms(provider.url)
    with pytest.raises(SmsUnavailable) as caught:
        await sms.send("+821012345678", TEXT)
    assert "1012345678" not in str(caught.value)
    await sms.send("+821012345678", TEXT)
    await sms.close()
    assert len(provider.taken) == 1


async def test_a_provider_that_is_silent_or_away_is_asked_again(provider: Provider) -> None:
    provider.open.clear()
    sms = HttpSms(provider.url, timeout=0.2)
    with pytest.raises(SmsUnavailable, match="ReadTimeout"):
        await sms.send("+821012345678", TEXT)
    await sms.close()
    away = HttpSms("http://127.0.0.1:1/v1/messages")
    with pytest.raises(SmsUnavailable, match="ConnectError"):
        await away.send("+821012345678", TEXT)
    await away.close()


@pytest.mark.parametrize("status", [400, 401, 404, 302])
async def test_a_refused_message_is_given_up(provider: Provider, status: int) -> None:
    provider.statuses = [status]
    sms = HttpSms(provider.url)
    with capture_logs() as logs:
        await sms.send("+821012345678", TEXT)
    await sms.close()
    assert logs == [{"event": "sms_refused", "log_level": "error", "status": status}]


@pytest.fixture
async def phone(
    database_url: str, clock: FakeClock, provider: Provider, tmp_path: Path
) -> AsyncIterator[Phone]:
    """A phone of a core that sends through the provider."""
    settings: dict[str, Any] = {"sms_url": provider.url, "sms_token": "token", "data_dir": tmp_path}
    async with running_core(database_url, clock=clock, **settings) as channel:
        yield Phone(channel, tmp_path / "none", clock)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_message_that_did_not_go_out_is_sent_again_with_a_code_that_works(
    phone: Phone, provider: Provider
) -> None:
    provider.statuses = [500, 0, 429]
    await phone.ask()
    await until(lambda: bool(provider.taken))
    assert len(provider.asked) == 4
    assert {message["to"] for message in provider.asked} == {phone.e164}
    await phone.verify(code_in(str(provider.taken[0]["text"])))


async def test_nobody_gets_a_code_that_nobody_waits_for(phone: Phone, provider: Provider) -> None:
    provider.statuses = [500] * 1000
    await phone.ask()
    await until(lambda: len(provider.asked) >= 2)
    phone.clock.advance(seconds=180)
    provider.statuses.clear()
    # The old request comes to nothing; one that is asked for now does.
    await phone.ask()
    await until(lambda: bool(provider.taken))
    await phone.verify(code_in(str(provider.taken[-1]["text"])))
    assert len(provider.taken) == 1


@pytest.fixture
def as_in_production() -> Iterator[None]:
    """Log lines as a running service writes them."""
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(processors=[*PROCESSORS, render])
    yield
    structlog.reset_defaults()


async def test_nothing_secret_is_logged(
    phone: Phone,
    provider: Provider,
    database: Database,
    as_in_production: None,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")  # as configure_logging has it for the libraries' own
    provider.statuses = [500]
    await phone.ask()
    await until(lambda: bool(provider.taken))
    texts = [str(message["text"]) for message in provider.asked]
    tokens = await phone.verify(code_in(texts[-1]))
    await phone.create_password(tokens.access_token, "secret@example.com", "secretPassword")
    again = await phone.log_in("secret@example.com", "secretPassword")
    secrets = {
        "the number": phone.number[1:],
        "a code that was lost": code_in(texts[0]),
        "the code": code_in(texts[-1]),
        "the e-mail": "secret@example.com",
        "the password": "secretPassword",
        "the address": phone.address,
        "an access token": again.access_token,
        "a refresh token": again.refresh_token,
    }
    # What fails inside is logged with its traceback, and Postgres would add the row.
    async with tables(database) as conn:
        for table in ("auth_code_requests", "users", "auth_codes"):
            statement = f"ALTER TABLE {table} ADD CONSTRAINT no CHECK (phone IS NULL) NOT VALID"
            await conn.exec_driver_sql(statement)
    phone.clock.advance(minutes=1)
    other = dataclasses.replace(phone, number="01055590001")
    assert await outcome(other.ask()) == "INTERNAL_ERROR"
    async with tables(database) as conn:
        await conn.exec_driver_sql("ALTER TABLE auth_code_requests DROP CONSTRAINT no")
        await conn.exec_driver_sql(
            "ALTER TABLE auth_sessions ADD CONSTRAINT no CHECK (false)NOT VALID"
        )
    assert await outcome(phone.log_in("secret@example.com", "secretPassword")) == "INTERNAL_ERROR"
    await other.ask()  # its job can't store the code
    logged = ""
    async with asyncio.timeout(30):
        while logged.count("job_retried") < 2:
            await asyncio.sleep(0.02)
            logged += capfd.readouterr().out
    logged = re.sub(r"\.\d{6}Z", "Z", logged) + caplog.text  # microseconds look like a code
    assert "DETAIL: hidden" in logged
    assert logged.count("call_failed") == 2
    secrets["another number"] = other.number[1:]
    assert [name for name, secret in secrets.items() if secret in logged] == []
