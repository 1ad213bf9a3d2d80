# ruff: noqa: E501 - the patterns are lists of words; broken up they are harder to read
"""Which words of a text are allergies: the whole sentence decides, not the word's neighbours.

It errs on the safe side: in a clause that speaks of an allergy, or of what happens to somebody who
eats a thing, every ingredient is one unless the clause denies it. "Allergies:" is followed by a
list that runs over commas, semicolons, bars and lines, until a blank line or a sentence that says
something else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.shop.meal.lexicon import Match

_WORDS = r"알레르기|알러지|알레지|알레르지|앨러지|알러르기|알레르겐|알러젠|アレル[ギゲ][ーン]?|あれるぎー?|\bal+erg\w*"
_EATS = r"(?<!안 )(?<!못 )(?<!안)(?<!못)(?:먹으면|마시면|먹었다가|먹기만\s*하면|들어가면|닿으면)"
_ATE = r"(?:먹고|마시고|먹었을\s*때)(?!\s*싶)"
_FALLS_ILL = r"두드러기|쓰러|응급|병원|부어|부었|붓|호흡|숨이|숨을|기절|실려"
_EN_WHO = r"(?:me|him|her|us|them|my \w+)"
_SYMPTOM = (
    rf"{_EATS}.{{0,14}}?(?:{_FALLS_ILL}|큰일|죽(?!\s*(?:먹|추천|요리|이나|으로))|탈\s*나|탈이|탈나|배탈|배\s*(?:가|도)?\s*아|아파|아프|토해|토하|설사|가려|가렵|간지|발진|트러블|위험|알레)"
    rf"|{_ATE}.{{0,14}}?(?:{_FALLS_ILL})"
    r"|아나필락시스|쇼크|두드러기|에피펜|불내증|불내성|과민|체질에\s*안\s*맞|체질적으로|체질상|소화를?\s*(?:못|안)|소화가\s*안|배앓이"
    r"|アナフィラキシー|蕁麻疹|じんましん|じん麻疹|ジンマシン|エピペン|不耐|過敏症|体質|命に|体に合わ|受け付け"
    r"|(?:[をはでが]|食べると|飲むと|食べたら|飲んだら|摂ると).{0,10}?(?:(?:お腹|おなか|腹)を?(?:が|は)?\s*(?:壊|こわ|痛|下)|下痢|吐[くいき]|嘔吐|(?<!お)かゆ[いくみ]|痒|腫れ|発疹|湿疹|死[ぬに]|息が|呼吸|具合が|体調|救急)"
    r"|\bpoison\w*|\btoxic\b|\bdeath\b|\bfatal\b|\bdiarrh\w+|(?:\bnot|n't) agree with\b|\bdisagrees? with\b|\bcramps\b|\bbloat\w*|\baway from (?:me|him|her|us|them)\b|\banaphyla\w*|\bhives\b|\bepi-?\s?pens?\b|\bintoleran\w*|\bbreaks? out\b|\brash\b|\bswells?\b|\bswell up\b|\bthroat (?:closes|itches)\b"
    rf"|\bmakes? {_EN_WHO}(?: \w+)? (?:sick|ill|itch\w*|sneeze|vomit|throw up|nauseous|bloated|swell)\b"
    rf"|\bkills? {_EN_WHO}\b|\b(?:will|would|could|might|can|gonna|'ll|'d) (?:kill|die\b(?! for))|\bdeadly\b|\blife-?\s?threatening\b"
    r"|\bupsets? (?:my|his|her|our|their) (?:stomach|tummy)\b|\breacts? (?:\w+ )?to\b|\breactions? to\b|\bsensitiv\w+ to\b|\bsick from\b"
)
_MARKER = re.compile(rf"(?P<word>{_WORDS})|{_SYMPTOM}")
_LABEL = re.compile(
    rf"(?:{_WORDS})(?:\s*(?:정보|유발|식품|음식|재료|반응|information|info|list|food|食品|食材))*\s*(?:은|는|は|が|가|이)?\s*(?:[:=\-–—(\[|>]|는\s|$)"
    rf"|(?:{_WORDS})(?:가|이|を|が)?\s*(?:있는|유발하는|일으키는|ある|include|to)\s*(?:음식|식품|재료|것|거|もの|食べ物|食品|食材|の|:)?\s*(?:은|는|は)?\s*[:=\-]"
)
_DENIED = re.compile(
    r"(?:알레르기|알러지|알레지|알레르지)\s*(?:반응|같은\s*[거건것])?\s*(?:(?:은|는|가|이|도|이제|이젠|전혀|아예|다|완전히?|더\s*이상|모두|싹)\s*)*(?:없(?:어|음|다|습|고|는데|네|으|었|지만)(?!지\s*않)|아니(?:야|에요|고|다|었)|아닙|아님|나았|나은|사라|완치|극복)"
    r"|アレルギー(?:では|じゃ|は|が|も|で)*(?:特に|全く|まったく|もう)*(?:ない(?!わけ)|無い|なし|無し|ありません|ございません|治[っり]|なくな)"
    r"|(?:\bnot|n't|\bnever|\bno longer)\s+(?:been\s+|really\s+|actually\s+|at all\s+|any\s*more\s+)?al+ergic"
    r"|(?:\b(?:have|has|had|got|with|there are)\s+no|n't\s+have(?:\s+an?y?)?|\bwithout\s+any|\bno longer\s+have(?:\s+an?y?)?)\s+(?:\w+\s+){0,3}?al+erg"
    r"|\bno\s+(?:known\s+|food\s+|other\s+)*al+erg|\boutgrew\b|\bal+erg\w+\s+(?:is|are|has)\s+gone\b"
)
_EXCEPT = re.compile(
    r"말고는|외에는?|빼고는?|제외하고|以外|\bexcept\b|\bother than\b|\bapart from\b|\bbesides\b|\baside from\b"
)
_FINE = re.compile(
    r"(?:은|는|도|만|이랑|류)?\s*(?:괜찮|가능|ok\b|okay|먹어도\s*(?:돼|되|괜)|먹을\s*수\s*있)"
    r"|(?:は|なら|も)?(?:大丈夫|食べられる(?!の)|食べられます|ok|平気)|\s+(?:is|are)\s+(?:fine|ok\b|okay|alright|all right)"
)
_DISLIKE = re.compile(r"싫|못\s*먹|안\s*먹|嫌|苦手|食べ(?:られ)?ない|\bhate|\bdislike|n't like")
_WISH = re.compile(
    r"추천|먹고\s*싶|먹을래|먹자|마시고\s*싶|해\s*줘|해\s*주|만들|땡기|끓여|줘|주세요|원해|부탁|알려|레시피|요리|메뉴|좋아|어때|뭐\s|먹을\s*만"
    r"|食べたい|飲みたい|おすすめ|お願い|教えて|作[るりっれ]|ください|レシピ|料理|メニュー|好き|欲しい|ほしい|いかが"
    r"|\b(?:want|crav\w+|loves?|likes?|recommend\w*|suggest\w*|make|give|cook|find|ideas?|recipes?|please|dinner|lunch|breakfast|feel like|favou?rites?|enjoys?|prefers?|how about|what)\b"
)
_ENDS = re.compile(r"\n[ \t]*\n\s*|\n|(?:\.(?!\w)|[!?。…~])+[ \t]*")
_TURNS = re.compile(
    r"(?:는데|은데|인데|라서|어서|아서|여서|니까|지만|때문에|(?<![하리말빼먹시])고(?!\s*싶)|며|어요|아요|해요|예요|에요|니다|이야|[기지]야|있음|없음|심함|있어|없어|나서|거든)(?=[\s,]|$)"
    r"|アレルギー\S{0,6}?(?:なので|ですが|ですけど|だけど|だから|でも|がある(?!の[はが]|食|もの|物)(?:ので|けど|から|ため)?|ありで|です|のため|持ちで|で[、,])"
    r"|(?:けど|ので|ですが|ますが|だから|ありますが)[、,\s]"
    r"|\b(?=(?:but|however|though|although|because|since|so(?! allergic| sick))\b)"
    r"|[,;]\s*(?=(?:i|i'm|i'd|i've|we|my|she|he|they|give|make|what|find|suggest|recommend|cook|can|could|please|how|let|show|want|need|looking|craving|something|anything)\b)"
    r"|\band\s+(?=(?:i|i'm|i'd|we|want|wants|crav\w+|loves?|likes?|would|need|please|give|make|find|my|she|he|feel)\b)"
    r"|\bfor (?=(?:someone|somebody|an?|my|people|guests?)\b)"
    r"|[;|,/]\s*(?=[^\W\d]{2,20}(?: [^\W\d]{2,12})?\s*[:=])"
)
_LIST_WORDS = re.compile(
    r"이랑|랑|하고|와|과|및|그리고|은|는|이|가|도|등|류|요|입니다|이에요|예요|も|と|や|など|等|類|です|\b(?:and|or|the|an?|also|both|too|only)\b|[\W\d_]+"
)


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int
    sentence: int
    after_blank: bool  # a blank line stands before it
    new_line: bool


def mark(text: str, matches: Sequence[Match], roles: list[str]) -> None:
    """Set the roles of the matches that are allergies ("allergy"), that are said not to be one
    ("denied") or that are said to be all right in passing ("drop"). `text` is normalized."""
    clauses = _clauses(text)
    for number, clause in enumerate(clauses):
        clause_text = text[clause.start : clause.end]
        markers = list(_MARKER.finditer(clause_text))
        if not markers:
            continue
        inside = _within(matches, clause.start, clause.end)
        if _DENIED.search(clause_text) and not _EXCEPT.search(clause_text):
            sentence = _sentence(clauses, clause)
            dislike = _DISLIKE.search(text[sentence.start : sentence.end])
            for index in inside:
                roles[index] = "out" if dislike else "denied"
            continue
        label = _LABEL.search(clause_text) is not None
        for index in inside:
            role = _role(text, clause, markers, matches=matches, index=index, label=label)
            if role == "allergy" and not any("word" in _named(m) for m in markers):
                # "매운 거 먹으면 탈나": what isn't an ingredient is merely left out.
                role = "allergy" if _eaten(matches[index]) else "out"
            if role and (_eaten(matches[index]) or role != "allergy"):
                roles[index] = role
        found = any(roles[index] == "allergy" for index in inside)
        if label or not found:
            listed = _list_after(text, clauses[number + 1 :], matches, roles, label=label)
            found = listed or found
        if not found:
            _look_back(text, clauses, matches, roles, number=number)


def _named(marker: re.Match[str]) -> set[str]:
    return {name for name, value in marker.groupdict().items() if value}


def _eaten(match: Match) -> bool:
    return bool(match.values("term", "allergen"))


def _within(matches: Sequence[Match], start: int, end: int) -> list[int]:
    return [
        index
        for index, match in enumerate(matches)
        if start <= match.start < end
        and not match.values("diet")
        and match.values("term", "allergen", "mood")
    ]


def _role(
    text: str,
    clause: _Clause,
    markers: Sequence[re.Match[str]],
    *,
    matches: Sequence[Match],
    index: int,
    label: bool,
) -> str:
    """Return the role of a match in a clause with a marker; empty to leave it as it was read."""
    match = matches[index]
    if not _eaten(match):
        symptom = not any("word" in _named(marker) for marker in markers)
        first = clause.start + markers[0].start()
        ill = symptom and match.end <= first and "spicy" in match.values("mood")
        return "allergy" if ill else ""
    if _FINE.match(text[match.end :]):
        return "drop"
    start, end = (clause.start + at for at in (markers[0].start(), markers[-1].end()))
    if match.start >= end:
        if match.surface.isascii() and _EXCEPT.search(text[end : match.start]):
            return "allergy" if _DENIED.search(text[clause.start : clause.end]) else "drop"
        named_before = bool(_within(matches, clause.start, start))
        if match.surface.isascii():
            wished = _WISH.search(text[end : match.start])
        else:
            wished = _WISH.search(text[match.end : clause.end])
        if wished and not (label and not named_before):
            return ""
        if named_before and match.values("title", "dish", "kind"):
            return ""  # "밀 알레르기 우동": the dish wished for
    elif (
        match.end <= start
        and (wish := _WISH.search(text[match.end : start]))
        and _within(matches, match.end + wish.end(), start)
    ):
        return ""  # "두부 요리 추천 새우 알레르기"
    return "allergy"


def _list_after(
    text: str,
    clauses: Sequence[_Clause],
    matches: Sequence[Match],
    roles: list[str],
    *,
    label: bool,
) -> bool:
    """Read on after "I'm allergic." or "Allergies: peanuts" over lists and lines."""
    found = False
    for clause in clauses:
        clause_text = text[clause.start : clause.end]
        inside = _within(matches, clause.start, clause.end)
        if clause.after_blank or not inside or _MARKER.search(clause_text):
            break
        line = label and clause.new_line and not re.search(r"[:=]", clause_text)
        plain = line and not _WISH.search(clause_text)
        plain = plain and not any(matches[i].values("title", "kind") for i in inside)
        if not plain and not _is_list(clause_text, clause, matches):
            break
        for index in inside:
            if _eaten(matches[index]):
                roles[index] = "allergy"
                found = True
    return found


def _is_list(clause_text: str, clause: _Clause, matches: Sequence[Match]) -> bool:
    for match in reversed(matches):
        if clause.start <= match.start < clause.end:
            if not _eaten(match):
                return False
            start, end = match.start - clause.start, match.end - clause.start
            clause_text = clause_text[:start] + " " + clause_text[end:]
    return not _LIST_WORDS.sub("", clause_text)


def _look_back(
    text: str,
    clauses: Sequence[_Clause],
    matches: Sequence[Match],
    roles: list[str],
    *,
    number: int,
) -> None:
    """Look before a marker whose clause names nothing: "no nuts, because my wife is allergic"."""
    clause = clauses[number]
    sentence = _sentence(clauses, clause)
    here = [i for i in _within(matches, sentence.start, sentence.end) if _eaten(matches[i])]
    refused = [i for i in here if roles[i] in ("out", "hard", "allergy")]
    if not here and number and not clause.after_blank:
        before = clauses[number - 1]
        if _is_list(text[before.start : before.end], before, matches):
            here = _within(matches, before.start, before.end)
    before_it = [i for i in here if matches[i].start < clause.start]
    wishless = [
        i
        for i in before_it
        for c in clauses
        if c.start <= matches[i].start < c.end and not _WISH.search(text[c.start : c.end])
    ]
    for index in refused or wishless or before_it:
        roles[index] = "allergy"


def _clauses(text: str) -> list[_Clause]:
    clauses: list[_Clause] = []
    at, blank, line = 0, False, False
    ends = [(found.start(), found.end(), found.group()) for found in _ENDS.finditer(text)]
    for number, (start, end, ender) in enumerate([*ends, (len(text), len(text), "")]):
        cuts = [found.end() for found in _TURNS.finditer(text, at, start)]
        for left, right in zip([at, *cuts], [*cuts, start], strict=True):
            if text[left:right].strip():
                clauses.append(_Clause(left, right, number, after_blank=blank, new_line=line))
                blank = line = False
        at = end
        blank = blank or ender.count("\n") > 1
        line = line or "\n" in ender
    return clauses


def _sentence(clauses: Sequence[_Clause], clause: _Clause) -> _Clause:
    same = [other for other in clauses if other.sentence == clause.sentence]
    return _Clause(same[0].start, same[-1].end, clause.sentence, after_blank=False, new_line=False)
