"""What suggestions and offers say: analyst texts with the figures, customer copy, in ko, en, ja.

Copy never states what is not known: "often bought together" is said of measured pairs only.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any, Literal

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

Language = Literal["ko", "en", "ja"]
LANGUAGES: tuple[Language, ...] = ("ko", "en", "ja")

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
        """The word, with the form of the particle that its last sound asks for."""
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
    """A product name without the sizes at its end and remarks in brackets."""
    name = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", name).strip()
    while shorter := _SIZE.sub("", name):
        if shorter == name:
            break
        name = shorter
    return name


def name_in(product: store_pb2.Product, language: Language) -> str:
    """The product's name in a language, else in the store's."""
    return {"ko": product.name, "en": product.name_en, "ja": product.name_ja}[
        language
    ] or product.name


def short_name(product: store_pb2.Product, language: Language) -> str:
    """The name as people say it: without size, remarks in brackets and a leading brand."""
    name = name_in(product, language)
    words = plain(name).split()
    if len(words) > 1 and words[0].casefold() == product.brand.casefold():
        words = words[1:]
    return " ".join(words) or name


def store_language(product: store_pb2.Product) -> Language:
    """The language the store names its products in, by the letters."""
    if re.search("[가-힣]", product.name):
        return "ko"
    return "ja" if re.search("[ぁ-ヿ一-龯]", product.name) else "en"


def money(amount: float, unit: str) -> str:
    """An amount with its currency: ₩1,500, $2.50, 980円."""
    number = f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"
    return f"{number}{unit}" if unit and unit[-1].isalpha() else f"{unit}{number}"


def percent(value: float) -> str:
    """Percent as people write it: 10, 12.5."""
    return f"{value:.1f}".removesuffix(".0")


def localized(
    templates: Mapping[Language, str],
    *,
    product: store_pb2.Product,
    anchor: store_pb2.Product | None = None,
    full: bool = False,
    **values: Any,
) -> recommend_pb2.LocalizedText:
    """Templates filled with {p}, {a} (the two products' names) and the values.

    full: names as the store writes them, sizes included; otherwise short ones.
    A value may be a dict by language.
    """
    name = name_in if full else short_name
    texts = {}
    for language in LANGUAGES:
        words: dict[str, Any] = {
            key: value[language] if isinstance(value, dict) else value
            for key, value in values.items()
        }
        words["p"] = Word(name(product, language))
        if anchor is not None:
            words["a"] = Word(name(anchor, language))
        texts[language] = templates[language].format_map(words)
    return recommend_pb2.LocalizedText(**texts)


# Sections that sell no food: nothing is said of tables and dinners there.
NOT_FOOD = {"EC", "HH", "CK"}

Copy = dict[Language, str]

# For measured pairs, of any section.
TOGETHER: tuple[Copy, ...] = (
    {
        "ko": "{a:을} 담으신 분들이 {p}도 자주 함께 고르세요.",
        "en": "Shoppers who pick up {a} often take {p} home too.",
        "ja": "{a}を選んだ方は、{p}もよく一緒に買われています。",
    },
    {
        "ko": "{a:과} 함께 찾는 분이 많은 {p:이에요}. 같이 담아 보세요.",
        "en": "Many shoppers pair {a} with {p}. Worth a try.",
        "ja": "{a}と一緒に人気の{p}。ついでにいかがですか。",
    },
)
# For measured pairs, by section; beside those above.
TOGETHER_BY_SECTION: dict[str, tuple[Copy, ...]] = {
    "AL": (
        {
            "ko": "{a:과} 잘 어울리는 {p} 한 잔이면 오늘 저녁이 한층 특별해져요.",
            "en": "A glass of {p} with {a} makes tonight a little special.",
            "ja": "{a}に{p}を一杯添えて、少し特別な夜にしませんか。",
        },
    ),
    "DR": (
        {
            "ko": "식사에 곁들일 {p}, 하나 담아 가세요. {a:과} 잘 어울려요.",
            "en": "Something to drink with {a}? {p}, perhaps.",
            "ja": "{a}のお供に{p}はいかがですか。",
        },
    ),
    "DL": (
        {
            "ko": "반찬 하나가 아쉬울 땐 {p:이} 제격이에요. {a:과} 함께 드셔 보세요.",
            "en": "One more side for the table: {p}, good with {a}.",
            "ja": "もう一品ほしいときは{p}。{a}とよく合います。",
        },
    ),
    "BK": (
        {
            "ko": "{p:을} 곁들이면 {a:으로} 차린 한 끼가 더 든든해져요.",
            "en": "Round off {a} with {p}.",
            "ja": "{a}に{p}を添えれば、満足感のある一食に。",
        },
    ),
    "PR": (
        {
            "ko": "{a:에} {p:을} 더하면 식탁이 한결 산뜻해져요.",
            "en": "Add {p} to {a} for a fresher plate.",
            "ja": "{a}に{p}を加えて、食卓をさわやかに。",
        },
    ),
}
# For food pairs of a section not named above.
TABLE: Copy = {
    "ko": "{p:을} 곁들이면 {a} 요리가 한층 풍성해져요.",
    "en": "A good match for {a}: {p}.",
    "ja": "{p}を添えれば、{a}がもっとおいしくなります。",
}
DEARER: tuple[Copy, ...] = (
    {
        "ko": "늘 사던 {a} 대신, 오늘은 {p:은} 어떠세요?",
        "en": "Fancy a change from {a}? Try {p} today.",
        "ja": "いつもの{a}の代わりに、今日は{p}にしてみませんか。",
    },
    {
        "ko": "오늘은 조금 더 좋은 걸로, {p} 어떠세요?",
        "en": "Treat yourself to something a bit better: {p}.",
        "ja": "今日はちょっといいものを。{p}はいかがですか。",
    },
)
BIGGER: Copy = {
    "ko": "자주 쓰신다면 넉넉한 {p:이} 더 알뜰해요.",
    "en": "Use it often? Go for {p}, better value for money.",
    "ja": "よく使うなら、大きめの{p}のほうがお得です。",
}
TREAT: tuple[Copy, ...] = (
    {
        "ko": "계산하기 전에 {p} 하나, 오늘의 작은 즐거움으로 어떠세요?",
        "en": "A little treat before you pay: {p}?",
        "ja": "お会計の前に、{p}をひとつ。小さなごほうびにどうぞ。",
    },
    {
        "ko": "장 보느라 수고한 나에게 {p} 하나 선물해 보세요.",
        "en": "You've earned it: take {p} home as well.",
        "ja": "お買い物をがんばった自分に、{p}をどうぞ。",
    },
)
ROUND_OFF: Copy = {
    "ko": "오늘 장바구니에 {p} 하나 더해 보세요.",
    "en": "How about adding {p} to today's basket?",
    "ja": "今日のお買い物に、{p}もいかがですか。",
}
NEARBY: Copy = {
    "ko": "{a} 고르러 가시는 길에 {p:이} 있어요. 지금 {discount}% 할인 중이에요.",
    "en": "On your way to {a}: {p}, {discount}% off just now.",
    "ja": "{a}のすぐ近くに{p}があります。ただいま{discount}%引きです。",
}

PAIR_FIGURES: Copy = {
    "ko": "{tag}: ‘{a}’ 동반 구매 · lift {lift:.2f}, CVR {confidence:.1%}, co_count {co_count:,}"
    " (고객 {customers:,}명, support {support:.2%})",
    "en": "{tag}: bought with “{a}” · lift {lift:.2f}, CVR {confidence:.1%}, co_count"
    " {co_count:,} ({customers:,} customers, support {support:.2%})",
    "ja": "{tag}：「{a}」との併買 · lift {lift:.2f}、CVR {confidence:.1%}、co_count {co_count:,}"
    "（顧客{customers:,}人、support {support:.2%}）",
}
PRICE_FIGURES: Copy = {
    "ko": "Upsell: ‘{a}’({a_price}) 상위 대안, {p_price} (+{more:.0%}), 이름 일치 {alike:.0%}",
    "en": "Upsell: step up from “{a}” ({a_price}) to {p_price} (+{more:.0%}), names {alike:.0%}"
    " alike",
    "ja": "Upsell：「{a}」({a_price})の上位品、{p_price} (+{more:.0%})、名称一致 {alike:.0%}",
}
UNIT_FIGURES: Copy = {
    "ko": ", 단위당 {cheaper:.0%} 저렴",
    "en": ", {cheaper:.0%} cheaper by the {unit}",
    "ja": "、{unit}あたり{cheaper:.0%}安い",
}
TREAT_FIGURES: Copy = {
    "ko": "Impulse: {section} 저관여 상품, {p_price} (해당 구역 중앙값 {median} 이하), 동반 구매"
    " 데이터 없음",
    "en": "Impulse: low-involvement item of {section}, {p_price} (median there {median}), no"
    " co-purchase data",
    "ja": "Impulse：{section}の低関与商品、{p_price}（売場の中央値 {median} 以下）、併買データなし",
}
SECTION_FIGURES: Copy = {
    "ko": "Cross-sell: 장바구니에 없는 구역({section})에서 선정, {p_price}, 동반 구매 데이터 없음",
    "en": "Cross-sell: from a section the list does not cover ({section}), {p_price}, no"
    " co-purchase data",
    "ja": "Cross-sell：リストにない売場（{section}）から選定、{p_price}、併買データなし",
}
ZONE_FIGURES: Copy = {
    "ko": "Zone efficiency: 구매 예정 ‘{a}’에서 {metres:.1f}m, 할인 {discount}%",
    "en": "Zone efficiency: {metres:.1f} m from “{a}” on the list, {discount}% off",
    "ja": "Zone efficiency：購入予定の「{a}」から{metres:.1f}m、{discount}%引き",
}

_SECTIONS: dict[str, dict[str, str]] = {
    "PR": {"ko": "농산물", "en": "Produce", "ja": "農産物"},
    "DL": {"ko": "델리", "en": "Deli", "ja": "デリカ"},
    "BK": {"ko": "베이커리", "en": "Bakery", "ja": "ベーカリー"},
    "SW": {"ko": "디저트", "en": "Sweets", "ja": "スイーツ"},
    "SN": {"ko": "과자", "en": "Snacks", "ja": "お菓子"},
    "AL": {"ko": "주류", "en": "Alcohol", "ja": "酒類"},
    "DY": {"ko": "유제품", "en": "Dairy", "ja": "乳製品"},
    "DR": {"ko": "음료", "en": "Drinks", "ja": "飲料"},
    "PA": {"ko": "식료품", "en": "Pantry", "ja": "食料品"},
    "MT": {"ko": "육류", "en": "Meat", "ja": "精肉"},
    "FI": {"ko": "수산물", "en": "Seafood", "ja": "水産物"},
    "FR": {"ko": "냉동식품", "en": "Frozen", "ja": "冷凍食品"},
}


def section_name(product: store_pb2.Product) -> dict[str, str]:
    """The section's name by language; of a section we do not know the store's own."""
    own = product.section_name or product.section_code
    return _SECTIONS.get(product.section_code) or dict.fromkeys(LANGUAGES, own)


def pick(pool: tuple[Copy, ...], product: store_pb2.Product) -> Copy:
    """One copy of a pool: another for each product, for the same product always the same."""
    return pool[zlib.crc32(str(product.id).encode()) % len(pool)]


def together(product: store_pb2.Product) -> Copy:
    """Copy for a product that a measured pair brings up."""
    if product.section_code in NOT_FOOD:
        return pick(TOGETHER, product)
    return pick(TOGETHER + TOGETHER_BY_SECTION.get(product.section_code, (TABLE,)), product)
