"""Ingredient name -> products, without guessing.

A product serves an ingredient when one of its search terms, or its whole name, is the
ingredient's name ("exact"), or when its name ends in it once sizes are off ("head": 국산콩
두부 300g is 두부). Korean, English and Japanese names all say at their end what a thing is;
the words in front describe it, so 우유 식빵 is bread and 참깨 드레싱 is no sesame. Parts of a
word never count: 파 finds neither 파스타 nor 양파.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_SIZE = re.compile(r"[\d.,]+[^\W\d]{0,4}([x×*][\d.,]+[^\W\d]{0,4})?")
_COUNT = re.compile(
    r"(?<!\S)[\d.,]+\s+(kg|g|ml|l|pcs?|packs?|ea|ct|개|개입|입|個|枚)(?!\S)", re.IGNORECASE
)
_BRACKETS = re.compile(r"\([^)]*\)|\[[^]]*\]")
_EXACT, _HEAD = 2, 1


class Entry(NamedTuple):
    """What the index knows of a product."""

    id: int
    names: Sequence[str | None]
    terms: Sequence[str]
    in_stock: bool


class SearchIndex:
    """Products of one store by the names they answer to. Holds ids only."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index the entries. Of two equally good products the earlier entry comes first."""
        self._exact: defaultdict[str, set[int]] = defaultdict(set)
        self._head: defaultdict[str, set[int]] = defaultdict(set)
        self._ids: list[int] = []
        self._in_stock: list[bool] = []
        for place, entry in enumerate(entries):
            self._ids.append(entry.id)
            self._in_stock.append(entry.in_stock)
            for term in entry.terms:
                self._exact[normalise(term)].add(place)
            for name in entry.names:
                if not name:
                    continue
                self._exact[normalise(name)].add(place)
                words = _words(name)
                for first in range(len(words)):
                    self._head["".join(words[first:])].add(place)
        for index in (self._exact, self._head):
            index.pop("", None)
            index.default_factory = None

    def find(self, names: Iterable[str], limit: int) -> list[int]:
        """Ids for one thing called `names` (one per language, empty ones ignored), best first.

        Best is in stock, then exact, then named so in more languages: "pepper" alone is too
        weak a hint when another product also answers to 후추. In-stock products weaker than the
        best in-stock one are left out, for they may be something else.
        """
        scores: dict[int, list[int]] = {}
        for key in {normalise(name) for name in names} - {""}:
            exact = self._exact.get(key, set())
            for place in exact:
                scores.setdefault(place, [_HEAD, 0])[0] = _EXACT
            for place in exact | self._head.get(key, set()):
                scores.setdefault(place, [_HEAD, 0])[1] += 1
        best = max((score for place, score in scores.items() if self._in_stock[place]), default=[])
        kept = [
            place
            for place, score in scores.items()
            if score >= best and (score == best or not self._in_stock[place])
        ]
        kept.sort(key=lambda p: (not self._in_stock[p], [-part for part in scores[p]], p))
        return [self._ids[place] for place in kept[:limit]]


def normalise(text: str) -> str:
    """The text as a key: case, width, spaces, punctuation and English plurals don't count."""
    return "".join(_split(text))


def _words(name: str) -> list[str]:
    """The words of a product name but for sizes ("300g", "10구", "4 pcs") and bracketed remarks."""
    text = _COUNT.sub(" ", _BRACKETS.sub(" ", unicodedata.normalize("NFKC", name)))
    return _split(" ".join(word for word in text.split() if not _SIZE.fullmatch(word)))


def _split(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_singular(word) for word in re.split(r"[\W_]+", folded) if word]


def _singular(word: str) -> str:
    if not word.isascii() or len(word) < 4 or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("oes", "shes", "ches", "xes")):
        return word[:-2]
    return word.removesuffix("s")
