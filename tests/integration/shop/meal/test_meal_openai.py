"""The OpenAI-compatible engine against a loopback endpoint: good, slow, broken, refusing."""

import json
from typing import Any

import pytest
from aiohttp import web

from core.shop.meal import Meal, MealError, MealRequest, Shopper, Turn
from core.shop.meal.openai import OpenAIMealEngine, reply_schema
from tests.integration.shop.meal.chat_endpoint import ChatEndpoint, completion, failure, good, reply

REQUEST = MealRequest(
    prompt="전골 먹고 싶어", shopper=Shopper(name="민지", persona="채식을 즐겨요")
)


async def ask(endpoint: ChatEndpoint, request: MealRequest = REQUEST, timeout: float = 5.0) -> Meal:
    async with endpoint.running():
        engine = OpenAIMealEngine(
            base_url=endpoint.url, api_key="sk-test", model="m", timeout=timeout, backoff=0.01
        )
        try:
            return await engine.suggest(request)
        finally:
            await engine.close()


async def failing(endpoint: ChatEndpoint, timeout: float = 5.0) -> MealError:
    with pytest.raises(MealError) as raised:
        await ask(endpoint, timeout=timeout)
    assert "secret" not in raised.value.reason
    return raised.value


async def test_a_good_answer_is_matched_against_the_vocabulary() -> None:
    endpoint = ChatEndpoint(good())
    meal = await ask(endpoint)
    tofu, cabbage, unknown = meal.ingredients
    assert (tofu.key, tofu.quantity, tofu.unit.ja) == ("tofu", 1, "丁")
    assert (cabbage.key, cabbage.quantity, cabbage.unit.ko) == ("napa_cabbage", 0.25, "포기")
    assert (unknown.key, unknown.name.ja, unknown.unit.en) == (None, "トリュフオイル", "bottle")
    assert (meal.dish, meal.servings, meal.minutes) == (None, 2, 30)
    assert Meal.model_validate_json(meal.model_dump_json()) == meal


async def test_what_the_endpoint_is_sent() -> None:
    first = await ask(ChatEndpoint(good()))
    endpoint = ChatEndpoint(good())
    shopper = Shopper(
        name="佐藤花子", age=32, persona="두 아이의 엄마", extra={"allergies": ["새우"]}
    )
    await ask(
        endpoint,
        MealRequest(
            prompt="와인 추가",
            language="ja",
            history=(Turn(prompt="전골", meal=first),),
            shopper=shopper,
        ),
    )
    body = endpoint.calls[0]
    system, before, answered, now = body["messages"]
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert "in Japanese" in system["content"]
    assert "佐藤花子" in system["content"]
    assert "Never use anything with: shrimp" in system["content"]
    assert before["content"] == "전골"
    sent = json.loads(answered["content"])
    assert set(sent) == set(reply())
    assert set(sent["ingredients"][0]) == set(reply()["ingredients"][0])
    assert now["content"].startswith("페르소나: 두 아이의 엄마")
    assert now["content"].endswith("와인 추가")
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"] == reply_schema()
    assert body["model"] == "m"
    assert endpoint.keys == ["Bearer sk-test"]


def test_the_schema_is_one_that_strict_mode_takes() -> None:
    def check(schema: dict[str, Any]) -> None:
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert set(schema["required"]) == set(schema["properties"])
        assert not {"minimum", "exclusiveMinimum", "minLength", "default"} & set(schema)
        for inner in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]:
            check(inner)

    check(reply_schema())


async def test_a_slow_endpoint_is_a_timeout_after_three_attempts() -> None:
    endpoint = ChatEndpoint(5.0)
    error = await failing(endpoint, timeout=0.5)
    assert (error.reason, error.retryable) == ("upstream timeout", True)
    assert len(endpoint.calls) == 3


async def test_429_and_500_are_tried_again() -> None:
    endpoint = ChatEndpoint(failure(429), failure(503), good())
    assert (await ask(endpoint)).ingredients
    assert len(endpoint.calls) == 3


async def test_retry_after_is_honoured() -> None:
    endpoint = ChatEndpoint(failure(429, {"Retry-After": "0.5"}), good())
    await ask(endpoint)
    assert endpoint.times[1] - endpoint.times[0] >= 0.5


async def test_endless_500_and_lost_connections_are_unavailable() -> None:
    endpoint = ChatEndpoint(failure(500))
    error = await failing(endpoint)
    assert (error.reason, error.retryable) == ("upstream unavailable", True)
    assert len(endpoint.calls) == 3
    engine = OpenAIMealEngine(
        base_url=endpoint.url, api_key="k", model="m", timeout=1, backoff=0.01
    )
    with pytest.raises(MealError, match=r"^upstream unavailable$"):
        await engine.suggest(REQUEST)
    await engine.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_other_4xx_are_not_tried_again(status: int) -> None:
    endpoint = ChatEndpoint(failure(status))
    error = await failing(endpoint)
    assert (error.reason, error.retryable) == ("upstream refused", False)
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(
    "refusing",
    [completion(None, refusal="I can't help with that"), completion("", finish="content_filter")],
)
async def test_a_refusal_is_final(refusing: web.Response) -> None:
    error = await failing(ChatEndpoint(refusing))
    assert (error.reason, error.retryable) == ("upstream refused", False)


BROKEN = {
    "not JSON": completion("Sure! Here is a meal"),
    "cut JSON": completion(json.dumps(reply())[:200]),
    "missing keys": completion("{}"),
    "no ingredients": good(ingredients=[]),
    "empty title": good(recipe_title=" "),
    "quantity 0": good(ingredients=[reply()["ingredients"][0] | {"quantity": 0}]),
    "two languages": good(ingredients=[reply()["ingredients"][0] | {"name": {"ko": "두부"}}]),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_answer_is_sent_back_once(broken: str) -> None:
    endpoint = ChatEndpoint(BROKEN[broken], good())
    assert (await ask(endpoint)).ingredients
    assert endpoint.calls[1]["messages"][-1]["content"].startswith("Not valid: ")
    endpoint = ChatEndpoint(BROKEN[broken])
    error = await failing(endpoint)
    assert error.reason == "upstream gave an unreadable answer"
    assert len(endpoint.calls) == 2


@pytest.mark.parametrize(
    "answer",
    [
        completion(None),
        completion("", finish="stop"),
        completion(json.dumps(reply()), finish="length"),
        web.json_response({"hello": 1}),
        web.json_response({"choices": []}),
        web.Response(text="<html>", content_type="text/html"),
        web.Response(body=b"\xff{", content_type="application/json"),
    ],
    ids=["null", "empty", "cut off", "no choices", "zero choices", "html", "garbage"],
)
async def test_an_empty_cut_off_or_alien_answer_is_unreadable(answer: web.Response) -> None:
    error = await failing(ChatEndpoint(answer))
    assert error.reason == "upstream gave an unreadable answer"


async def test_a_code_fence_is_forgiven() -> None:
    assert await ask(ChatEndpoint(completion(f"```json\n{json.dumps(reply())}\n```")))


async def test_what_the_shopper_must_not_have_is_taken_out() -> None:
    def named(ko: str, en: str, ja: str) -> dict[str, Any]:
        name = {"ko": ko, "en": en, "ja": ja}
        return reply()["ingredients"][0] | {"name": name, "unit": {"ko": "g", "en": "g", "ja": "g"}}

    items = [
        *reply()["ingredients"],
        named("새우", "shrimp", "えび"),
        named("새우 페이스트", "shrimp paste", "えびペースト"),
        named("배추김치", "kimchi", "キムチ"),
        named("맥주", "beer", "ビール"),
    ]
    shopper = Shopper(age=15, persona="새우 알레르기가 있어요")
    request = MealRequest(prompt="아무거나", language="ko", shopper=shopper)
    meal = await ask(ChatEndpoint(good(ingredients=items)), request)
    assert [line.name.en for line in meal.ingredients] == ["tofu", "napa cabbage", "truffle oil"]
    assert "새우는 드시면 안 되는 재료" in meal.recommendation_message
    with pytest.raises(MealError, match="nothing the shopper may eat"):
        await ask(ChatEndpoint(good(ingredients=items[3:5])), request)
