"""Reads what a shopper asks for out of a sentence in Korean, English or Japanese.

Words are found first (lexicon.py), then each word's role is read off its surroundings: Korean and
Japanese say it after the word ("두부 말고", "豆腐抜き"), English before ("without tofu"). How each
language says it is data (patterns/). Words joined by "and" share the role of the last (Korean,
Japanese) or the first (English).
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from core.shop.meal import allergies
from core.shop.meal.catalogue import Catalogue
from core.shop.meal.lexicon import Lexicon, Match, normalize
from core.shop.meal.models import Swap
from core.shop.meal.patterns import english as en
from core.shop.meal.patterns import japanese as ja
from core.shop.meal.patterns import korean as ko

MAX_SERVINGS = 20
WON_PER_YEN = 9.5
WON_PER_DOLLAR = 1400


@dataclass(slots=True)
class Asked:
    """What one text asks for; terms as in Constraints, plus "tag:…" and "dish:…" in `excluded`."""

    titles: list[str] = field(default_factory=list)  # dishes named outright
    dishes: list[str] = field(default_factory=list)  # dishes an alias may mean
    kinds: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)  # the usual dish of such a kind
    moods: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    at_hand: list[str] = field(default_factory=list)  # those of `wanted` the shopper has already
    excluded: list[str] = field(default_factory=list)
    allergies: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)  # "땅콩 알레르기는 없어", as allergies
    diets: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    swap_to: list[str] = field(default_factory=list)  # "닭고기로 바꿔줘": what to, not what for
    another: bool = False
    servings: int | None = None
    odd_servings: bool = False  # a number nobody cooks for was said
    back: int | None = None  # "처음 거로 할게": the suggestion of that round, from 1
    minutes: int | None = None
    budget: int | None = None
    budget_each: bool = False
    rest: str = ""  # the text without what is excluded, for the vector search

    @property
    def says_what(self) -> bool:
        """Tell whether it says anything about what to eat."""
        return bool(self.titles or self.dishes or self.kinds or self.moods or self.wanted)


EXTRAS = frozenset({"drink", "drinkalcohol", "snack", "dessert"})

# What may be said in any of the languages.
_GOES_WITH = re.compile(f"{ko.GOES_WITH}|{ja.GOES_WITH}|{en.GOES_WITH}")
_ANOTHER = re.compile(f"{ko.ANOTHER}|{ja.ANOTHER}|{en.ANOTHER}")
_NUMBERS = ko.NUMBERS | ja.NUMBERS | en.NUMBERS
_SERVINGS = (*ko.SERVINGS, *ja.SERVINGS, *en.SERVINGS)
_ORDINALS = ko.ORDINALS | ja.ORDINALS | en.ORDINALS
_BACK = re.compile(f"{ko.BACK}|{ja.BACK}|{en.BACK}")
_HEADCOUNTS_BY_LANGUAGE = (ko.HEADCOUNTS, ja.HEADCOUNTS, en.HEADCOUNTS)
_HEADCOUNTS = tuple(
    (
        number,
        re.compile("|".join(each[number] for each in _HEADCOUNTS_BY_LANGUAGE if number in each)),
    )
    for number in (2, 3, 4, 1)
)
_MINUTES = re.compile(rf"(?<!\d)(\d{{1,3}})\s*(?:{ko.MINUTES}|{ja.MINUTES}|{en.MINUTES})")
_HOURS = re.compile(
    rf"(\d(?:\.5)?|{ko.HOUR_COUNTS}|{en.HOUR_COUNTS})\s*-?\s*"
    rf"(?:{ko.HOURS}|{ja.HOURS}|{en.HOURS})({ko.HALF_MORE}|{ja.HALF_MORE})?"
)
_PART_HOURS = ko.PART_HOURS | en.PART_HOURS
_MONEY_CUE = re.compile(f"{ko.MONEY_CUE}|{ja.MONEY_CUE}")
_EACH = re.compile(f"{ko.EACH}|{ja.EACH}|{en.EACH}")
_PART_END = re.compile(rf"[.。!?,、;\n]|{ko.PART_ENDS}|{en.PART_ENDS}")


class Parser:
    def __init__(self, catalogue: Catalogue, lexicon: Lexicon) -> None:
        self._catalogue = catalogue
        self._lexicon = lexicon

    def parse(self, raw: str, *, followup: bool = False) -> Asked:
        """Read one sentence. In a follow-up "와인도" adds to the meal that is there already."""
        text = normalize(raw)
        asked = Asked()
        matches = self._lexicon.find(text)
        roles = self._roles(text, matches, followup)
        cut: list[tuple[int, int]] = []
        self._read_swaps(text, matches, roles, asked)
        for index, match in enumerate(matches):
            role = roles[index]
            if role == "allergy":
                asked.allergies += self._allergy_terms(match)
            elif role == "denied":
                asked.denied += self._allergy_terms(match)
            elif role == "hard":
                asked.allergies += self._hard_terms(match)
                asked.excluded += _excluded(match)
            elif role == "out":
                asked.excluded += _excluded(match)
            elif role == "add":
                asked.added += self._picks(match)
            elif role == "to":
                asked.swap_to += match.values("term")
            elif (
                role == "" or (role == "have" and text[: match.start].endswith("with "))
            ) and self._is_extra(text, match):
                asked.added += self._picks(match)
            elif role == "have":
                asked.wanted += match.values("term")[:1]
                asked.at_hand += match.values("term")[:1]
                if not match.values("term"):
                    _positive(match, asked)
            elif role == "" and self._goes_with(text, match):
                asked.moods.append("drinking")  # "와인이랑 먹기 좋은 요리"
            elif role == "":
                _positive(match, asked)
            if role in ("allergy", "denied", "hard", "out", "drop"):
                cut.append((match.start, _sentence_part_end(text, match.end)))
        for name in (
            "titles",
            "dishes",
            "kinds",
            "moods",
            "wanted",
            "excluded",
            "allergies",
            "diets",
            "added",
        ):
            setattr(asked, name, list(dict.fromkeys(getattr(asked, name))))
        asked.another = bool(_ANOTHER.search(text))
        asked.servings, asked.odd_servings = _servings(text)
        asked.back = _back(text)
        asked.minutes = _minutes(text)
        asked.budget, asked.budget_each = _budget(text)
        asked.rest = _without(text, cut)
        return asked

    def _roles(self, text: str, matches: Sequence[Match], followup: bool) -> list[str]:
        roles = [self._role(text, match, followup) for match in matches]
        after = [*matches[1:], None]
        # Korean and Japanese lists take the role of their last word.
        for index in range(len(matches) - 2, -1, -1):
            following = after[index]
            if roles[index] in ("", "add") and following is not None:
                between = text[matches[index].end : following.start]
                joined: object = between.strip() and (
                    ko.JOIN.fullmatch(between) or ja.JOIN.fullmatch(between)
                )
                if following.surface.isascii() and matches[index].surface.isascii():
                    joined = roles[index + 1] == "allergy" and en.JOIN.fullmatch(between)
                if joined and roles[index + 1] in ("out", "hard", "allergy", "add", "have"):
                    if matches[index].values("term", "kind", "dish", "title"):
                        roles[index] = roles[index + 1]
                elif not between.strip() and not matches[index].surface.isascii():
                    if roles[index + 1] == "allergy":
                        roles[index] = "allergy"
                    elif roles[index + 1] in ("out", "hard") and matches[index].values("mood"):
                        roles[index] = "drop"  # "매운 파스타 말고": what is hot about it is out too
        # English lists take the role of their first word.
        for index in range(1, len(matches)):
            if roles[index] in ("", "have") and matches[index].surface.isascii():
                between = text[matches[index - 1].end : matches[index].start]
                listed = en.JOIN.fullmatch(between) and en.LIST.search(between)
                if listed and roles[index - 1] in ("out", "hard", "allergy", "add"):
                    roles[index] = roles[index - 1]
        allergies.mark(text, matches, roles)
        return roles

    def _role(self, text: str, match: Match, followup: bool) -> str:
        if match.values("diet"):
            return ""
        after, before = text[match.end :], text[: match.start]
        if match.surface.isascii():
            if en.ALLERGY_AFTER.match(after) or en.ALLERGIC.search(before):
                return "allergy"
            if en.HAVENT.search(before):
                return "out"
            if en.HARD.search(before):
                return "hard"
            if en.HARD_AFTER.match(after) or en.AVOID.search(before):
                return "hard"
            if en.OUT.search(before) or en.FREE.match(after):
                return "out"
            if self._picks(match) and (en.ADD.search(before) or en.ALSO.match(after)):
                return "add"
            return "have" if match.values("term") and en.HAVE.search(before) else ""
        if ko.ONLY.match(after) or ja.ONLY.match(after):
            return "have"  # "달걀밖에 없어": there is nothing else
        if ko.ALLERGY.match(after) or ja.ALLERGY.match(after):
            return "allergy"
        if ko.HARD.match(after) or ja.HARD.match(after):
            return "hard"
        if ko.OUT_BECAUSE.match(after):
            return "out"
        if ko.OUT.match(after) or ja.OUT.match(after):
            return "out"
        if not match.values("term") and not self._picks(match):
            return ""
        if ko.ADD.match(after) or ja.ADD.match(after):
            return "add"
        if followup and (ko.MORE.match(after) or ja.MORE.match(after)):
            return "add"
        if followup and (ko.ALSO.match(after) or ja.ALSO.match(after)):
            return "add"
        if followup and (ko.TO.match(after) or ja.TO.match(after)):
            return "to"
        if followup and not after.strip(" .!?。~") and not before.strip():
            return "add"  # "와인" and nothing else
        return "have" if ko.HAVE.match(after) or ja.HAVE.match(after) else ""

    def _read_swaps(
        self, text: str, matches: Sequence[Match], roles: list[str], asked: Asked
    ) -> None:
        """Read "X 대신 Y", "Xの代わりにY", "Y instead of X", "replace X with Y", "X를 Y로 바꿔"."""
        for index, (left, right) in enumerate(pairwise(matches)):
            old_terms, new_terms = left.values("term"), right.values("term")
            between = text[left.end : right.start]
            if en.SWAP_BETWEEN.fullmatch(between) and left.surface.isascii():
                old, new = index + 1, index
            elif (
                ko.SWAP.fullmatch(between)
                or ja.SWAP.fullmatch(between)
                or ((ko.FROM_TO.fullmatch(between)) and ko.CHANGE.match(text[right.end :]))
                or (ja.FROM_TO.fullmatch(between) and ja.CHANGE.match(text[right.end :]))
                or (en.REPLACE.search(text[: left.start]) and en.WITH.fullmatch(between))
            ):
                old, new = index, index + 1
            else:
                continue
            if roles[new] in ("out", "hard", "allergy"):
                continue
            if ko.OTHER.match(text[matches[new].start - 3 : matches[new].start]):
                continue
            if old_terms and new_terms:
                was, becomes = (left, right) if old == index else (right, left)
                swap = Swap(old=_broadest(was), new=_broadest(becomes))
                asked.swaps.append(swap)
                # "Swap the drink for tea": tea is a drink as well, so drinks aren't out.
                inside = self._is_inside(swap.new, swap.old)
                roles[old], roles[new] = "swapped" if inside else "out", "swapped"
            elif left.values("title", "dish", "kind"):
                roles[old], roles[new] = "out", ""

    def allergens_of(self, term: str) -> tuple[str, ...]:
        """Return the allergens that a term stands for."""
        return self._catalogue.allergy_of.get(term, ())

    def _is_inside(self, term: str, group: str) -> bool:
        ingredient = self._catalogue.ingredients.get(term)
        return ingredient is not None and ingredient.is_a(group)

    def _allergy_terms(self, match: Match) -> list[str]:
        terms: list[str] = [f"allergen:{name}" for name in match.values("allergen")]
        for term in match.values("term"):
            terms += [term, *self._stands_for(term, whole=True)]
        return terms

    def _hard_terms(self, match: Match) -> list[str]:
        """Return the terms of "못 먹어요": as hard as an allergy, which may well be the reason."""
        terms = []
        for term in match.values("term"):
            terms += [term, *self._stands_for(term, whole=False)]
        return terms + [f"allergen:{name}" for name in match.values("allergen")]

    def _stands_for(self, term: str, *, whole: bool) -> list[str]:
        """Return the allergens a term means; with `whole` all it holds when no table says which."""
        names = self._catalogue.allergy_of.get(term)
        if names is None and whole and term in self._catalogue.ingredients:
            names = tuple(sorted(self._catalogue.ingredients[term].allergens))
        return [f"allergen:{name}" for name in names or ()]

    def _is_extra(self, text: str, match: Match) -> bool:
        """Tell a drink or sweet that goes with the meal ("파전에 막걸리") from one it goes with."""
        if match.values("title", "dish", "kind", "mood", "diet"):
            return False
        return self._of_extras(match) and not _GOES_WITH.match(text[match.end :])

    def _goes_with(self, text: str, match: Match) -> bool:
        return self._of_extras(match) and bool(_GOES_WITH.match(text[match.end :]))

    def _of_extras(self, match: Match) -> bool:
        keys = self._picks(match)
        return bool(keys) and bool(self._catalogue.ingredients[keys[0]].groups & EXTRAS)

    def _picks(self, match: Match) -> list[str]:
        terms = match.values("term")
        keys = [term for term in terms if ":" not in term]
        if keys:
            return keys[:1]
        groups = [*(term.removeprefix("group:") for term in terms), *match.values("kind")]
        return [self._catalogue.picks[group] for group in groups if group in self._catalogue.picks]


def _broadest(match: Match) -> str:
    terms = match.values("term")
    return next((term for term in terms if term.startswith("group:")), terms[0])


def _excluded(match: Match) -> list[str]:
    terms = list(match.values("term"))
    # "Without gluten" and "밀가루 빼고" mean wheat wherever it hides.
    terms += [f"allergen:{a}" for a in match.values("allergen") if a == "wheat" or not terms]
    kinds = match.values("kind", "mood")
    terms += [f"tag:{tag}" for tag in kinds]
    dishes = match.values("title") if kinds else match.values("title", "dish")
    return terms + [f"dish:{dish}" for dish in dishes]


def _positive(match: Match, asked: Asked) -> None:
    kinds = match.values("kind")
    asked.diets += match.values("diet")
    titles, aliases = match.values("title"), match.values("dish")
    if titles:
        asked.titles += titles + ([] if kinds else aliases)
    elif kinds:
        asked.kinds += kinds
        asked.defaults += aliases
    elif aliases:
        asked.dishes += aliases
    elif match.values("mood"):
        asked.moods += match.values("mood")
    elif match.values("term"):
        asked.wanted.append(match.values("term")[0])


def _sentence_part_end(text: str, start: int) -> int:
    found = _PART_END.search(text, start)
    return found.start() if found else len(text)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + " " + text[end:]
    return re.sub(r"\s+", " ", text).strip(" ,.、。")


def _number(word: str) -> int | None:
    return int(word) if word.isdigit() else _NUMBERS.get(word)


def _servings(text: str) -> tuple[int | None, bool]:
    """Read how many to cook for, and whether that was a number nobody cooks for at home.

    Half a serving is rounded up. For such a number: None for zero, `MAX_SERVINGS` for more.
    """
    for pattern in _SERVINGS:
        if found := pattern.search(text):
            word = found.group(1)
            number = math.ceil(float(word)) if word[0].isdigit() else _NUMBERS.get(word)
            if number is not None:
                return min(number, MAX_SERVINGS) or None, not 1 <= number <= MAX_SERVINGS
    return next((number for number, pattern in _HEADCOUNTS if pattern.search(text)), None), False


def _back(text: str) -> int | None:
    """Read which earlier suggestion is meant: 1 for the chat's first; None when none is."""
    found = _BACK.search(text)
    if not found:
        return None
    word = next(filter(None, found.groups()))
    return _ORDINALS.get(word) or (int(word) if word.isdigit() else 1)


def _minutes(text: str) -> int | None:
    total = 0
    if hours := _HOURS.search(text):
        word = hours.group(1)
        count = _PART_HOURS.get(word) or _NUMBERS.get(word) or float(word)
        total += int(60 * count) + (30 if hours.group(2) else 0)
    elif en.HALF_HOUR in text:
        total += 30
    if found := _MINUTES.search(text):
        total += int(found.group(1))
    return total or None


def _thousands(word: str | None) -> int:
    """Return the 천 of "만 오천원" in won. word: None when there is none, empty for one."""
    return 0 if word is None else 1000 * ((_number(word) or 1) if word else 1)


def _budget(text: str) -> tuple[int | None, bool]:
    """Read a budget in won, None without one, and whether it is per person."""
    each = bool(_EACH.search(text))
    for found in ko.MONEY.finditer(text):
        tens, word, thousands, plain, thousand = found.groups()
        if plain or thousand:
            return int(plain.replace(",", "")) if plain else int(thousand) * 1000, each
        if "원" in found.group() or (tens and _MONEY_CUE.match(text[found.end() :].lstrip())):
            count = float(tens) if tens else _NUMBERS.get(word or "한", 1)
            return int(count * 10_000) + _thousands(thousands), each
    if found_ja := ja.MONEY.search(text):
        plain, thousand, ten_thousand = found_ja.groups()
        if plain:
            yen = int(plain.replace(",", ""))
        elif ten_thousand:
            yen = (_number(ten_thousand) or 1) * 10_000
        else:
            yen = 500 if ja.ONE_COIN in found_ja.group() else (_number(thousand or "1") or 1) * 1000
        return int(yen * WON_PER_YEN), each
    if found_en := en.MONEY.search(text):
        dollars, more_dollars, won, more_won, yen_sign, yen_word = found_en.groups()
        if dollars or more_dollars:
            return int(float(dollars or more_dollars) * WON_PER_DOLLAR), each
        if won or more_won:
            return int((won or more_won).replace(",", "") or 0) or None, each
        return int(int((yen_sign or yen_word).replace(",", "")) * WON_PER_YEN), each
    return None, each
