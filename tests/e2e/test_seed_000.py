"""The shopping document's own examples, sections 1 to 4, against the running service.

tests/data/seeds holds them as they stand in the document. Each JSON example is compared with our
answer in the same state: its keys are all ours, with values of the same types, and the keys we
have beyond them are exactly those listed here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import wire
from tests.e2e.cases import Replies, surface_of
from tests.e2e.seed import (
    FOLDER,
    HEADERS,
    as_bytes,
    compare,
    endpoints,
    error_table,
    examples,
    read,
)
from tests.e2e.service import Service

REQUEST, KICK_OFF, LIST, RUNNING, COMPLETED, ROUND = range(6)
KICK_OFF_PATH, LIST_PATH, CHAT_PATH, ROUND_PATH = range(4)

HANGUL, KANA, LATIN = re.compile("[가-힣]"), re.compile("[ぁ-ヿ]"), re.compile("[A-Za-z]{2}")

# Keys that our answers have beyond the examples, and why.
# The example predates them: "pipeline_progress is always present", it is what clients poll for.
PROGRESS = "pipeline_progress"
# "쿠폰 스팟 … 매 폴링마다": coupon spots don't depend on the step.
SPOTS = "notifications.coupon_spot"


async def ask(
    service: Service, line: int, body: str = "", replaced: dict[str, str] | None = None, **ids: str
) -> tuple[int, Any]:
    """Status and body of a request whose first line stands in the document, and whose body may:
    sent into a socket with `ids` in its path and `replaced` put in."""
    put_in = {f"{{{name}}}": value for name, value in ids.items()} | (replaced or {})
    put_in["{SDK_KEY}"] = service.demo["SDK_KEY"]
    reply = await wire.send(service.url, as_bytes(f"{endpoints()[line]}\n{HEADERS}", body, put_in))
    return reply.status_code, reply.json()


def check(example: int, answer: Any, extra: set[str]) -> None:
    """Compare `data`, and what stands around it."""
    wanted = read(examples()[example])
    assert wanted.keys() == answer.keys() == {"success", "data"}
    assert wanted["success"] is answer["success"] is True
    found = compare(wanted["data"], answer["data"])
    assert not found.missing
    assert not found.other_types
    assert not found.nulls
    assert found.extra == {f"data.{path}" for path in extra}


def test_every_example_is_here() -> None:
    assert len(examples()) == 6
    assert endpoints() == [
        "POST /v1/chat/{profile_id}/recommend",
        "GET /v1/chat/{profile_id}/recommend",
        "GET /v1/chat/{profile_id}/recommend/{chat_id}",
        "GET /v1/chat/{profile_id}/recommend/{chat_id}/{round_id}",
    ]


def test_the_reader_reads_what_is_left_out() -> None:
    assert read('{"a": { ... }, "b": [ ... ], "c": ..., "d": {"e": "x", ... }, "...": "..."}') == {
        "a": {"...": "..."},
        "b": ["..."],
        "c": "...",
        "d": {"e": "x", "...": "..."},
        "...": "...",
    }


def test_the_comparison_can_fail() -> None:
    found = compare(
        {"a": 1, "b": None, "c": [{"d": "x"}], "e": [{"f": 1, "...": "..."}], "g": [], "j": 1},
        {"a": "1", "j": None, "c": [], "e": [{"f": 2.0, "h": 1}], "g": [1], "i": 1},
    )
    assert found.missing == ["data.b", "data.c[0]"]
    assert [text.split(":")[0] for text in found.other_types] == ["data.a", "data.e[0].f", "data.g"]
    assert found.extra == {"data.i"}
    assert found.nulls == {"data.j"}


async def test_section_1_kick_off(service: Service) -> None:
    """The request as it stands there, with a real id or without one."""
    profile_id = service.demo["PROFILE_ID"]
    body = examples()[REQUEST]
    assert read(body) == {"chat_id": "(Optional) UUID", "prompt": "오늘 저녁 카레 땡기는데"}
    first = {'  "chat_id": "(Optional) UUID",\n': ""}
    status, answer = await ask(service, KICK_OFF_PATH, body, first, profile_id=profile_id)
    assert status == 202
    check(KICK_OFF, answer, extra=set())

    chat_id = answer["data"]["chat_id"]
    await _last_round(service, profile_id, chat_id)
    next_one = {"(Optional) UUID": chat_id}
    status, answer = await ask(service, KICK_OFF_PATH, body, next_one, profile_id=profile_id)
    assert status == 202
    assert answer["data"]["chat_id"] == chat_id


async def test_section_2_list(replies: Replies) -> None:
    """Two chats, of which the first listed has two rounds."""
    service, profile_id = replies.service, replies.variables["LIST_PROFILE_ID"]
    status, answer = await ask(service, LIST_PATH, profile_id=profile_id)
    assert status == 200
    check(LIST, answer, extra=set())


async def test_section_3_in_progress(service: Service) -> None:
    """A round in its first step, of a profile that has all the summary shows."""
    caller = await service.caller(service.demo["SDK_KEY"])
    profile_id = await service.add_profile(caller, name="佐藤花子", gender="F", age=32, locale="ja")
    held = await service.hold_round(caller, profile_id, prompt="오늘 저녁 카레 땡기는데")
    chat_id = str(held.chat_id)
    status, answer = await ask(service, CHAT_PATH, profile_id=profile_id, chat_id=chat_id)
    assert status == 200
    check(RUNNING, answer, extra={f"rounds[].{SPOTS}"})

    wanted, data = read(examples()[RUNNING])["data"], answer["data"]
    assert data["profile_summary"] == wanted["profile_summary"]
    for key in ("round_no", "prompt", "status", "back_list_status", "pipeline_progress"):
        assert data["rounds"][0][key] == wanted["rounds"][0][key]


async def test_section_3_completed(service: Service) -> None:
    """The document's two sentences, both rounds completed."""
    wanted = read(examples()[COMPLETED])["data"]["rounds"]
    data = await _conversation(service, [round_["prompt"] for round_ in wanted])
    first = data["rounds"][0]
    check(
        COMPLETED,
        {"success": True, "data": data},
        extra={f"rounds[].{PROGRESS}"},
    )
    assert [r["prompt"] for r in data["rounds"]] == [r["prompt"] for r in wanted]
    assert (first["status"], first["back_list_status"]) == ("completed", "completed")
    assert "last_error" not in first

    # What the table of fields says beyond the shape.
    todos, notifications = first["todos"], first["notifications"]
    assert todos["total"] == sum(i["product"]["price"] * i["quantity"] for i in todos["items"])
    aisles = [_aisle(item["product"]["section_code"]) for item in todos["items"]]
    assert aisles == sorted(aisles)
    assert {i["reason"] for i in first["recommended_items"]} <= {"cross-sell", "upsell", "impulse"}
    assert 1 <= len(notifications["ad"]["items"]) <= 3
    assert {item["type"] for item in notifications["ad"]["items"]} == {"ads"}
    for kind in ("coupon", "coupon_spot"):
        assert {item["type"] for item in notifications[kind]} == {"coupon"}
        # "19 필드 schema": one decoder for both.
        assert {len(item) for item in notifications[kind]} == {20}
    for item in (*notifications["ad"]["items"], *notifications["coupon"]):
        product = item["product"]
        assert (item["item_id"], item["price"]) == (product["id"], product["price"])
        assert item["price_unit"] == product["price_unit"]
    ranks = [spot["rank"] for spot in notifications["coupon_spot"]]
    assert ranks == list(range(1, len(ranks) + 1))


async def test_section_4_one_round(service: Service) -> None:
    """Round 2 alone, the same as in its chat."""
    data = await _conversation(service, ["오늘 저녁 카레 땡기는데", "와인 추가"])
    ids = {"profile_id": data["profile_id"], "chat_id": data["chat_id"]}
    round_id = data["rounds"][1]["round_id"]
    status, answer = await ask(service, ROUND_PATH, round_id=round_id, **ids)
    assert status == 200
    check(ROUND, answer, extra={PROGRESS, SPOTS})
    assert answer["data"] == data["rounds"][1]


@pytest.mark.parametrize(
    ("locale", "script"),
    [("ko", HANGUL), ("ja", KANA), ("en", LATIN), ("fr", HANGUL), (None, HANGUL)],
)
async def test_the_language_of_the_answer(
    service: Service, locale: str | None, script: re.Pattern[str]
) -> None:
    """The profile's, else the tenant's (ko); what staff read is in all three, always."""
    caller = await service.caller(service.demo["SDK_KEY"])
    profile_id = await service.add_profile(caller, locale=locale)
    (round_,) = (await _conversation(service, ["카레"], profile_id))["rounds"]
    for key in ("recipe_title", "intro_message", "recipe_description", "recommendation_message"):
        text = round_["todos"][key]
        assert script.search(text), f"{key}: {text}"
        others = {HANGUL, KANA, LATIN} - {script, LATIN if script is not LATIN else None}
        assert not any(other.search(text) for other in others), f"{key}: {text}"
    scripts = {"ko": HANGUL, "en": LATIN}
    for item in (*round_["recommended_items"], *round_["notifications"]["coupon"]):
        for key in ("reason_detail", "reason_detail_marketing"):
            assert item[key].keys() == {"ko", "en", "ja"}
            assert all(item[key].values())
            assert all(scripts[at].search(item[key][at]) for at in scripts)
    for ingredient in round_["todos"]["ingredients"]:
        for key in ("name", "quantity_unit"):
            assert all(ingredient[key].values())


def test_the_error_table() -> None:
    """Each row is a reason of the contract, with its status."""
    ours = {(reason.http_status, reason.code) for reason in surface_of("/v1/").reasons.values()}
    assert len(error_table()) == 6
    assert set(error_table()) <= ours


def test_the_example_script(service: Service, tmp_path: Path) -> None:
    """The document's complete example as it stands there: only its host, key and profile differ.

    It needs curl and jq. Where there is no jq, a stand-in that can do the script's three filters
    takes its place; where there is no curl, the test is skipped.
    """
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    script = (FOLDER / "000_example.sh").read_text()
    assert script.count("https://api.ones1ght.com") == 4
    for old, new in {
        "https://api.ones1ght.com": service.url,
        'SDK_KEY="osk_..."': f'SDK_KEY="{service.demo["SDK_KEY"]}"',
        'PROFILE_ID="..."': f'PROFILE_ID="{service.demo["PROFILE_ID"]}"',
    }.items():
        assert old in script
        script = script.replace(old, new)
    path = os.environ["PATH"]
    if shutil.which("jq") is None:
        path = f"{_jq(tmp_path)}{os.pathsep}{path}"
    ran = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | {"PATH": path},
    )
    assert ran.returncode == 0, ran.stderr
    last_round, kick_off, listed = _json_values(ran.stdout)
    assert last_round["status"] == "completed"
    assert last_round["prompt"] == "오늘 저녁 카레 땡기는데"
    assert set(last_round["pipeline_progress"].values()) == {"done"}
    check(KICK_OFF, kick_off, extra=set())
    assert listed["data"]["pageInfo"] | {"total": 0} == {
        "total": 0,
        "page": 0,
        "limit": 20,
        "order": "desc",
    }
    newest = listed["data"]["items"][0]
    assert newest["chat_id"] == kick_off["data"]["chat_id"]
    assert [r["round_id"] for r in newest["rounds"]] == [
        last_round["round_id"],
        kick_off["data"]["round_id"],
    ]


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["-r", ".data.chat_id"], "c\n"),
        ([".data.rounds[-1]"], '{\n  "status": "끝"\n}\n'),
        (["-r", ".data.rounds[-1].status"], "끝\n"),
        (["-r", ".data.nothing"], "null\n"),
    ],
)
def test_the_jq_stand_in(tmp_path: Path, arguments: list[str], printed: str) -> None:
    """It prints what jq prints."""
    value = json.dumps({"data": {"chat_id": "c", "rounds": [{}, {"status": "끝"}]}})
    for jq in filter(None, (str(_jq(tmp_path) / "jq"), shutil.which("jq"))):
        ran = subprocess.run([jq, *arguments], input=value, capture_output=True, text=True)
        assert ran.stdout == printed, jq


def _jq(directory: Path) -> Path:
    """A directory with a program jq that is our stand-in."""
    program = directory / "jq"
    stand_in = Path(__file__).with_name("jq_stand_in.py")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return directory


def _json_values(text: str) -> list[Any]:
    """The JSON values that were printed one after another."""
    decoder, values, rest = json.JSONDecoder(), [], text.lstrip()
    while rest:
        value, end = decoder.raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


async def _last_round(service: Service, profile_id: str, chat_id: str) -> Any:
    """Poll the chat as the document says until its last round is over; the chat."""
    for _ in range(300):
        _, answer = await ask(service, CHAT_PATH, profile_id=profile_id, chat_id=chat_id)
        last = answer["data"]["rounds"][-1]
        if last["status"] != "in_progress":
            assert last["status"] == "completed", last
            return answer["data"]
        await asyncio.sleep(0.1)
    raise AssertionError(f"the round is not over: {last}")


async def _conversation(service: Service, prompts: list[str], profile_id: str = "") -> Any:
    """A chat of these sentences, each asked when the one before is answered."""
    profile_id, body = profile_id or service.demo["PROFILE_ID"], {}
    for prompt in prompts:
        body["prompt"] = prompt
        _, answer = await ask(service, KICK_OFF_PATH, json.dumps(body), profile_id=profile_id)
        body["chat_id"] = answer["data"]["chat_id"]
        chat = await _last_round(service, profile_id, body["chat_id"])
    return chat


def _aisle(code: str) -> int:
    """Place of a section in the order of the document."""
    order = [{"PR"}, {"DL"}, {"BK", "SW", "SN"}, {"AL"}, {"DY", "DR"}]
    order += [{"PA"}, {"MT"}, {"FI"}, {"FR"}]
    return next((place for place, codes in enumerate(order) if code in codes), len(order))
