# ruff: noqa: E501 - one wording, one line
"""The sentences a shopper reads, in three languages. `variant` picks one of several wordings."""

from collections.abc import Sequence

from core.shop.meal.models import Language

_JOSA = {
    "은": "는",
    "이": "가",
    "을": "를",
    "과": "와",
    "으로": "로",
    "이에요": "예요",
    "이라": "라",
}


def josa(word: str, particle: str) -> str:
    """Return the word with the form of the particle (named by its after-consonant form) it takes.

    >>> josa("카레", "을"), josa("된장국", "으로"), josa("두부", "이에요")
    ('카레를', '된장국으로', '두부예요')
    """
    last = next((char for char in reversed(word) if char.isalnum()), "")
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        closed = final != 0 and not (particle == "으로" and final == 8)  # 물로, not 물으로
    else:
        closed = last in "013678lmnr"  # read aloud: 영, 일, 삼, 육, 칠, 팔, 엘, 엠, 엔, 알
    return word + (particle if closed else _JOSA[particle])


def listed(names: Sequence[str], language: Language) -> str:
    names = list(dict.fromkeys(names))
    if language == "en":
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    if language == "ja":
        return "と".join(names) if len(names) < 3 else "、".join(names)
    return josa(names[0], "과") + " " + names[1] if len(names) == 2 else ", ".join(names)


_INTRO: dict[str, tuple[str, ...]] = {
    "ko": (
        "오늘 메뉴는 {title} 어떠세요? {hook}",
        "{title_을} 준비해 봤어요. {hook}",
        "오늘은 {title} 한번 만들어 보세요. {hook}",
    ),
    "en": (
        "How about {title} today? {hook}",
        "Let's make {title}. {hook}",
        "Today's pick is {title}. {hook}",
    ),
    "ja": (
        "今日のメニュー、{title}はいかがですか？{hook}",
        "今日は{title}にしてみませんか？{hook}",
        "{title}をご用意しました。{hook}",
    ),
}
_INTRO_AGAIN: dict[str, tuple[str, ...]] = {
    "ko": (
        "말씀하신 대로 {title_을} 다듬어 봤어요. {hook}",
        "{title} 그대로, 원하시는 대로 맞췄어요. {hook}",
    ),
    "en": (
        "Same {title}, the way you asked for it. {hook}",
        "I've adjusted the {title} for you. {hook}",
    ),
    "ja": (
        "ご希望に合わせて{title}を整えました。{hook}",
        "{title}はそのまま、ご希望どおりに調整しました。{hook}",
    ),
}
_INTRO_OTHER: dict[str, tuple[str, ...]] = {
    "ko": ("그럼 {title} 어떠세요? {hook}", "이번에는 {title_을} 골라 봤어요. {hook}"),
    "en": ("How about {title} instead? {hook}", "This time I picked {title}. {hook}"),
    "ja": ("では{title}はいかがですか？{hook}", "今度は{title}を選んでみました。{hook}"),
}
_HOOK = {
    "ko": (
        "{minutes}분이면 {servings}인분이 완성돼요.",
        "{servings}인분, {minutes}분이면 충분해요.",
    ),
    "en": (
        "It takes about {minutes} minutes and serves {servings}.",
        "Ready in {minutes} minutes, enough for {servings}.",
    ),
    "ja": (
        "約{minutes}分で{servings}人分ができます。",
        "{servings}人分が{minutes}分ほどで仕上がります。",
    ),
}

# Why it suits, by what was asked for. First match wins.
_REASONS: dict[str, dict[str, tuple[str, ...]]] = {
    "rainy": {
        "ko": ("비 오는 날에 참 잘 어울리는 메뉴예요.", "빗소리 들으며 드시면 더 맛있을 거예요."),
        "en": ("It's just the thing for a rainy day.", "It tastes even better with rain on the window."),
        "ja": ("雨の日にぴったりの一品です。", "雨音を聞きながら味わうと、いっそうおいしいですよ。"),
    },
    "hangover": {
        "ko": ("속을 부드럽게 풀어 줄 거예요.", "숙취로 지친 속을 달래 주는 메뉴예요."),
        "en": ("It will settle your stomach nicely.", "It's kind to you the morning after."),
        "ja": ("お酒で疲れた胃をやさしくいたわってくれます。",),
    },
    "energy": {
        "ko": ("기운이 필요할 때 힘이 나는 메뉴예요.", "지친 하루에 든든한 보양이 될 거예요."),
        "en": ("It's what you need when you're running low.", "It will put some energy back into you."),
        "ja": ("疲れたときに元気をくれるメニューです。",),
    },
    "sick": {
        "ko": ("속이 편안해서 몸이 안 좋을 때 드시기 좋아요.",),
        "en": ("It's gentle and easy to eat when you're not feeling well.",),
        "ja": ("やさしい味なので、体調がすぐれないときにも食べやすいです。",),
    },
    "party": {
        "ko": ("여럿이 둘러앉아 드시기 좋아 손님상에도 잘 어울려요.", "손님들이 좋아할 만한 메뉴로 골랐어요."),
        "en": ("It's made for sharing, so your guests will be happy.", "It looks good on the table when people come over."),
        "ja": ("みんなで囲めるので、おもてなしにもぴったりです。",),
    },
    "birthday": {
        "ko": ("특별한 날 상차림에 잘 어울리는 메뉴예요.",),
        "en": ("It makes the day feel special.",),
        "ja": ("特別な日の食卓にふさわしい一品です。",),
    },
    "date": {
        "ko": ("분위기 있는 저녁에 잘 어울려요.",),
        "en": ("It sets the mood for a nice evening together.",),
        "ja": ("ふたりのすてきな時間によく合います。",),
    },
    "diet": {
        "ko": ("가볍게 드실 수 있어 식단 관리 중에도 부담이 적어요.",),
        "en": ("It's light, so it fits well when you're watching what you eat.",),
        "ja": ("軽めなので、ダイエット中でも取り入れやすいです。",),
    },
    "healthy": {
        "ko": ("몸이 편안해지는 건강한 한 끼예요.",),
        "en": ("It's a wholesome meal that does you good.",),
        "ja": ("体にうれしいヘルシーな一品です。",),
    },
    "cold": {
        "ko": ("쌀쌀한 날 몸을 따뜻하게 해 줄 거예요.",),
        "en": ("It will warm you up on a cold day.",),
        "ja": ("寒い日に体の芯から温まります。",),
    },
    "hot": {
        "ko": ("더운 날에도 입맛이 살아나는 메뉴예요.",),
        "en": ("It goes down easily on a hot day.",),
        "ja": ("暑い日でも食が進むメニューです。",),
    },
    "kids": {
        "ko": ("아이들도 잘 먹는 메뉴예요.",),
        "en": ("Children like this one too.",),
        "ja": ("お子さまも喜んで食べてくれます。",),
    },
    "drinking": {
        "ko": ("한잔 곁들이기에 딱 좋은 안주예요.",),
        "en": ("It goes well with a drink.",),
        "ja": ("お酒のお供にぴったりです。",),
    },
    "stress": {
        "ko": ("스트레스가 확 풀리는 맛이에요.",),
        "en": ("It's a good one to shake off the day.",),
        "ja": ("ストレスを吹き飛ばしてくれる味です。",),
    },
    "quick": {
        "ko": ("바쁜 날에도 뚝딱 만들 수 있어요.",),
        "en": ("It comes together fast, even on a busy day.",),
        "ja": ("忙しい日でもさっと作れます。",),
    },
    "budget": {
        "ko": ("재료비가 비교적 적게 드는 메뉴예요.",),
        "en": ("It's usually one of the cheaper ones to make.",),
        "ja": ("比較的材料費を抑えやすい一品です。",),
    },
    "breakfast": {
        "ko": ("하루를 편안하게 시작하기 좋아요.",),
        "en": ("It's a good way to start the day.",),
        "ja": ("一日の始まりにちょうどいい一品です。",),
    },
    "spicy": {
        "ko": ("매콤한 맛이 입맛을 확 살려 줄 거예요.",),
        "en": ("It has just the kick you're after.",),
        "ja": ("ピリッとした辛さが食欲をそそります。",),
    },
    "comfort": {
        "ko": ("마음까지 따뜻해지는 한 끼가 될 거예요.",),
        "en": ("It's the kind of meal that makes you feel better.",),
        "ja": ("心までほっと温まる一品です。",),
    },
    "light": {
        "ko": ("부담 없이 가볍게 드시기 좋아요.",),
        "en": ("It's light and won't weigh you down.",),
        "ja": ("さっぱりと軽くいただけます。",),
    },
    "hearty": {
        "ko": ("한 그릇으로도 속이 든든해요.",),
        "en": ("It will fill you up properly.",),
        "ja": ("食べごたえがあって大満足の一品です。",),
    },
    "": {
        "ko": ("오늘 같은 날에 잘 어울리는 메뉴예요.", "누구나 편하게 즐길 수 있는 맛이에요.", "부담 없이 만들 수 있어 식사 준비가 한결 편해요.", "한 번 해 두면 자꾸 생각나는 맛이에요.", "집에서 만들면 더 맛있는 메뉴예요.", "재료 손질이 어렵지 않아요."),
        "en": ("It's a good fit for a day like today.", "It's an easy one to enjoy.", "You won't need anything fancy for it.", "It's the sort of dish you come back to.", "Homemade is the best way to have it.", "There's nothing tricky in the prep."),
        "ja": ("今日のような日によく合うメニューです。", "どなたにも親しみやすい味です。", "材料もそろえやすいですよ。", "また食べたくなる味です。", "おうちで作るとひと味違います。", "下ごしらえもむずかしくありません。"),
    },
}  # fmt: skip

_NOTES: dict[str, dict[str, str]] = {
    "added": {"ko": "{a}도 함께 담았어요.", "en": "I've added {a} as well.", "ja": "{a}も一緒に入れておきました。"},
    "more": {"ko": "{a_은} 더 넉넉하게 담았어요.", "en": "I've put in extra {a}.", "ja": "{a}は多めにしました。"},
    "swapped": {"ko": "{a} 대신 {b_으로} 바꿨어요.", "en": "I've used {b} instead of {a}.", "ja": "{a}の代わりに{b}を使いました。"},
    "instead_of": {"ko": "{a} 대신 {b_을} 곁들여 봤어요.", "en": "Instead of {a}, I've added {b}.", "ja": "{a}の代わりに{b}を添えました。"},
    "left_out": {"ko": "{a_은} 뺐어요.", "en": "I've left out the {a}.", "ja": "{a}は抜きました。"},
    "without": {"ko": "{a} 없이 즐길 수 있는 메뉴로 골랐어요.", "en": "I've kept it free of {a}.", "ja": "{a}を使わないメニューにしました。"},
    "kept_out": {"ko": "{a_은} 앞으로도 넣지 않을게요.", "en": "I'll keep {a} out.", "ja": "{a}は入れないようにしますね。"},
    "other_than": {"ko": "{a} 말고 다른 메뉴로 골랐어요.", "en": "I've picked something other than {a}.", "ja": "{a}以外のメニューにしました。"},
    "safe": {"ko": "{a} 알레르기를 생각해서 관련 재료는 넣지 않았어요.", "en": "With your allergies in mind, it's free of {a}.", "ja": "{a}アレルギーに配慮し、関連する材料は使っていません。"},
    "diet": {"ko": "{a} 식단에 맞췄어요.", "en": "It fits your {a} diet.", "ja": "{a}の食事に合わせました。"},
    "refused_allergy": {"ko": "{a_은} 드시면 안 되는 재료라서 넣지 않았어요. 양해 부탁드려요.", "en": "I've kept {a} out, since you can't have it. I hope that's all right.", "ja": "{a}は召し上がれない食材なので、入れずにおきました。ご了承ください。"},
    "refused_minor": {"ko": "술은 성인이 되면 함께 즐겨요. {a_은} 담지 않았어요.", "en": "Alcohol can wait until you're of age, so I've left {a} out.", "ja": "お酒は大人になってからのお楽しみです。{a}は入れていません。"},
    "uses": {"ko": "가지고 계신 {a_을} 활용할 수 있어요.", "en": "It makes good use of the {a}.", "ja": "{a}を上手に使えます。"},
    "servings": {"ko": "{a}인분에 맞춰 양을 조절했어요.", "en": "The quantities are for {a}.", "ja": "{a}人分に分量を調整しました。"},
    "odd_servings": {"ko": "한 번에 1인분부터 20인분까지 준비할 수 있어서 {a}인분으로 맞췄어요.", "en": "I can plan for 1 to 20 people at a time, so the quantities are for {a}.", "ja": "一度にご用意できるのは1〜20人分のため、{a}人分でお作りしました。"},
    "late": {"ko": "딱 맞는 메뉴가 없어서 {a}분 정도 걸리는 메뉴로 골랐어요.", "en": "Nothing quite fit your time, so this one takes about {a} minutes.", "ja": "ご希望の時間に合うものがなく、{a}分ほどかかるメニューになりました。"},
    "costly": {"ko": "예산에 맞을 만한 메뉴가 없어서 가장 가까운 메뉴(어림잡아 {a}원)로 골랐어요.", "en": "Nothing quite fit your budget; this is the closest, at an estimated {a} won.", "ja": "ご予算にぴったりのものがなく、いちばん近いメニュー（目安は{a}ウォン）にしました。"},
    "instead": {"ko": "{a_은} 조건에 맞게 만들기 어려워서 다른 메뉴로 골랐어요.", "en": "The {a} wouldn't work with what you need, so I've picked something else.", "ja": "{a}は条件に合わせるのが難しいため、別のメニューにしました。"},
    "near": {"ko": "{a_이} 들어가는 메뉴는 조건에 맞는 것이 없어서 가까운 메뉴로 골랐어요.", "en": "Nothing with {a} fit, so this is the closest.", "ja": "{a}を使うメニューで条件に合うものがなく、近いものを選びました。"},
    "milder": {"ko": "매운 재료는 뺐어요.", "en": "I've left the chili out.", "ja": "辛い材料は控えました。"},
    "hotter": {"ko": "{a_을} 더해 매콤하게 맞췄어요.", "en": "I've added {a} for a kick.", "ja": "{a}を加えて辛めにしました。"},
}  # fmt: skip

_ADJECTIVES = {
    "spicy": {"ko": "매콤 {t}", "en": "spicy {t}", "ja": "ピリ辛{t}"},
    "mild": {"ko": "순한 {t}", "en": "mild {t}", "ja": "マイルド{t}"},
    "vegan": {"ko": "비건 {t}", "en": "vegan {t}", "ja": "ヴィーガン{t}"},
    "vegetarian": {"ko": "채식 {t}", "en": "vegetarian {t}", "ja": "ベジ{t}"},
    "with": {"ko": "{w} {t}", "en": "{t} with {w}", "ja": "{w}の{t}"},
}


def title_as(kind: str, title: str, language: Language, word: str = "") -> str:
    return _ADJECTIVES[kind][language].format(t=title, w=word)


def food(name: str, language: Language) -> str:
    """Give an adjective of the vocabulary the noun it wants: "매운" → "매운 음식"."""
    if language == "ko":
        final = (ord(name[-1]) - ord("가")) % 28 if "가" <= name[-1] <= "힣" else 0
        return f"{name} 음식" if final == 4 else name  # ends in ㄴ: an adjective
    if language == "ja":
        return f"{name}もの" if name.endswith("い") else name
    return f"{name} food"


def note(kind: str, language: Language, a: str = "", b: str = "") -> str:
    values = {"a": a, "b": b}
    if language == "ko":
        for name, word in (("a", a), ("b", b)):
            for particle in ("은", "이", "을", "과", "으로"):
                values[f"{name}_{particle}"] = josa(word, particle) if word else ""
    return _NOTES[kind][language].format(**values)


def intro(
    language: Language, how: str, title: str, *, minutes: int, servings: int, variant: int
) -> str:
    """Write the first sentence. how: "new", "again" (the same dish, adjusted) or "other" (another one in the chat)."""
    tables = {"new": _INTRO, "again": _INTRO_AGAIN, "other": _INTRO_OTHER}
    table = tables[how][language]
    hooks = _HOOK[language]
    hook = hooks[variant // 7 % len(hooks)].format(minutes=minutes, servings=servings)
    title_을 = josa(title, "을") if language == "ko" else ""
    text = table[variant % len(table)].format(title=title, hook=hook, title_을=title_을)
    return text[0].upper() + text[1:]


def reason(language: Language, tags: Sequence[str], variant: int) -> str:
    tag = next((tag for tag in _REASONS if tag and tag in tags), "")
    options = _REASONS[tag][language]
    return options[variant // 3 % len(options)]


def greeting(language: Language, name: str | None) -> str:
    if not name:
        return ""
    return {"ko": f"{name}님, ", "en": f"{name}, ", "ja": f"{name}さん、"}[language]


def plain_description(language: Language, title: str, names: Sequence[str]) -> str:
    """Describe a dish that was changed so far that its own sentence would be wrong."""
    what = listed(names, language)
    if language == "en":
        return f"{title[0].upper()}{title[1:]} made with {what}."
    if language == "ja":
        return f"{what}で作る{title}です。"
    return f"{josa(what, '으로')} 만드는 {josa(title, '이에요')}."
