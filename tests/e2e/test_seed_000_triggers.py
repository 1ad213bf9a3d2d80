"""The shopping document's sections 5 to 7 against the running service, over REST.

The requests are sent into a socket as they stand there with real ids put in: of chat and round, and
of the item where the round must have it. Answers have the document's keys, those and no others.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e import wire
from tests.e2e.cases import Replies
from tests.e2e.seed import HEADERS, as_bytes, compare
from tests.integration.shop.trigger.trigger_help import SEED, example_texts, examples

ENTER, EXIT, EXIT_ANSWER, OVERRIDE, ENTER_ANSWER = range(5)
COUPON, COUPON_WHOLE, COUPON_ANSWER, RECOMMEND, RECOMMEND_ANSWER = range(5, 10)


def heads() -> list[str]:
    """The first lines of the requests of sections 5 to 7, in order."""
    pattern = r"^POST /v1/\S+\n" + re.escape(HEADERS) + "$"
    return re.findall(pattern, SEED.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("path", "request_", "answer", "item"),
    [
        (0, ENTER, ENTER_ANSWER, ""),
        (0, EXIT, EXIT_ANSWER, ""),
        (0, OVERRIDE, ENTER_ANSWER, ""),
        (1, COUPON, COUPON_ANSWER, "COUPON_REC_ID"),
        (1, COUPON_WHOLE, COUPON_ANSWER, ""),
        (2, RECOMMEND, RECOMMEND_ANSWER, "REC_ID"),
    ],
)
async def test_a_documented_request(
    replies: Replies, path: int, request_: int, answer: int, item: str
) -> None:
    service, known = replies.service, replies.variables
    head, body = heads()[path], example_texts()[request_]
    put_in = {
        "{profile_id}": known["LIST_PROFILE_ID"],
        "{SDK_KEY}": known["SDK_KEY"],
        "c_91ab": known["CHAT_ID"],
        "r_77fe": known["ROUND_ID"],
    }
    if item:
        put_in[json.loads(body)["rec_id"]] = known[item]
    reply = await wire.send(service.url, as_bytes(head, body, put_in))
    assert reply.status_code == 202, reply.text
    found = compare(examples()[answer], reply.json())
    assert (found.missing, found.other_types, found.extra, found.nulls) == ([], [], set(), set())
    data = reply.json()["data"]
    ids = data["event_ids"] if "event_ids" in data else [data["event_id"]]
    assert all(one.startswith("evt_") for one in ids)
    assert bool(ids) == (request_ != EXIT)
