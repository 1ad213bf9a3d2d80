"""Which registered mission to suggest: a pure function of what the person did and declined lately.

docs/room/mission.md says the rules in words.
"""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Days, today not counted, that a mission declined or done goes behind all others.
DECLINED_DAYS = 7
DONE_DAYS = 3
# Days that count for how much the person likes a category, and how much a category can gain or
# lose: the favourite is suggested more often, and no category is shut out for good.
TASTE_DAYS = 28
MOST_TASTE = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered mission that may be suggested."""

    id: uuid.UUID
    content: str
    category: str


@dataclass(frozen=True, slots=True)
class Past:
    """What became of a registered mission: done, or suggested in vain. `days` is how long ago."""

    mission_id: uuid.UUID
    category: str
    days: int
    done: bool


def choose(
    candidates: Sequence[Candidate],
    past: Sequence[Past],
    listed: Sequence[str],
    seed: str,
) -> Candidate | None:
    """Return the mission to suggest; None when every one of them is on the list already.

    `listed` are the contents on today's list. The same `seed` draws ties in the same way.
    """
    taken = {same(content) for content in listed}
    free = [one for one in candidates if same(one.content) not in taken]
    lately = {
        one.mission_id for one in past if one.days <= (DONE_DAYS if one.done else DECLINED_DAYS)
    }
    taste: Counter[str] = Counter()
    for one in past:
        if one.days <= TASTE_DAYS:
            taste[one.category] += 1 if one.done else -1

    def rank(one: Candidate) -> tuple[bool, int, bytes]:
        liked = max(-MOST_TASTE, min(MOST_TASTE, taste[one.category]))
        draw = hashlib.sha256(f"{seed}/{one.id}".encode()).digest()
        return one.id in lately, -liked, draw

    return min(free, key=rank, default=None)


def same(content: str) -> str:
    """Return what contents share that are the same but for case and spaces."""
    return " ".join(unicodedata.normalize("NFC", content).casefold().split())
