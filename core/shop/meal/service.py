"""MealService: a meal engine of ours over gRPC."""

from __future__ import annotations

from typing import Any

from onegenie.error.v1.reasons import SdkReason
from onegenie.meal.v1 import meal_pb2 as pb
from onegenie.meal.v1 import meal_pb2_grpc as pb_grpc
from pydantic import ValidationError

from core.shop.meal.messages import meal_to_message, request_from_message
from core.shop.meal.port import MealEngine, MealError
from edge import ApiError, FieldViolation, invalid


class MealService(pb_grpc.MealServiceServicer):
    """Serves one engine. ErrorInfo's metadata of NO_MEAL says whether trying again may help."""

    def __init__(self, engine: MealEngine) -> None:
        self._engine = engine

    async def SuggestMeal(
        self, request: pb.SuggestMealRequest, context: Any
    ) -> pb.SuggestMealResponse:
        try:
            asked = request_from_message(request)
        except ValidationError:
            raise invalid(
                FieldViolation("history", "holds a meal that is not one of ours")
            ) from None
        try:
            meal = await self._engine.suggest(asked)
        except MealError as error:
            retryable = "true" if error.retryable else "false"
            raise ApiError(
                SdkReason.NO_MEAL, error.reason, metadata={"retryable": retryable}
            ) from error
        return pb.SuggestMealResponse(meal=meal_to_message(meal))
