# ruff: noqa: E501 - the patterns are lists of words; broken up they are harder to read
"""Reads what a shopper asks for out of a sentence in Korean, English or Japanese.

Words are found first (lexicon.py), then each word's role is read off its surroundings: Korean and
Japanese say it after the word ("두부 말고", "豆腐抜き"), English before ("without tofu"). Words
joined by "and" share the role of the last (Korean, Japanese) or the first (English).
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
        """Whether it says anything about what to eat."""
        return bool(self.titles or self.dishes or self.kinds or self.moods or self.wanted)


_JOSA = r"(?:이랑|랑|하고|이나|나|은|는|이|가|을|를|도|만|로|으로|의|에|류|들|와|과)?"
_FILL = r"(?:\s*(?:들어간|들어가는|든|같은|먹는|종류|요리|음식|메뉴|거는|것은|거|것|걸|건|게|쪽|식품|제품|비린내|비린\s*맛|냄새|향|맛|식감)(?=\s|은|는|이|가|을|를|도|말|빼|싫|못|안|$))*"
_KO = (
    _JOSA
    + _FILL
    + _JOSA
    + r"\s*(?:(?:둘\s*다|정말|진짜|절대로?|아예|모두|전부|잘|다|좀|그냥|너무|전혀)\s*)*"
)
_KO_ALLERGY = re.compile(
    _JOSA + r"\s*(?:심한|약간)?\s*(?:알레르기|알러지|알레지|알레르지|먹으면\s*(?:두드러기|알레|탈))"
)
_KO_HARD = re.compile(
    _KO
    + r"(?:못\s*먹(?!었|은)|못\s*마|못\s*드(?!셨)|안\s*먹(?!었|은|으면)|안\s*드(?!셨)|안\s*마|먹지\s*(?:않|못|마)|먹을\s*수\s*없|먹으면\s*안|금지|금식|안\s*됨|안\s*됩|(?:이|가|랑|은|는)?\s*(?:잘\s*|몸에\s*)?안\s*맞|절대\s*안|(?:은|는|이|가)?\s*(?:x(?![a-z0-9])|[✕×✖❌✗]|(?:no|ng)(?=\s*(?:$|[^\w\s]))|엑스))"
)
_KO_ONLY = re.compile(r"\s*(?:밖에|뿐)")
# "소고기는 비싸니까 빼고": a reason stands between.
_KO_OUT_BECAUSE = re.compile(
    r"(?:은|는|이|가)\s*(?:\S{1,8}\s)?\S{1,8}(?:니까|니|서)\s*(?:빼|말고|제외|패스)"
)
_KO_OUT = re.compile(
    _KO
    + r"(?:말고|말구|빼|제외|없이|없는|없었|없게|없어|없고|없음|없다|안\s*들어|안\s*들|안\s*넣|넣지|싫|안\s*좋아|좋아하지\s*않"
    r"|별로|질렸|질려|질린|물렸|물려|안\s*돼|안\s*되|피하|피해|사양|노노|아닌|아니고|지겨|지겹|그만|안\s*땡|떨어졌|외에|이외|대신\s*다른)"
)
_KO_SWAP = re.compile(_JOSA + r"\s*(?:대신에?|말고|말구|빼고|아니고)\s*(?:에)?\s*$")
_KO_TO = re.compile(
    r"(?:으로|로)\s*(?:바꿔|바꾸|교체|변경|대체|부탁|해|할|만들|가|넣|주|줘|추천|$|[.!?~요])|(?:을|를)?\s*(?:쓰|써|사용|넣)"
)
_KO_FROM_TO = re.compile(r"(?:을|를|은|는)\s*$")
_KO_ADD = re.compile(
    r"(?:이랑|랑|하고|은|는|을|를|도|와|과)?\s*(?:좀|조금|더|많이|듬뿍|한\s*\S{1,2}|하나|같이|함께)?\s*(?:같이|함께)?\s*"
    r"(?:추가|넣어|넣고|넣은|넣을|더해|곁들|담아|담고|얹어|올려|토핑|첨가|섞어|마시고|한잔|한\s*잔|필요|사고)"
)
_KO_ALSO = re.compile(r"(?:도|까지)(?:\s|$|[.!?~]|요|같이|함께|좀|부탁|줘)")
_KO_MORE = re.compile(
    r"(?:은|는|을|를|도)?\s*(?:두\s*배|2\s*배|곱빼기|더\s*(?:많이|넉넉|줘|주)|넉넉|많이\s*(?:$|넣|줘|주|부탁))"
)
_JA_MORE = re.compile(r"(?:を|は|も)?\s*(?:多め|倍|もっと|増やし|大盛り)")
_KO_HAVE = re.compile(
    _JOSA
    + r"\s*(?:만|밖에|좀|조금|많이|엄청)?\s*(?:있어|있는|있거|있음|있고|있네|있다|있으|있긴|남았|남은|남아|많아|많은|많이|사놨|사뒀|샀|처리|활용|써서|쓰고|이용"
    r"|뿐|로\s*만들|로\s*만든|로\s*뭐|로\s*할|으로\s*뭐|으로\s*만|로\s*요리)"
)
_KO_JOIN = re.compile(r"(?:이랑|랑|와|과|하고|이나|나|도|,|·|/|및|또는|혹은|그리고|\s)*")

_JA = r"(?:は|が|を|も|の|匂い|臭い|におい|臭み|食感|と|とか|など|系|料理|入り|のもの|もの|類|味|だけは|だけ|って)*\s*"
_JA_ALLERGY = re.compile(r"(?:の|に|は|が|も)*\s*(?:アレルギー|あれるぎー|アレルギ)")
_JA_HARD = re.compile(
    _JA
    + r"(?:絶対に?|体質的に|本当に|全部|全て|すべて|一切)*(?:食べられ?ない|食べられ?ません|食べれ|飲め(?:ない|ません)|飲まない|食べない|食べません|禁止|ng|無理|不可|不使用|除去|(?:体に)?合わない|合いません|厳禁|x(?![a-z])|×|✕)"
)
_JA_OUT = re.compile(
    _JA
    + r"(?:なし|無し|ナシ|抜き|ぬき|抜い|以外|じゃなく|ではなく|でなく|じゃない|ではない|除い|除く|除外|入れない|入れずに|入ってない|入っていない"
    r"|使わない|使わず|なくて|ない(?!と|か)|嫌い|きらい|嫌|苦手|ダメ|だめ|駄目|NG|ng|いらない|要らない|いりません|やめ|避け|控え|外して|切らし"
    r"|飽き|はちょっと|ちょっと苦手|は無理|無理|ありません|無い)"
)
_JA_SWAP = re.compile(
    r"(?:の代わりに?|のかわりに?|じゃなくて?|ではなくて?|でなく|をやめて|より)\s*、?\s*$"
)
_JA_TO = re.compile(
    r"(?:に|へ)(?:変え|替え|代え|換え|かえ|チェンジ|変更|して)|で(?:お願い|作|おねがい|$|[。!?])|を使"
)
_JA_FROM_TO = re.compile(r"(?:を|は)\s*$")
_JA_ADD = re.compile(
    r"(?:も|を|と)?(?:少し|一緒に|たっぷり|もう少し|追加で)?(?:追加|入れ(?!ない|ず)|加え|足し|つけて|付けて|添え|欲しい|ほしい|飲みたい|のせ|プラス|合わせ)"
)
_JA_ALSO = re.compile(r"も(?:$|[。、!?\s]|お願い|おねがい|ください|一緒|買|いい|必要|ちょうだい)")
_JA_HAVE = re.compile(
    r"(?:だけ)?(?:が|は|も|を)?(?:たくさん|いっぱい|少し|まだ)?(?:ある|あり|余っ|余り|残っ|残り|あまっ|使っ|使い切|使いたい|使う|消費|大量|で作|で何)"
)
_JA_JOIN = re.compile(r"(?:と|や|、|,|とか|も|・|に|および|または|及び|か|\s)*")

_EN_OUT = re.compile(
    r"\b(?:no|without|w/o|not|except|except for|hold|skip|minus|don'?t like|do not like|doesn'?t like|hate|hates|dislike|dislikes"
    r"|other than|anything but|instead of|leave out|remove|drop|no more|sick of|tired of|bored of|had enough|don'?t want|do not want"
    r"|don'?t feel like|rather than|besides|out of|don'?t have|exclude|excluding|avoid|avoids|avoiding|never|nothing|isn'?t|take out)"
    r"(?:\s+(?:any|the|a|an|some|to|eat|eating|having|more|with|that|put|use|using|add|include|just|another|much|too))*\s+$"
)
_EN_HARD = re.compile(
    r"\b(?:can'?t|cannot|can not|don'?t|do not|doesn'?t|does not|won'?t|never|not allowed to|not|not able to|unable to|mustn't|must not|shouldn't)\s+(?:eat|have|tolerate|drink|digest|handle|stomach|do|process|touch)"
    r"(?:\s+(?:any|the|a|an|some|anything with))*\s+$"
)
_EN_HARD_AFTER = re.compile(
    r"\s*(?:is|are)?\s*(?:strictly\s+)?(?:off[- ]limits|forbidden|prohibited|banned|not allowed)|\s*[:=(]\s*(?:no|x|none|never|severe|moderate|high)(?![a-z])|\s*-?\s*free\b|\s*[❌✗✕×]"
)
_EN_AVOID = re.compile(
    r"\b(?:avoid(?:s|ing)?|stay(?:s|ing)? away from|steer(?:s|ing)? clear of)(?:\s+(?:any|all|the|a|an|some|eating))*\s+$"
)
_EN_HAVENT = re.compile(r"\b(?:don'?t|do not)\s+have(?:\s+(?:any|the|a|an|some))*\s+$")
_EN_ALLERGIC = re.compile(
    r"\b(?:allergic to|allergy to|allergies to|allergic|allergies|allergy|intolerant to|intolerance to|intolerances?)\s*:?\s*(?:\w+\s+)?$"
)
_EN_ALLERGY_AFTER = re.compile(r"\s*(?:allergy|allergies|allergic|intolerant|intolerance)")
_EN_FREE = re.compile(r"\s*-?\s*free\b|less\b")
_EN_ADD = re.compile(
    r"\b(?:add|adding|plus|include|including|throw in|put in|also|toss in|extra|and some|along with|pair with|serve with)(?:\s+(?:some|a|an|the|more|a bit of|a little|a bottle of|bottle of|in|with))*\s+$"
)
_EN_ALSO = re.compile(r"\s*(?:too|as well|also|on the side)\b")
_EN_HAVE = re.compile(
    r"\b(?:have|got|there'?s|there is|there are|leftover|left over|left-over|using|use up|use|uses|with|bought|fridge full of|lots of|contain|contains|containing|based on)"
    r"(?:\s+(?:some|a|an|the|my|only|lots of|a lot of|leftover|extra|just|plenty of|up|fresh|\d+))*\s+$"
)
_EN_JOIN = re.compile(r"\s*(?:,|&|/|and|or|nor|plus|\s)*(?:\s*(?:no|any|some|the|a|an))?\s*")
_EN_SWAP_BETWEEN = re.compile(r"\s+(?:instead of|rather than|in place of|not|over)\s+(?:the\s+)?")
_EN_REPLACE = re.compile(r"\b(?:replace|swap|substitute|change|switch)(?:\s+(?:out|the|my))*\s+$")
_EN_WITH = re.compile(r"\s+(?:with|for|to|by|into)\s+(?:some\s+)?")

EXTRAS = frozenset({"drink", "drinkalcohol", "snack", "dessert"})
_GOES_WITH = re.compile(
    r"(?:이랑|랑|하고|와|과|에)?\s*(?:잘|딱)?\s*(?:어울|맞는|먹기|먹을|마시기|마실)|(?:に|と)(?:よく|ぴったり)?(?:合|あ)|\s*(?:snack|food|pairing)"
)

_ANOTHER = re.compile(
    r"다른\s*(?:거|것|걸|건|메뉴|음식|요리|게|레시피|추천|종류|맛|뭐|술|음료|대안)|다른거|딴\s*(?:거|것|걸|메뉴)|딴거|(?:그거|이거|저거|그것|이것|그건|이건)\s*(?:말고|빼고|싫|별로)"
    r"|다시\s*추천|또\s*다른|새로운\s*(?:거|것|걸|메뉴)|다른\s*(?:없|있)|마음에\s*안|맘에\s*안|별로(?:야|예요|네|인데|다)|바꿔\s*(?:줘|주세요|줄래|봐)\s*$"
    r"|別の|他の|ほかの|他に|ほかに|違う(?:の|もの|料理|メニュー|やつ)|違うものが|別な|それ以外|これ以外|もう一つ|もうひとつ|気に入らない|他には|別メニュー"
    r"|\bsomething else\b|\banything else\b|\banother\b|\bdifferent\b|\bother (?:dish|dishes|one|ones|ideas?|options?|suggestions?|recipe)\b|\bwhat else\b"
    r"|\bnot (?:that|this)(?: one)?\b|\btry again\b|\bdon'?t like (?:it|that|this)\b|\balternative"
)

_NUMBERS = {
    "한": 1, "하나": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
    "칠": 7, "팔": 8, "구": 9, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6,
    "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "a couple": 2,
}  # fmt: skip
_EN_NUMBER = r"((?<![\d.$])\d{1,4}(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten)"
_SERVINGS = tuple(
    re.compile(pattern)
    for pattern in (
        r"((?<![\d.])\d{1,6}(?:\.\d+)?|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|일|이|삼|사|오|육)\s*(?:인분|인\s*가족|식구|인\s*가구)",
        r"(?<![\d.])(\d{1,4})\s*(?:명|사람|인(?=\s|$|이|용|상))",
        r"(한|두|세|네|다섯|여섯|일곱|여덟|아홉|열)\s*(?:명|사람)",
        r"((?<![\d.])\d{1,6}(?:\.\d+)?|[一二三四五六七八九十])\s*(?:人前|人分|人家族|名様|名分|名|人(?!気|参|間|生|一|暮))",
        r"\b(?:for|serves?|feeds?|feeding|family of|party of|dinner for|table for)\s+(?:a |my |the )?(?:family of |party of |group of )?"
        + _EN_NUMBER
        + r"\b(?!\s*(?:-?\s*minutes?|mins?|hours?|dollars?|bucks|days?|usd|won|yen|%))",
        r"\b"
        + _EN_NUMBER
        + r"\s*(?:-?\s*)(?:people|persons?|servings?|portions?|guests|adults|of us)\b",
    )
)
_ORDINALS = {
    "처음": 1, "첫": 1, "두": 2, "세": 3, "네": 4, "다섯": 5,
    "最初": 1, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5,
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5,
}  # fmt: skip
_BACK = re.compile(
    r"(처음)(?:에)?\s*(?:거|것|걸|메뉴|추천|음식|요리|말한|나온)|(첫|두|세|네|다섯|[1-9])\s*번째(?:로|에)?\s*(?:거|것|걸|메뉴|추천|음식|요리|말한|나온|$)"
    r"|(最初)(?:の|に)|([一二三四五1-9])(?:番目|つ目)(?:の|に)|\b(first|second|third|fourth|fifth) (?:one|dish|suggestion|recipe|idea|option|meal)\b"
)
_PAIRS = (
    (re.compile(r"둘이서?|부부|커플|ふたり(?:で|分|前|暮)|二人(?:で|暮)|\b(?:two of us|for us two|couple)\b"), 2),
    (re.compile(r"셋이서?"), 3),
    (re.compile(r"넷이서?"), 4),
    (re.compile(r"혼자|혼밥|나\s*혼자|一人で|ひとりで|一人暮らし|ひとり暮らし|\bjust (?:for )?me\b|\bfor one\b|\bby myself\b|\bliving alone\b"), 1),
)  # fmt: skip
_MINUTES = re.compile(r"(?<!\d)(\d{1,3})\s*(?:분(?!의|량|식)|分(?!の1)|-?\s*min(?:ute)?s?\b)")
_HOURS = re.compile(
    r"(\d(?:\.5)?|한|두|반|half an|an|one|two)\s*-?\s*(?:시간|時間(?!が)|hours?\b)(\s*반|半)?"
)
_MONEY_KO = re.compile(r"(?:(\d+(?:\.\d+)?)|(?<![가-힣])(한|두|세|네|오|육|이|삼|사)?)\s*만\s*(?:(\d|[한두세네오육칠팔구이삼사]?)\s*천)?\s*원?|(\d{1,3}(?:,\d{3})+|\d{4,7})\s*원|(\d{1,2})\s*천\s*원")  # fmt: skip
_MONEY_JA = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d{3,6})\s*円|(\d|[一二三四五])?千円|(\d|[一二三四五])万円|ワンコイン"
)
_MONEY_EN = re.compile(r"\$\s*(\d+(?:\.\d+)?)|\b(\d+(?:\.\d+)?)\s*(?:dollars|bucks|usd)\b|(?:₩\s*([\d,]+)|\b([\d,]{4,})\s*(?:won|krw)\b)|¥\s*([\d,]+)|\b([\d,]{3,})\s*(?:yen|jpy)\b")  # fmt: skip
_MONEY_CUE = re.compile(r"원|円|예산|가격|이하|이내|안|으로|정도|미만")
_EACH = re.compile(
    r"1인당|일인당|인당|한\s*사람당|1人あたり|一人あたり|一人当たり|\bper (?:person|head|serving)\b|\beach\b"
)


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
                    _KO_JOIN.fullmatch(between) or _JA_JOIN.fullmatch(between)
                )
                if following.surface.isascii() and matches[index].surface.isascii():
                    joined = roles[index + 1] == "allergy" and _EN_JOIN.fullmatch(between)
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
                listed = _EN_JOIN.fullmatch(between) and re.search(r",|and|or|nor|&|/", between)
                if listed and roles[index - 1] in ("out", "hard", "allergy", "add"):
                    roles[index] = roles[index - 1]
        allergies.mark(text, matches, roles)
        return roles

    def _role(self, text: str, match: Match, followup: bool) -> str:
        if match.values("diet"):
            return ""
        after, before = text[match.end :], text[: match.start]
        if match.surface.isascii():
            if _EN_ALLERGY_AFTER.match(after) or _EN_ALLERGIC.search(before):
                return "allergy"
            if _EN_HAVENT.search(before):
                return "out"
            if _EN_HARD.search(before):
                return "hard"
            if _EN_HARD_AFTER.match(after) or _EN_AVOID.search(before):
                return "hard"
            if _EN_OUT.search(before) or _EN_FREE.match(after):
                return "out"
            if self._picks(match) and (_EN_ADD.search(before) or _EN_ALSO.match(after)):
                return "add"
            return "have" if match.values("term") and _EN_HAVE.search(before) else ""
        if _KO_ONLY.match(after) or after.startswith("しか"):
            return "have"  # "달걀밖에 없어": there is nothing else
        if _KO_ALLERGY.match(after) or _JA_ALLERGY.match(after):
            return "allergy"
        if _KO_HARD.match(after) or _JA_HARD.match(after):
            return "hard"
        if _KO_OUT_BECAUSE.match(after):
            return "out"
        if _KO_OUT.match(after) or _JA_OUT.match(after):
            return "out"
        if not match.values("term") and not self._picks(match):
            return ""
        if _KO_ADD.match(after) or _JA_ADD.match(after):
            return "add"
        if followup and (_KO_MORE.match(after) or _JA_MORE.match(after)):
            return "add"
        if followup and (_KO_ALSO.match(after) or _JA_ALSO.match(after)):
            return "add"
        if followup and (_KO_TO.match(after) or _JA_TO.match(after)):
            return "to"
        if followup and not after.strip(" .!?。~") and not before.strip():
            return "add"  # "와인" and nothing else
        return "have" if _KO_HAVE.match(after) or _JA_HAVE.match(after) else ""

    def _read_swaps(
        self, text: str, matches: Sequence[Match], roles: list[str], asked: Asked
    ) -> None:
        """ "X 대신 Y", "Xの代わりにY", "Y instead of X", "replace X with Y", "X를 Y로 바꿔"."""
        for index, (left, right) in enumerate(pairwise(matches)):
            old_terms, new_terms = left.values("term"), right.values("term")
            between = text[left.end : right.start]
            if _EN_SWAP_BETWEEN.fullmatch(between) and left.surface.isascii():
                old, new = index + 1, index
            elif (
                _KO_SWAP.fullmatch(between)
                or _JA_SWAP.fullmatch(between)
                or (
                    (_KO_FROM_TO.fullmatch(between))
                    and re.match(r"(?:으)?로\s*(?:바꿔|바꾸|교체|변경|대체|해)", text[right.end :])
                )
                or (
                    _JA_FROM_TO.fullmatch(between)
                    and re.match(r"(?:に|へ)(?:変|替|代|換|かえ|チェンジ|して)", text[right.end :])
                )
                or (_EN_REPLACE.search(text[: left.start]) and _EN_WITH.fullmatch(between))
            ):
                old, new = index, index + 1
            else:
                continue
            if roles[new] in ("out", "hard", "allergy"):
                continue
            if re.match(r"\s*(?:다른|딴)", text[matches[new].start - 3 : matches[new].start]):
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
        """The allergens a term stands for."""
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
        """ "못 먹어요" is as hard as an allergy, and the reason may well be one."""
        terms = []
        for term in match.values("term"):
            terms += [term, *self._stands_for(term, whole=False)]
        return terms + [f"allergen:{name}" for name in match.values("allergen")]

    def _stands_for(self, term: str, *, whole: bool) -> list[str]:
        """The allergens meant by a term; with `whole` all it holds when no table says which."""
        names = self._catalogue.allergy_of.get(term)
        if names is None and whole and term in self._catalogue.ingredients:
            names = tuple(sorted(self._catalogue.ingredients[term].allergens))
        return [f"allergen:{name}" for name in names or ()]

    def _is_extra(self, text: str, match: Match) -> bool:
        """Drinks and sweets go with a meal ("파전에 막걸리"), unless it is to go with them."""
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


def _sentence_part_end(
    text: str, start: int, at: str = r"[.。!?,、;\n]|고\s|며\s|and\b|but\b"
) -> int:
    found = re.compile(at).search(text, start)
    return found.start() if found else len(text)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + " " + text[end:]
    return re.sub(r"\s+", " ", text).strip(" ,.、。")


def _number(word: str) -> int | None:
    return int(word) if word.isdigit() else _NUMBERS.get(word)


def _servings(text: str) -> tuple[int | None, bool]:
    """How many to cook for, half a serving rounded up; and whether another number was said than
    anybody cooks for at home (none for zero, `MAX_SERVINGS` for more)."""
    for pattern in _SERVINGS:
        if found := pattern.search(text):
            word = found.group(1)
            number = math.ceil(float(word)) if word[0].isdigit() else _NUMBERS.get(word)
            if number is not None:
                return min(number, MAX_SERVINGS) or None, not 1 <= number <= MAX_SERVINGS
    return next((number for pattern, number in _PAIRS if pattern.search(text)), None), False


def _back(text: str) -> int | None:
    """Which earlier suggestion is meant: 1 for the chat's first."""
    found = _BACK.search(text)
    if not found:
        return None
    word = next(filter(None, found.groups()))
    return _ORDINALS.get(word) or (int(word) if word.isdigit() else 1)


def _minutes(text: str) -> int | None:
    total = 0
    if hours := _HOURS.search(text):
        word = hours.group(1)
        count = (
            {"반": 0.5, "half an": 0.5, "an": 1.0}.get(word) or _NUMBERS.get(word) or float(word)
        )
        total += int(60 * count) + (30 if hours.group(2) else 0)
    elif "half hour" in text:
        total += 30
    if found := _MINUTES.search(text):
        total += int(found.group(1))
    return total or None


def _thousands(word: str | None) -> int:
    """The 천 of "만 오천원": None when there is none, empty for one."""
    return 0 if word is None else 1000 * ((_number(word) or 1) if word else 1)


def _budget(text: str) -> tuple[int | None, bool]:
    """Won, and whether it is per person."""
    each = bool(_EACH.search(text))
    for found in _MONEY_KO.finditer(text):
        tens, word, thousands, plain, thousand = found.groups()
        if plain or thousand:
            return int(plain.replace(",", "")) if plain else int(thousand) * 1000, each
        if "원" in found.group() or (tens and _MONEY_CUE.match(text[found.end() :].lstrip())):
            count = float(tens) if tens else _NUMBERS.get(word or "한", 1)
            return int(count * 10_000) + _thousands(thousands), each
    if found_ja := _MONEY_JA.search(text):
        plain, thousand, ten_thousand = found_ja.groups()
        if plain:
            yen = int(plain.replace(",", ""))
        elif ten_thousand:
            yen = (_number(ten_thousand) or 1) * 10_000
        else:
            yen = (
                500 if "ワンコイン" in found_ja.group() else (_number(thousand or "1") or 1) * 1000
            )
        return int(yen * WON_PER_YEN), each
    if found_en := _MONEY_EN.search(text):
        dollars, more_dollars, won, more_won, yen_sign, yen_word = found_en.groups()
        if dollars or more_dollars:
            return int(float(dollars or more_dollars) * WON_PER_DOLLAR), each
        if won or more_won:
            return int((won or more_won).replace(",", "") or 0) or None, each
        return int(int((yen_sign or yen_word).replace(",", "")) * WON_PER_YEN), each
    return None, each
