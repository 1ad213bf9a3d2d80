"""The same service to its clients with the store and the meal engine in processes of their own.

`onegenie serve-store` and `onegenie serve-meal` listen on TCP, `onegenie up` is pointed at them,
and the shopping document's examples and those cases in which the store or the meal engine may have
a say come out as with all in one place.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import psycopg
import pytest
from dotenv import dotenv_values
from onegenie.recommend.v1 import recommend_pb2 as pb
from onegenie.recommend.v1 import recommend_pb2_grpc as pb_grpc

from core.platform.database import libpq_url
from core.run.embedded_postgres import EmbeddedPostgres
from tests.e2e.cases import Case, Replies, problems
from tests.e2e.envoy_front import free_port
from tests.e2e.service import Service, open_service
from tests.e2e.test_cases import CASES, parameters
from tests.e2e.test_seed_000 import (  # noqa: F401
    test_section_1_kick_off,
    test_section_2_list,
    test_section_3_completed,
    test_section_3_in_progress,
    test_section_4_one_round,
    test_the_language_of_the_answer,
)
from tests.e2e.up_process import ROOT, SERVICE_TOKEN, Up

ONEGENIE = str(Path(sys.prefix) / "bin" / "onegenie")
TOKEN = SERVICE_TOKEN

# Answered before or without the store and the meal engine, so by the same code as in test_cases.py.
NOT_THEIRS = ("access", "profile", "rest_only")
THEIRS = [
    case
    for case in CASES
    if case.surface.reasons_enum.endswith("SdkReason")
    and case.file not in NOT_THEIRS
    and case.expect.get("reason") != "UNAUTHORIZED"
]


class Serving:
    """`onegenie serve-…` as a process on a free port. Its output is in `log`."""

    def __init__(self, command: str, directory: Path, **settings: str) -> None:
        self.log = directory / f"{command}.log"
        self.address = f"127.0.0.1:{free_port()}"
        self._command = [ONEGENIE, command, "--address", self.address]
        self._environment = os.environ | {"LOG_LEVEL": "debug"} | settings

    def __enter__(self) -> Serving:
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=output, stderr=output
            )
        channel = grpc.insecure_channel(self.address)
        grpc.channel_ready_future(channel).result(timeout=60)
        channel.close()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0, self.log.read_text()

    def calls(self, method: str) -> int:
        """How often a method was called, as the log has it."""
        return sum(f"/{method}" in line for line in self.log.read_text().splitlines())


class Elsewhere:
    """The two processes, and the settings that point a core at them."""

    def __init__(self, store: Serving, meal: Serving, settings: dict[str, str]) -> None:
        self.store, self.meal, self.settings = store, meal, settings


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    """serve-store on a prepared data directory with its demo tenant, and serve-meal."""
    # Short, because a Unix socket's path is.
    with (
        tempfile.TemporaryDirectory(prefix="og-re-") as name,
        contextlib.ExitStack() as stack,
    ):
        directory = Path(name)
        postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres"))
        settings = {"DATA_DIR": name, "DATABASE_URL": libpq_url(postgres.url)}
        subprocess.run(
            [sys.executable, "-m", "core.run.prepare"],
            cwd=ROOT,
            env=os.environ | settings,
            check=True,
        )
        with psycopg.connect(libpq_url(postgres.url)) as conn:
            ((tenant_id,),) = conn.execute("SELECT id FROM tenants").fetchall()
        store = stack.enter_context(Serving("serve-store", directory, DATA_DIR=name))
        meal = stack.enter_context(Serving("serve-meal", directory, SERVICE_TOKEN=TOKEN))
        endpoints = directory / "stores.yaml"
        token = dotenv_values(directory / "demo.env")["ADMIN_TOKEN"]
        endpoints.write_text(f"{tenant_id}: {{address: http://{store.address}, token: {token}}}\n")
        yield Elsewhere(
            store,
            meal,
            {
                "MEAL_ENGINE": "remote",
                "MEAL_ADDRESS": f"http://{meal.address}",
                "SERVICE_TOKEN": TOKEN,
                "STORE_ENDPOINTS": str(endpoints),
            },
        )


@pytest.fixture(scope="module")
def up(elsewhere: Elsewhere) -> Iterator[Up]:
    """The service, pointed at both."""
    with Up(elsewhere.store.log.parent, **elsewhere.settings) as running:  # type: ignore[arg-type]
        yield running.ready()


@pytest.fixture(scope="module")
async def service(up: Up) -> AsyncIterator[Service]:
    async with open_service(up) as opened:
        yield opened


@pytest.fixture(scope="module")
async def replies(service: Service) -> Replies:
    return await Replies.make(service)


async def finish(service: Service, prompt: str) -> pb.Round:
    """A round of the demo's shopper, once it is over."""
    rounds = pb_grpc.RecommendServiceStub(service.channel)
    metadata = (("authorization", f"Bearer {service.demo['SDK_KEY']}"),)
    profile_id = service.demo["PROFILE_ID"]
    started = await rounds.StartRound(
        pb.StartRoundRequest(profile_id=profile_id, prompt=prompt), metadata=metadata, timeout=20
    )
    last = pb.Round()
    async for state in rounds.WatchRound(
        pb.WatchRoundRequest(
            profile_id=profile_id, chat_id=started.chat_id, round_id=started.round_id
        ),
        metadata=metadata,
        timeout=60,
    ):
        last = state.round
    return last


async def test_a_round_asks_both(service: Service, elsewhere: Elsewhere) -> None:
    meals = elsewhere.meal.calls("SuggestMeal")
    searches = elsewhere.store.calls("SearchProducts")
    spots = elsewhere.store.calls("ListCouponSpots")
    last = await finish(service, "오늘 저녁 카레 땡기는데")
    assert last.status == pb.ROUND_STATUS_COMPLETED, last.last_error
    assert last.todos.items
    assert last.recommended_items
    assert last.notifications.coupon_spot
    assert elsewhere.meal.calls("SuggestMeal") == meals + 1
    assert elsewhere.store.calls("SearchProducts") > searches
    assert elsewhere.store.calls("ListCouponSpots") > spots
    logs = elsewhere.meal.log.read_text() + elsewhere.store.log.read_text()
    assert "카레" not in logs
    for secret in (TOKEN, service.demo["ADMIN_TOKEN"]):
        assert secret not in logs


@pytest.mark.parametrize(("case", "transport"), parameters(THEIRS))
async def test_case(case: Case, transport: str, replies: Replies) -> None:
    assert not problems(case, transport, await replies.get(case, transport))


def run(*arguments: str, **settings: str) -> tuple[int, str]:
    """Exit code and standard error of a command that ends by itself."""
    done = subprocess.run(
        [ONEGENIE, *arguments],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_what_keeps_serve_meal_from_serving(elsewhere: Elsewhere) -> None:
    code, said = run("serve-meal", "--address", "127.0.0.1:1")
    assert code == 1
    assert "SERVICE_TOKEN: serve-meal needs it" in said
    code, said = run(
        "serve-meal",
        "--address",
        "127.0.0.1:1",
        SERVICE_TOKEN=TOKEN,
        MEAL_ENGINE="remote",
        MEAL_ADDRESS="127.0.0.1:2",
    )
    assert code == 1
    assert "MEAL_ENGINE: serve-meal serves an engine of its own" in said
    code, said = run("serve-meal", "--address", elsewhere.meal.address, SERVICE_TOKEN=TOKEN)
    assert code == 1
    assert f"cannot listen on {elsewhere.meal.address}" in said
