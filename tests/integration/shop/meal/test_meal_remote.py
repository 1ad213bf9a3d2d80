"""A meal engine elsewhere that is slow, down, wrong, refusing or coming back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from onegenie.meal.v1 import meal_pb2 as pb
from onegenie.meal.v1 import meal_pb2_grpc as pb_grpc

from core.app.single import serve_meal
from core.shop.meal import MealError, MealRequest, Shopper
from core.shop.meal.messages import meal_to_message
from core.shop.meal.remote import LARGEST_REPLY, RemoteMealEngine
from tests.support import ScriptedEngine, fields_of, plain_meal, reason_of

REQUEST = MealRequest(prompt="카레", shopper=Shopper(persona="채식", extra={"size": 2}))
TOKEN = "a-secret-that-both-sides-know"


class Upstream(pb_grpc.MealServiceServicer):
    """Someone else's engine; tests say how it behaves."""

    def __init__(self) -> None:
        self.requests: list[pb.SuggestMealRequest] = []
        self.seen: list[str | None] = []
        self.failures: list[grpc.StatusCode] = []
        self.status: status_pb2.Status | None = None
        self.delay = 0.0
        self.meal = meal_to_message(plain_meal(REQUEST))

    async def SuggestMeal(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        self.seen.append(dict(context.invocation_metadata()).get("authorization"))
        await asyncio.sleep(self.delay)
        if self.failures:
            await context.abort(self.failures.pop(0), "password=hunter2 at 10.0.0.7")
        if self.status is not None:
            await context.abort_with_status(rpc_status.to_status(self.status))
        return pb.SuggestMealResponse(meal=self.meal)


@contextlib.asynccontextmanager
async def running(upstream: Upstream, address: str) -> AsyncIterator[None]:
    server = grpc.aio.server()
    pb_grpc.add_MealServiceServicer_to_server(upstream, server)
    server.add_insecure_port(address)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"unix:{tmp_path}/meal.sock"


@pytest.fixture
async def upstream(address: str) -> AsyncIterator[Upstream]:
    service = Upstream()
    async with running(service, address):
        yield service


@pytest.fixture
async def engine(address: str) -> AsyncIterator[RemoteMealEngine]:
    opened = RemoteMealEngine(address, TOKEN, timeout=5)
    yield opened
    await opened.close()


async def refused(engine: RemoteMealEngine, request: MealRequest = REQUEST) -> MealError:
    with pytest.raises(MealError) as caught:
        await engine.suggest(request)
    return caught.value


async def test_it_passes_all_on_and_shows_its_token(
    upstream: Upstream, engine: RemoteMealEngine
) -> None:
    assert await engine.suggest(REQUEST) == plain_meal(REQUEST)
    assert upstream.seen == [f"Bearer {TOKEN}"]
    assert upstream.requests[0].shopper.persona == "채식"
    assert upstream.requests[0].shopper.extra["size"] == 2


async def test_an_engine_may_want_no_token(upstream: Upstream, address: str) -> None:
    engine = RemoteMealEngine(address, None, timeout=5)
    await engine.suggest(REQUEST)
    assert upstream.seen == [None]
    await engine.close()


async def test_slow_is_a_timeout(upstream: Upstream, address: str) -> None:
    upstream.delay = 30
    engine = RemoteMealEngine(address, TOKEN, timeout=0.05)
    error = await refused(engine)
    assert (error.reason, error.retryable) == ("upstream timeout", True)
    await engine.close()


async def test_down_is_unavailable_and_back_is_back(address: str, engine: RemoteMealEngine) -> None:
    for _ in range(2):
        error = await refused(engine)
        assert (error.reason, error.retryable) == ("upstream unavailable", True)
        async with running(Upstream(), address), asyncio.timeout(20):
            while True:
                with contextlib.suppress(MealError):
                    await engine.suggest(REQUEST)
                    break
                await asyncio.sleep(0.05)


async def test_a_short_absence_is_retried(upstream: Upstream, engine: RemoteMealEngine) -> None:
    upstream.failures = [grpc.StatusCode.UNAVAILABLE] * 3
    await engine.suggest(REQUEST)
    assert len(upstream.requests) == 4


async def test_a_long_absence_is_not_retried_for_ever(
    upstream: Upstream, engine: RemoteMealEngine
) -> None:
    upstream.failures = [grpc.StatusCode.UNAVAILABLE] * 1000
    for _ in range(25):
        assert (await refused(engine)).reason == "upstream unavailable"
    # Four tries each would be a hundred: the channel's budget of retries ran out.
    assert len(upstream.requests) < 50


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "upstream refused the credential", False),
        (grpc.StatusCode.PERMISSION_DENIED, "upstream refused the credential", False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "upstream is over its limits", True),
        (grpc.StatusCode.UNIMPLEMENTED, "upstream does not offer this call", False),
        (grpc.StatusCode.FAILED_PRECONDITION, "upstream error (FAILED_PRECONDITION)", False),
        (grpc.StatusCode.INTERNAL, "upstream error (INTERNAL)", False),
    ],
)
async def test_other_failures_are_told_once_and_in_our_words(
    upstream: Upstream,
    engine: RemoteMealEngine,
    status: grpc.StatusCode,
    reason: str,
    retryable: bool,
) -> None:
    upstream.failures = [status]
    error = await refused(engine)
    assert (error.reason, error.retryable) == (reason, retryable)
    assert len(upstream.requests) == 1


def no_meal(message: str) -> status_pb2.Status:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="NO_MEAL", domain="example.com"))
    return status_pb2.Status(
        code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=message, details=[detail]
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("no dish fits these limits: 새우", "no dish fits these limits: 새우"),
        ("", "no meal fits"),
        ("two\nlines\tof  text", "two lines of text"),
        ("x" * 1000, "x" * 200),
    ],
)
async def test_what_no_meal_says_is_passed_on(
    upstream: Upstream, engine: RemoteMealEngine, said: str, reason: str
) -> None:
    upstream.status = no_meal(said)
    error = await refused(engine)
    assert (error.reason, error.retryable) == (reason, False)


def drop_a_language(meal: pb.Meal) -> None:
    meal.ingredients[0].name.ja = " "


def spoil(**fields: object) -> Callable[[pb.Meal], None]:
    def change(meal: pb.Meal) -> None:
        for name, value in fields.items():
            setattr(meal, name, value)

    return change


def quantity(value: float) -> Callable[[pb.Meal], None]:
    return lambda meal: setattr(meal.ingredients[0], "quantity", value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda meal: meal.Clear(), "it has no recipe_title"),
        (lambda meal: meal.ClearField("ingredients"), "it has not 1 to 100 ingredients"),
        (
            lambda meal: meal.ingredients.extend([meal.ingredients[0]] * 99),
            "it has not 1 to 100 ingredients",
        ),
        (quantity(0), "an ingredient's quantity is not above 0"),
        (quantity(-1), "an ingredient's quantity is not above 0"),
        (quantity(float("nan")), "an ingredient's quantity is not above 0"),
        (quantity(float("inf")), "an ingredient's quantity is not above 0"),
        (spoil(servings=0), "its servings are not 1 to 100"),
        (spoil(minutes=-5), "its minutes are below 1"),
        (spoil(intro_message="x" * 4001), "its intro_message is too long"),
        (spoil(dish="x" * 201), "its dish is too long"),
        (drop_a_language, "an ingredient lacks its category, or a language of its name or unit"),
        (
            lambda meal: setattr(meal.ingredients[0].unit, "en", "x" * 201),
            "an ingredient's words are too long",
        ),
        (
            lambda meal: meal.constraints.update({"notes": "x" * 70_000}),
            "its constraints are too large",
        ),
        (
            lambda meal: meal.constraints.update({"servings": "two"}),
            "its constraints are not of the documented form",
        ),
    ],
)
async def test_a_meal_that_is_none(
    upstream: Upstream,
    engine: RemoteMealEngine,
    change: Callable[[pb.Meal], None],
    problem: str,
) -> None:
    change(upstream.meal)
    error = await refused(engine)
    assert error.reason == f"upstream sent a meal that is none: {problem}"


async def test_a_reply_beyond_all_bounds(upstream: Upstream, engine: RemoteMealEngine) -> None:
    upstream.meal.recipe_description = "x" * LARGEST_REPLY
    assert (await refused(engine)).reason == "upstream is over its limits"


async def test_leaving_is_not_a_failure(upstream: Upstream, engine: RemoteMealEngine) -> None:
    upstream.delay = 30
    asking = asyncio.create_task(engine.suggest(REQUEST))
    while not upstream.requests:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


# Our own service behind it.


async def test_an_engines_refusal_comes_through_whole(address: str) -> None:
    def refuse(request: MealRequest) -> None:
        raise MealError("no dish fits these limits: 새우", retryable=retryable)

    async with serve_meal(ScriptedEngine(refuse), address, TOKEN):  # type: ignore[arg-type]
        engine = RemoteMealEngine(address, TOKEN, timeout=5)
        for retryable in (True, False):
            error = await refused(engine)
            assert (error.reason, error.retryable) == ("no dish fits these limits: 새우", retryable)
        await engine.close()


async def test_a_fault_of_the_engine_is_told_without_its_text(address: str) -> None:
    def break_down(request: MealRequest) -> None:
        raise ZeroDivisionError("secret driver text")

    async with serve_meal(ScriptedEngine(break_down), address, TOKEN):  # type: ignore[arg-type]
        engine = RemoteMealEngine(address, TOKEN, timeout=5)
        assert (await refused(engine)).reason == "upstream error (INTERNAL)"
        await engine.close()


@pytest.mark.parametrize("ours", [TOKEN, None])
@pytest.mark.parametrize("shown", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer "])
async def test_nobody_else_gets_in(address: str, ours: str | None, shown: str | None) -> None:
    engine = ScriptedEngine()
    async with (
        serve_meal(engine, address, ours),
        grpc.aio.insecure_channel(address) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pb_grpc.MealServiceStub(channel).SuggestMeal(
                pb.SuggestMealRequest(prompt="카레", language="ko"),
                metadata=(("authorization", shown),) if shown else (),
                timeout=10,
            )
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "UNAUTHORIZED"
    assert engine.asked == []


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.SuggestMealRequest(language="ko"), ["prompt"]),
        (pb.SuggestMealRequest(prompt="카레", language="fr"), ["language"]),
        (pb.SuggestMealRequest(prompt="x" * 2001, language="ko"), ["prompt"]),
    ],
)
async def test_requests_are_held_to_the_contract(
    address: str, request_: pb.SuggestMealRequest, fields: list[str]
) -> None:
    await check_fields(address, request_, fields)


async def test_a_chat_of_broken_meals_names_its_field(address: str) -> None:
    meal = pb.Meal()
    meal.constraints.update({"servings": "two"})
    request = pb.SuggestMealRequest(prompt="카레", language="ko", history=[pb.Turn(meal=meal)])
    await check_fields(address, request, ["history"])


async def check_fields(address: str, request: pb.SuggestMealRequest, fields: list[str]) -> None:
    async with (
        serve_meal(ScriptedEngine(), address, TOKEN),
        grpc.aio.insecure_channel(address) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pb_grpc.MealServiceStub(channel).SuggestMeal(
                request, metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=10
            )
    assert reason_of(caught.value) == "INVALID_REQUEST"
    assert fields_of(caught.value) == fields
