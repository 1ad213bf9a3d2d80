"""What is measured: onegenie as `onegenie up` starts it, and the plain alternative beside it.

Both use one Postgres server with a database each, and the same number of processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import grpc
import httpx
import orjson
import psutil
import psycopg
from dotenv import dotenv_values
from sqlalchemy import create_engine, insert

from core.platform.database import libpq_url, open_database
from core.run.embedded_postgres import EmbeddedPostgres
from tests.support import make_person

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = os.cpu_count() or 1
PROMPTS = ("오늘 저녁 카레 땡기는데", "와인 추가")
MISSIONS = ("방 청소", "빨래 개기", "이불 정리하기")

# Written down as late in a transaction as anything can be: it fires as the commit begins.
_COMMITS = """
CREATE TABLE step_commits (round_id uuid, steps_done int, at double precision);
CREATE FUNCTION write_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO step_commits VALUES (NEW.id, NEW.steps_done, extract(epoch FROM clock_timestamp()));
RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER write_commit AFTER UPDATE ON rounds DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION write_commit();
"""


@dataclass
class Service:
    """One of the two services: where it is, and how to look behind it."""

    name: str
    port: int
    key: str
    token: str  # of a person of the app with three missions today
    profile_id: str
    database_url: str
    jobs_left: str  # SQL: jobs nobody has begun
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        """The port's URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def path(self) -> str:
        """The path of kick-offs; chats are below it."""
        return f"/v1/chat/{self.profile_id}/recommend"

    @property
    def headers(self) -> dict[str, str]:
        """What every call carries."""
        return {"Authorization": f"Bearer {self.key}"}

    def client(self) -> httpx.AsyncClient:
        """A client with the service's key."""
        return httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=20)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Run SQL on the service's database."""
        with psycopg.connect(libpq_url(self.database_url), autocommit=True) as conn:
            cursor = conn.execute(query)
            return cursor.fetchall() if cursor.description else []

    def write_commits(self, on: bool) -> None:
        """Have the database write down when each step is committed, into step_commits."""
        self.sql("DROP TABLE IF EXISTS step_commits; DROP FUNCTION IF EXISTS write_commit CASCADE")
        if on:
            self.sql(_COMMITS)

    async def start_round(self, client: httpx.AsyncClient, **body: str) -> dict[str, str]:
        """Kick off a round; its chat_id and round_id."""
        answer = await client.post(self.path, json={"prompt": PROMPTS[0], **body})
        answer.raise_for_status()
        return answer.json()["data"]

    async def finished_chat(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """A new chat of two rounds, both completed."""
        started: dict[str, str] = {}
        for prompt in PROMPTS:
            chat = {"chat_id": started["chat_id"]} if started else {}
            started = await self.start_round(client, prompt=prompt, **chat)
            async with asyncio.timeout(30):
                while True:
                    answer = await client.get(f"{self.path}/{started['chat_id']}")
                    found = answer.raise_for_status().json()["data"]
                    if found["rounds"][-1]["status"] == "completed":
                        break
                    assert found["rounds"][-1]["status"] != "error", found["rounds"][-1]
                    await asyncio.sleep(0.1)
        return found

    async def settle(self) -> None:
        """Forget the jobs that nobody has begun, and let the others end."""
        self.sql(self.jobs_left)
        before = -1
        for _ in range(20):
            await asyncio.sleep(0.3)
            done = self.sql("SELECT sum(steps_done) FROM rounds")[0][0]
            if done == before:
                break
            before = done
            self.sql(self.jobs_left)  # a step that ended has put the next one there

    def workers(self) -> list[psutil.Process]:
        """Its serving processes: cores, or uvicorn's workers."""
        wanted = ("core.app.wire", "spawn_main")
        return [
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if any(word in " ".join(child.cmdline()) for word in wanted)
        ]


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[Service, Service]]:
    """onegenie and the plain service while the block runs; files go below `directory`."""
    async with contextlib.AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(directory / "postgres")
        await asyncio.to_thread(postgres.start)
        stack.callback(postgres.stop)
        with psycopg.connect(libpq_url(postgres.url), autocommit=True) as conn:
            conn.execute("CREATE DATABASE onegenie")
            conn.execute("CREATE DATABASE plain")
        ours = await stack.enter_async_context(_onegenie(directory, postgres.url_of("onegenie")))
        async with ours.client() as client:
            chat = await ours.finished_chat(client)
        plain = await stack.enter_async_context(
            _plain(directory, postgres.url_of("plain"), ours, chat)
        )
        yield ours, plain


@contextlib.asynccontextmanager
async def _onegenie(directory: Path, database_url: str) -> AsyncIterator[Service]:
    port, data = free_port(), directory / "var"
    process = await start(
        [str(Path(sys.executable).parent / "onegenie"), "up"],
        {
            "DATABASE_URL": libpq_url(database_url),
            "DATA_DIR": str(data),
            "PORT": str(port),
            "WORKERS": str(PROCESSES),
            "RATE_LIMIT": "1000000",
        },
    )
    async with stopped(process):
        await until_ready(process, 120)
        demo = dotenv_values(data / "demo.env")
        async with (
            open_database(database_url) as database,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            person = await make_person(database, channel, keys=data / "token-keys.json")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for mission in MISSIONS:
                headers = {"Authorization": f"Bearer {person.access_token}"}
                body = {"mission": mission}
                answer = await client.post("/api/today-mission", json=body, headers=headers)
                answer.raise_for_status()
        yield Service(
            "onegenie",
            port,
            str(demo["SDK_KEY"]),
            person.access_token,
            str(demo["PROFILE_ID"]),
            database_url,
            "DELETE FROM procrastinate_jobs WHERE status = 'todo'",
            process,
        )


@contextlib.asynccontextmanager
async def _plain(
    directory: Path, database_url: str, ours: Service, chat: dict[str, Any]
) -> AsyncIterator[Service]:
    tenant_id = ours.sql("SELECT id FROM tenants")[0][0]
    round_ = chat["rounds"][-1]
    spots = round_["notifications"].pop("coupon_spot")
    (directory / "round.json").write_bytes(orjson.dumps(round_))
    environment = {
        "PLAIN_DATABASE_URL": database_url,
        "PLAIN_STORE_URL": ours.database_url,
        "PLAIN_TENANT": str(tenant_id),
        "PLAIN_ROUND": str(directory / "round.json"),
        "PLAIN_SECRET": secrets.token_hex(32),
        "PLAIN_PICTURES": str(directory),
    }
    os.environ.update(environment)
    from tests.bench import plain

    profile_id, key, port = uuid.uuid4(), f"key-{uuid.uuid4()}", free_port()
    user_id = uuid.uuid4()
    engine = create_engine(database_url)
    with engine.begin() as conn:
        plain.metadata.create_all(conn)
        conn.execute(insert(plain.tenants).values(id=tenant_id, key=key, credits=1_000_000))
        summary = chat["profile_summary"]
        conn.execute(
            insert(plain.profiles).values(id=profile_id, tenant_id=tenant_id, summary=summary)
        )
        for spot in spots:
            conn.execute(insert(plain.coupon_spots).values(tenant_id=tenant_id, spot=spot))
        for content in MISSIONS:
            conn.execute(insert(plain.missions).values(user_id=user_id, content=content))
    engine.dispose()
    log = (directory / "plain.log").open("wb")
    process = await start(
        [sys.executable, "-m", "uvicorn", "tests.bench.plain:app", "--port", str(port),
         "--workers", str(PROCESSES), "--log-level", "warning", "--no-access-log"],
        environment,
        output=log,
    )  # fmt: skip
    log.close()
    async with stopped(process):
        service = Service(
            "plain", port, key, plain.make_token(user_id), str(profile_id), database_url,
            "DELETE FROM jobs WHERE NOT taken", process,
        )  # fmt: skip
        async with service.client() as client, asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await client.get("/")
                    break
                await asyncio.sleep(0.1)
        yield service


# Processes


async def start(
    command: list[str],
    environment: dict[str, str],
    cwd: Path = ROOT,
    output: int | IO[bytes] = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start a process. Piped output is read by `until_ready`; little may come after that."""
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=os.environ | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def until_ready(process: asyncio.subprocess.Process, seconds: float) -> float:
    """Wait for the line `ready …`; how many seconds that took. Raises RuntimeError."""
    began, lines = time.monotonic(), [b""]
    assert process.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for line in process.stdout:
                if line.startswith(b"ready "):
                    return time.monotonic() - began
                lines.append(line)
    raise RuntimeError(f"not ready after {seconds:.0f} s:\n{b''.join(lines[-15:]).decode()}")


@contextlib.asynccontextmanager
async def stopped(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Stop the process, and what it started, when the block ends."""
    try:
        yield
    finally:
        family = _family(process.pid)
        if process.returncode is None:
            process.terminate()  # `make` passes it on
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                await process.communicate()
        for member in psutil.wait_procs(family, timeout=3)[1]:
            member.kill()
        if process.returncode is None:
            await process.wait()


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
