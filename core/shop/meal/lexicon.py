"""Finds the catalogue's words in a sentence, in three scripts.

Longest match first. Short Korean and Japanese words are easily part of another word ("파" in
"파스타", "배" in "배고파", "たら" in "だったら"), so the shorter a word the more its surroundings
must look like a word's end: see `_fits`.
"""

import functools
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from core.shop.meal.catalogue import Catalogue
from core.shop.meal.models import LANGUAGES


@dataclass(frozen=True, slots=True)
class Sense:
    """kind: dish, title (a dish's own name), kind, mood, diet, term (ingredient or group)."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    start: int
    end: int
    surface: str
    senses: tuple[Sense, ...]

    def values(self, *kinds: str) -> list[str]:
        return [sense.value for sense in self.senses if sense.kind in kinds]


# One-syllable Korean words that mostly mean something else when they stand alone: "밥 먹자" (a
# meal), "먹을 게" (thing), "하지 마" (don't), "오늘 밤" (night). They count only before these.
_ONLY_BEFORE = re.compile(
    r"(?:이랑|랑|하고|은|는|을|를|도|만)?\s*(?:말고|빼|없이|제외|알레르기|알러지|추가|넣|대신|들어|싫|질|별로|못\s*먹(?!었|은)|안\s*먹(?!었|은)|요리|,)"
)
_AMBIGUOUS = frozenset("밥게마밤물차면빵국")
# "새우와 게", "알레르기: 게": in a list it is a crab.
_LISTED_BEFORE = re.compile(r"(?:[가-힣](?:이랑|랑|와|과|하고)|[,·/;(:|\n])\s*$")
_LISTED_AFTER = re.compile(r"\s*(?:$|[,.;)/|\n]|알레|알러|예요|이에요|입니다)")
_NIGHT = re.compile(r"(?:오늘|어제|내일|한|늦은|깊은|요일|여름|겨울)\s*$")
# What may follow a one-syllable Korean noun.
_JOSA = re.compile(
    r"(?:이랑|하고|이나|에다|으로|보다|밖에|까지|처럼|같은|말고|빼고|없이|대신|추가|알레|알러|요리|넣|싫|못|안"
    r"|은|는|이|가|을|를|도|만|로|랑|나|와|과|의|에|류|들|든|좀|뿐)|$|[^가-힣]"
)
# Traps for words of two syllables: what must not stand before or after.
_NOT_AFTER = {
    "배": re.compile(r"(?:두|세|네|몇|반|\d)\s*$"),
    "가지": re.compile(r"(?:여러|몇|두|세|한|네|다섯|다양한|\d)\s*$"),
    "마라": re.compile(r"지\s*$"),
    "감자": re.compile(r"눈\s*$"),
}
_NOT_BEFORE = {
    "가지": re.compile(r"\s*(?:고|각|를\s*추천|만\s*추천)"),
    "오리": re.compile(r"지널|엔탈"),
    "도미": re.compile(r"노"),
    "배": re.compile(
        r"(?:가|는|도|이)?\s*(?:너무|많이|정말|진짜|좀|엄청)?\s*(?:고프|고파|고픈|고픔|부르|부른|불러|아프|아파|터지|탈|달)"
    ),
    "차": re.compile(r"가운|갑"),
    "대구": re.compile(r"\s*(?:에\s*살|사는|사람|시)"),
    "아이": re.compile(r"스"),
    "아기": re.compile(r"자기"),
    "목이": re.compile(r"\s*(?:부|붓|아프|아파|칼칼|따끔|간지|가려|막히)"),
    "회": re.compile(r"사|식|의|원|복"),
    "이태리": re.compile(r"타월"),
}
# Words that hold others and mean none of them.
_STOPWORDS = ("フライパン", "회사", "오리지널", "아이디어", "아메리카", "米国")
_KANA_TRAPS = ("いかが", "いかない", "いかに", "なすび", "たらいい", "そばに", "もちろん", "すぐに")
# Adverbs and endings in hiragana after which a word may well begin.
_JA_BEFORE = re.compile(
    r"(?:やっぱり|やはり|つまり|あまり|たっぷり|できれば|なるべく|たくさん|ちょっと|すこし|から|けど|まで|より|なら|ください|です|ます)$"
)
_JA_PARTICLE = re.compile(
    r"[はがをもとやのにでへなだ、。,.!?!?・\s();:|/×✕\]」』]|$|[ァ-ヶ一-龥a-z0-9]|から|まで|より|ほど|だけ|しか|ぬき|たっぷり|いり|入|い"
)
_KANJI_TAIL = re.compile(
    r"[はがをもとやのにでへなだし、。,.!?!?・\s();:|/×✕\]」』a-z]|$|[ァ-ヶ]|抜|無|禁|不|除|小麦|大豆|乳[小卵大、・ア]|卵[乳小大、・ア]|不可|厳|絶|体質|中毒|過敏|以外|入|避|除|嫌|苦手|食|使|代|追|少|多|好|用|料理|系|類|全般|以下"
)


def normalize(text: str) -> str:
    """Turn full-width digits and letters into plain ones, half-width kana into full; lower case."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"-(?=al+erg|intoleran|sensitiv)", " ", plain)  # "peanut-allergic"


def _script(char: str) -> str:
    if "가" <= char <= "힣":
        return "hangul"
    if "ぁ" <= char <= "ゖ":
        return "hiragana"
    if "ァ" <= char <= "ヺ" or char == "ー":
        return "katakana"
    if "一" <= char <= "龥":
        return "kanji"
    return "latin" if char.isascii() and char.isalpha() else "other"


class Lexicon:
    def __init__(self, catalogue: Catalogue) -> None:
        senses: dict[str, list[Sense]] = defaultdict(list)

        def add(words: tuple[str, ...], kind: str, value: str) -> None:
            for word in words:
                key = normalize(word)
                if not key.isascii():
                    key = key.replace(" ", "")
                if Sense(kind, value) not in senses[key]:
                    senses[key].append(Sense(kind, value))

        for dish in catalogue.dishes.values():
            for language in LANGUAGES:
                add((dish.title.in_language(language),), "title", dish.id)
                add(dish.aliases[language], "dish", dish.id)
        for topic in catalogue.topics.values():
            for words in topic.words.values():
                add(words, "kind" if topic.kind else "mood", topic.tag)
        for name, diet in catalogue.diets.items():
            for words in diet.words.values():
                add(words, "diet", name)
        for group, by_language in catalogue.groups.items():
            for words in by_language.values():
                add(words, "term", f"group:{group}")
        for ingredient in catalogue.ingredients.values():
            for language in LANGUAGES:
                names = (ingredient.name.in_language(language), *ingredient.synonyms[language])
                add(names, "term", ingredient.key)
        for allergen, by_language in catalogue.allergens.items():
            for words in by_language.values():
                add(words, "allergen", allergen)

        for word in _STOPWORDS:
            senses[word] = []
        self._senses = {word: tuple(found) for word, found in senses.items()}
        self._by_first: dict[str, list[str]] = defaultdict(list)
        self._english: dict[str, str] = {}
        for word in sorted(self._senses, key=len, reverse=True):
            if word.isascii():
                self._english[word] = word
            else:
                self._by_first[word[0]].append(word)
        self._longest_english = max(len(word.split()) for word in self._english)

    def find(self, text: str) -> list[Match]:
        """Find the words of a normalized text, left to right, never overlapping."""
        found = self._find_spaceless(text) + self._find_english(text)
        return sorted(found, key=lambda match: match.start)

    def _find_spaceless(self, text: str) -> list[Match]:
        places = [i for i, char in enumerate(text) if not char.isspace()]
        compact = "".join(text[i] for i in places)
        found: list[Match] = []
        at, last_end = 0, -1
        while at < len(compact):
            for word in self._by_first.get(compact[at], ()):
                if not compact.startswith(word, at):
                    continue
                start, end = places[at], places[at + len(word) - 1] + 1
                noun = any(s.kind not in ("mood", "diet") for s in self._senses[word])
                if _fits(word, text, start, end, after_match=start == last_end, noun=noun):
                    if self._senses[word]:
                        found.append(Match(start, end, word, self._senses[word]))
                        last_end = end
                    at += len(word)
                    break
            else:
                at += 1
        return found

    def _find_english(self, text: str) -> list[Match]:
        words = list(re.finditer(r"[a-z]+(?:['’-][a-z]+)*", text))
        found: list[Match] = []
        at = 0
        while at < len(words):
            for size in range(min(self._longest_english, len(words) - at), 0, -1):
                start, end = words[at].start(), words[at + size - 1].end()
                phrase = re.sub(r"\s+", " ", text[start:end].replace("’", "'"))
                key = self._english_key(phrase)
                if key:
                    if phrase.endswith("-free") and not key.endswith("free"):
                        end -= len("-free")
                    found.append(Match(start, end, key, self._senses[key]))
                    at += size
                    break
            else:
                at += 1
        return found

    def _english_key(self, phrase: str) -> str | None:
        for form in (phrase, phrase.replace("-", " "), phrase.removesuffix("s")):
            if form in self._english:
                return form
        if phrase.endswith("-free"):  # "pork-free": the parser reads the rest
            return self._english_key(phrase.removesuffix("-free"))
        return None


def _fits(word: str, text: str, start: int, end: int, *, after_match: bool, noun: bool) -> bool:
    before, after = text[:start], text[end:]
    if word in _NOT_AFTER and _NOT_AFTER[word].search(before):
        return False
    if word in _NOT_BEFORE and _NOT_BEFORE[word].match(after):
        return False
    inner_space = " " in text[start:end]
    script = {_script(char) for char in word}
    previous = _script(before[-1]) if before else "other"
    at_start = after_match or previous not in script
    if "hangul" in script:
        if inner_space and len(word) < 3:
            return False
        if inner_space and not at_start:
            return False
        if inner_space and noun and not _JOSA.match(after):
            return False  # "생선 알레르기" holds no 생선알
        if len(word) == 1:
            if word in _AMBIGUOUS and not _ONLY_BEFORE.match(after):
                listed = _LISTED_BEFORE.search(before) and _LISTED_AFTER.match(after)
                return bool(word == "게" and listed)
            if word == "밤" and _NIGHT.search(before):
                return False
            return at_start and bool(_JOSA.match(after))
        if len(word) == 2:
            return at_start
        return True
    following = _script(after[0]) if after else "other"
    if script == {"hiragana"} and len(word) <= 3:
        if any(text.startswith(trap, start) for trap in _KANA_TRAPS):
            return False
        starts = (
            after_match or previous in ("other", "latin") or before[-1:] in "はがもとやのにで、"
        )
        starts = starts or bool(_JA_BEFORE.search(before))
        return starts and bool(_JA_PARTICLE.match(after))
    if script <= {"katakana"} and len(word) <= 2:
        return at_start and following != "katakana"
    if script == {"kanji"} and len(word) == 1:
        return at_start and bool(_KANJI_TAIL.match(after))
    return True


@functools.cache
def lexicon() -> Lexicon:
    from core.shop.meal.catalogue import catalogue

    return Lexicon(catalogue())
