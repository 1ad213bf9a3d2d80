"""What a product's name and section imply that it contains.

The vocabulary knows ingredients; this adds what is made of them: 카페라떼 is milk, tonkatsu is
pork, wheat and egg. Rather too much than too little, for somebody may be allergic. The words are in
`data/contents.yaml`, together with the phrases that only look so (코코넛밀크, eggplant, すいか).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.shop.catalogue.search import normalise
from core.shop.meal.catalogue import catalogue, read_data
from core.shop.meal.models import LANGUAGES


@functools.lru_cache(maxsize=100_000)
def contents(*names: str, section: str = "") -> frozenset[str]:
    """Return the terms (see Constraints) of all that a product with these names may contain.

    `names` are one product's, in any language; a term is "mango", "group:pork", "allergen:milk".
    A tenth of a millisecond, remembered, since every round asks again for the same products.
    """
    known = _words()
    found = set(known.sections.get(section, ()))
    absent: set[str] = set()
    for name in names:
        present, without = known.read(_spaced(name))
        found |= present
        absent |= without
    return _shared(frozenset(found - absent))


@functools.lru_cache(maxsize=20_000)
def _shared(terms: frozenset[str]) -> frozenset[str]:
    """Return the first of equal sets: the products of a store share a few hundred."""
    return terms


@functools.lru_cache(maxsize=10_000)
def named(word: str) -> frozenset[str]:
    """Return the terms that a word names in any language; none when it is not known."""
    return frozenset(_words().terms.get(_spaced(word).strip(), ()))


def _spaced(text: str) -> str:
    """Write words in lower case and, in English, in the singular, with a space at either end."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = filter(None, re.split(r"[\W_]+", folded))
    return f" {' '.join(normalise(word) if word.isascii() else word for word in words)} "


@dataclass(frozen=True, slots=True)
class _Words:
    """Words by how they are to be read, each with the terms it stands for."""

    terms: Mapping[str, frozenset[str]]  # what is a name of the vocabulary's
    counted: Mapping[str, frozenset[str]]
    opened: Mapping[str, frozenset[str]]  # beside these, unless a longer word covers it
    only: Mapping[str, frozenset[str]]
    without: Mapping[str, frozenset[str]]
    lengths: Mapping[str, tuple[int, ...]]  # of the words with this first character, longest first
    anywhere: frozenset[str]
    beginning: frozenset[str]
    alone: frozenset[str]
    sections: Mapping[str, frozenset[str]]

    def read(self, text: str) -> tuple[set[str], set[str]]:
        """Return the terms that a text implies, and those that it says are not in it."""
        spans = list(self._spans(text))
        alone: list[tuple[int, int]] = []  # phrases that hide the words inside
        for start, end in spans:
            if text[start:end] in self.only and (not alone or start >= alone[-1][1]):
                alone.append((start, end))
        found: set[str] = set()
        absent: set[str] = set()
        for start, end in spans:
            word = text[start:end]
            absent |= self.without.get(word, frozenset())
            if (start, end) in alone:
                found |= self.only[word]
            elif not _within(start, end, alone):
                covered = _within(start, end, spans)
                if len(word) > 1 or word in self.anywhere or not "가" <= word <= "힣":
                    counts = True
                else:  # one Korean syllable: chance finds it in many words
                    counts = not covered and self._stands(text, start, word)
                if counts:
                    found |= self.counted.get(word, frozenset())
                if not covered:
                    found |= self.opened.get(word, frozenset())
        return found, absent

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Find where known words are, by beginning, the longer first."""
        for start, first in enumerate(text):
            if first.isascii() and text[start - 1] != " ":
                continue
            for length in self.lengths.get(first, ()):
                word = text[start : start + length]
                if len(word) < length or not self._knows(word):
                    continue
                if word.isascii() and text[start + length] != " ":
                    continue
                yield start, start + length

    def _knows(self, word: str) -> bool:
        return word in self.counted or word in self.only or word in self.without

    def _stands(self, text: str, at: int, syllable: str) -> bool:
        """Tell whether a Korean word of one syllable is one at this place."""
        begins, ends = text[at - 1] == " ", text[at + 1] == " "
        if syllable in self.alone:
            return begins and ends
        return ends or (begins and syllable in self.beginning)


def _within(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    """Tell whether one of the spans is longer and holds this one."""
    return any(s <= start and end <= e and e - s > end - start for s, e in spans)


@functools.cache
def _words() -> _Words:
    data = read_data("contents.yaml")
    vocabulary = catalogue()
    allergens = set(vocabulary.allergens)
    groups = set(vocabulary.groups)
    for ingredient in vocabulary.ingredients.values():
        allergens |= ingredient.allergens
        groups |= ingredient.groups
    implied: Mapping[str, list[str]] = data["implies"]

    def spelled(names: Iterable[str]) -> frozenset[str]:
        """Return the terms of these names and of what follows from them."""
        all_names, todo = set(names), list(names)
        while todo:
            for name in implied.get(todo.pop(), ()):
                if name not in all_names:
                    all_names.add(name)
                    todo.append(name)
        terms = {f"allergen:{name}" for name in all_names & allergens}
        terms |= {f"group:{name}" for name in all_names & groups}
        return frozenset(terms | (all_names & vocabulary.ingredients.keys()))

    terms: defaultdict[str, set[str]] = defaultdict(set)
    counted: defaultdict[str, set[str]] = defaultdict(set)
    opened: defaultdict[str, set[str]] = defaultdict(set)
    for key, ingredient in vocabulary.ingredients.items():
        names = [ingredient.name.in_language(language) for language in LANGUAGES]
        for word in _forms(names, *ingredient.synonyms.values()):
            terms[word].add(key)
            counted[word] |= {key} | spelled(ingredient.allergens)
            counted[word] |= {f"group:{group}" for group in ingredient.groups}
    for kind, named_things in (("group", vocabulary.groups), ("allergen", vocabulary.allergens)):
        for name, by_language in named_things.items():
            for word in _forms(*by_language.values()):
                terms[word].add(f"{kind}:{name}")
                counted[word] |= spelled([name])
                opened[word] |= spelled(data["opens"].get(name, ()))
    for row in data["made"]:
        for word in _forms(*(row.get(language, ()) for language in LANGUAGES)):
            counted[word] |= spelled(row["contains"])
    exact: dict[str, defaultdict[str, set[str]]] = {}
    for kind in ("only", "without"):
        exact[kind] = defaultdict(set)
        for row in data[kind]:
            for word in _forms(*(row.get(language, ()) for language in LANGUAGES)):
                exact[kind][word] |= spelled(row["contains"])
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for word in (*counted, *exact["only"], *exact["without"]):
        lengths[word[0]].add(len(word))
    return _Words(
        terms={word: frozenset(found) for word, found in terms.items()},
        counted={word: frozenset(found) for word, found in counted.items()},
        opened={word: frozenset(found) for word, found in opened.items() if found},
        only={word: frozenset(found) for word, found in exact["only"].items()},
        without={word: frozenset(found) for word, found in exact["without"].items()},
        lengths={first: tuple(sorted(of, reverse=True)) for first, of in lengths.items()},
        anywhere=frozenset(data["anywhere"]),
        beginning=frozenset(data["beginning"]),
        alone=frozenset(data["alone"]),
        sections={code: spelled(names) for code, names in data["sections"].items()},
    )


def _forms(*lists: Iterable[str]) -> set[str]:
    """Spell words as names may: the Korean and Japanese ones with and without spaces."""
    words = {_spaced(word).strip() for some in lists for word in some}
    return words | {word.replace(" ", "") for word in words if not word.isascii()}
