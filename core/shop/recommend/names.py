"""How products are called: names by language, without sizes, and with Korean particles."""

from __future__ import annotations

import re

from onegenie.store.v1 import store_pb2

from core.shop.meal.models import Language

# Particle after a consonant / after a vowel.
_JOSA = {
    "은": ("은", "는"),
    "이": ("이", "가"),
    "을": ("을", "를"),
    "과": ("과", "와"),
    "으로": ("으로", "로"),
    "이에요": ("이에요", "예요"),
}
# How digits and the letters' names end when read aloud in Korean: "" none, "l" ㄹ, "c" another.
_READ = dict(zip("0123456789", ("c", "l", "", "c", "", "", "c", "l", "l", ""), strict=True))
_READ |= {"l": "l", "r": "l", "m": "c", "n": "c"}
# Units after a number are read in full: 그램, 밀리리터.
_READ_UNITS = {"g": "c", "kg": "c", "mg": "c", "ml": "", "l": "", "cm": "", "mm": ""}


class Word(str):
    """A Korean word that brings its particle: f"{Word('양파'):은}" is "양파는"."""

    __slots__ = ()

    def __format__(self, particle: str) -> str:
        """Return the word with the form of the particle that its last sound asks for."""
        if not particle:
            return str(self)
        if particle not in _JOSA:
            return f"{self!s}{particle}"
        end = _final_sound(self)
        closed, open_ = _JOSA[particle]
        if particle == "으로":
            return f"{self!s}{closed if end == 'c' else open_}"
        return f"{self!s}{closed if end else open_}"


def _final_sound(word: str) -> str:
    letters = re.sub(r"\([^)]*\)|[^\w]", "", word).casefold()
    if not letters:
        return ""
    if unit := re.search(r"\d([a-z]+)$", letters):
        return _READ_UNITS.get(unit[1], _READ.get(letters[-1], ""))
    last = letters[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return "" if final == 0 else "l" if final == 8 else "c"
    return _READ.get(last, "")


_UNIT = (
    "kg|g|ml|l|cm|mm|pcs?|packs?|bags?|sheets?|slices?|cans?|bottles?|bunch(?:es)?|eggs?|ea"
    "|개입|개|입|봉지|봉|팩|장|매|구|마리|단|모|병|캔|포|줄|송이|통|알|쪽|롤|인분"
    "|個入り|個入|個|枚|本|袋|パック|束|缶|食|人前|玉|丁|尾|匹"
)
# A size at the end of a name: 500g, 350ml×6, 10 eggs, 5-pack, x2.
_SIZE = re.compile(
    rf"(^|\s+)[x×*]?\d[\d.,]*[\s-]?({_UNIT})?(\s?[x×*]\d+({_UNIT})?)?$", re.IGNORECASE
)


def plain(name: str) -> str:
    """Strip a product name of the sizes at its end and of remarks in brackets."""
    name = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", name).strip()
    while shorter := _SIZE.sub("", name):
        if shorter == name:
            break
        name = shorter
    return name


def name_in(product: store_pb2.Product, language: Language) -> str:
    """Return the product's name in a language, else in the store's."""
    return {"ko": product.name, "en": product.name_en, "ja": product.name_ja}[
        language
    ] or product.name


def short_name(product: store_pb2.Product, language: Language) -> str:
    """Return the name as people say it: without size, remarks in brackets and a leading brand."""
    name = name_in(product, language)
    words = plain(name).split()
    if len(words) > 1 and words[0].casefold() == product.brand.casefold():
        words = words[1:]
    return " ".join(words) or name


def store_language(product: store_pb2.Product) -> Language:
    """Tell by its letters which language the store names a product in."""
    if re.search("[가-힣]", product.name):
        return "ko"
    return "ja" if re.search("[ぁ-ヿ一-龯]", product.name) else "en"
