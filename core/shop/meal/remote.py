"""A meal engine in another process, asked over gRPC."""

from __future__ import annotations

import math
from collections.abc import Iterator

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from onegenie.meal.v1 import meal_pb2 as pb
from onegenie.meal.v1 import meal_pb2_grpc as pb_grpc
from pydantic import ValidationError

from core.platform import upstream
from core.shop.meal.messages import meal_from_message, request_to_message
from core.shop.meal.models import Meal, MealRequest
from core.shop.meal.port import MealError

_SERVICE = "onegenie.meal.v1.MealService"
# What a meal may be at most; a reply beyond it is an error of the engine.
LARGEST_REPLY = 1 << 20
MAX_INGREDIENTS = 100
MAX_TEXT = 4_000
MAX_WORD = 200
MAX_QUANTITY = 100_000
MAX_SERVINGS = 100
MAX_CONSTRAINTS = 64 << 10
MAX_REASON = 200


class RemoteMealEngine:
    """Asks a MealService at `address` (core.platform.upstream.open_channel says which forms).

    `token` is the secret that both sides are configured with, None when the engine wants none.
    A call ends within `timeout` seconds, retries included. Raises MealError: what NO_MEAL says is
    passed on, all else is told in our words ("upstream timeout", "upstream unavailable", …).
    That nothing of the meal is what the shopper must not eat is the engine's promise.
    """

    def __init__(self, address: str, token: str | None, timeout: float = 20.0) -> None:
        self._channel = upstream.open_channel(address, _SERVICE, LARGEST_REPLY)
        self._stub = pb_grpc.MealServiceStub(self._channel)
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._timeout = timeout

    async def suggest(self, request: MealRequest) -> Meal:
        """See MealEngine."""
        try:
            reply = await self._stub.SuggestMeal(
                request_to_message(request), timeout=self._timeout, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise _meal_error(error) from error
        if problem := next(_problems(reply.meal), None):
            raise MealError(f"upstream sent a meal that is none: {problem}", retryable=True)
        try:
            return meal_from_message(reply.meal)
        except ValidationError:
            problem = "its constraints are not of the documented form"
            raise MealError(f"upstream sent a meal that is none: {problem}", True) from None

    async def close(self) -> None:
        """Close the channel; calls in flight fail."""
        await self._channel.close()


def _meal_error(error: grpc.aio.AioRpcError) -> MealError:
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.reason == "NO_MEAL":
            reason = " ".join((error.details() or "").split())[:MAX_REASON]
            return MealError(reason or "no meal fits", info.metadata.get("retryable") == "true")
    retryable = error.code() in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    return MealError(upstream.problem_of(error), retryable)


def _problems(meal: pb.Meal) -> Iterator[str]:
    """Yield what keeps a reply from being a meal, in plain words that quote nothing of it."""
    for name in (
        "recipe_title",
        "intro_message",
        "recipe_description",
        "recommendation_message",
    ):
        if len(getattr(meal, name)) > MAX_TEXT:
            yield f"its {name} is too long"
    if not meal.recipe_title.strip():
        yield "it has no recipe_title"
    if len(meal.dish) > MAX_WORD:
        yield "its dish is too long"
    if not 1 <= meal.servings <= MAX_SERVINGS:
        yield f"its servings are not 1 to {MAX_SERVINGS}"
    if meal.HasField("minutes") and meal.minutes < 1:
        yield "its minutes are below 1"
    if meal.constraints.ByteSize() > MAX_CONSTRAINTS:
        yield "its constraints are too large"
    if not 1 <= len(meal.ingredients) <= MAX_INGREDIENTS:
        yield f"it has not 1 to {MAX_INGREDIENTS} ingredients"
    for line in meal.ingredients:
        if not (math.isfinite(line.quantity) and 0 < line.quantity < MAX_QUANTITY):
            yield "an ingredient's quantity is not above 0"
        words = [line.category, *_languages(line.name), *_languages(line.unit)]
        if not all(word.strip() for word in words):
            yield "an ingredient lacks its category, or a language of its name or unit"
        if any(len(word) > MAX_WORD for word in (line.key, *words)):
            yield "an ingredient's words are too long"


def _languages(text: pb.Text) -> tuple[str, str, str]:
    return text.ko, text.en, text.ja
