"""Which mission is suggested."""

import unicodedata
import uuid
from typing import Any

import pytest

from core.room.mission.choose import (
    DECLINED_DAYS,
    DONE_DAYS,
    TASTE_DAYS,
    Candidate,
    Past,
    choose,
    same,
)


def candidate(content: str, category: str = "청소") -> Candidate:
    return Candidate(uuid.uuid5(uuid.NAMESPACE_OID, content), content, category)


FLOOR, WINDOW = candidate("방 청소"), candidate("창문 닦기")
LAUNDRY, IRON = candidate("빨래 개기", "빨래"), candidate("셔츠 다리기", "빨래")
ALL = [FLOOR, WINDOW, LAUNDRY, IRON]


def done(one: Candidate, days: int) -> Past:
    return Past(one.id, one.category, days, done=True)


def declined(one: Candidate, days: int) -> Past:
    return Past(one.id, one.category, days, done=False)


def order(candidates: list[Candidate], past: list[Past], seed: str = "") -> list[Candidate]:
    """The suggestions, one after the other, when each is put on the list."""
    listed: list[str] = []
    chosen = []
    while (one := choose(candidates, past, listed, seed)) is not None:
        chosen.append(one)
        listed.append(one.content)
    return chosen


def test_nothing_registered() -> None:
    assert choose([], [], [], "") is None


def test_what_is_on_the_list_is_not_suggested() -> None:
    # As one may write it oneself: other case and spaces, and composed or not.
    written = unicodedata.normalize("NFD", "  방   청소\t")
    assert choose([FLOOR, WINDOW], [], [written], "") == WINDOW
    assert choose([FLOOR], [], [written], "") is None
    assert same(" TV  닦기") == same("tv 닦기")
    assert same("방청소") != same("방 청소")


def test_ties_are_drawn_the_same_for_the_same_seed_only() -> None:
    first = {seed: choose(ALL, [], [], seed) for seed in map(str, range(50))}
    assert first == {seed: choose(ALL[::-1], [], [], seed) for seed in first}
    assert set(first.values()) == set(ALL)


@pytest.mark.parametrize(("past", "days"), [(done, DONE_DAYS), (declined, DECLINED_DAYS)])
def test_what_was_done_or_declined_lately_goes_last(past: Any, days: Any) -> None:
    for seed in map(str, range(10)):
        assert order([FLOOR, LAUNDRY], [past(FLOOR, days)], seed)[-1] == FLOOR
    # Of one category, so that nothing else tells them apart.
    first = {
        choose([FLOOR, WINDOW], [past(FLOOR, days + 1)], [], seed) for seed in map(str, range(20))
    }
    assert first == {FLOOR, WINDOW}


def test_a_category_rises_by_what_is_done_and_falls_by_what_is_declined() -> None:
    for seed in map(str, range(10)):
        assert order(ALL, [done(FLOOR, 10)], seed)[:2] in ([FLOOR, WINDOW], [WINDOW, FLOOR])
        assert order(ALL, [declined(FLOOR, 10)], seed)[2:] in ([FLOOR, WINDOW], [WINDOW, FLOOR])
    both = [done(FLOOR, 10), declined(WINDOW, 10)]
    assert {choose(ALL, both, [], seed) for seed in map(str, range(50))} == set(ALL)


def test_what_is_long_ago_does_not_count() -> None:
    past = [done(FLOOR, TASTE_DAYS + 1), declined(LAUNDRY, TASTE_DAYS + 1)]
    assert {choose(ALL, past, [], seed) for seed in map(str, range(50))} == set(ALL)


def test_no_category_rises_or_falls_without_end() -> None:
    liked = [done(FLOOR, 10)] * 3
    assert order(ALL, liked + liked, "1") == order(ALL, liked, "1")
    # Declined once more than three times, and the next thing done counts in full.
    past = [done(FLOOR, 10)] * 5 + [done(LAUNDRY, 10)] * 3
    assert {choose(ALL, past, [], seed) for seed in map(str, range(50))} == set(ALL)
