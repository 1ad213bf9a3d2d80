"""Every sentence of suggestions and offers, in ko, en, ja.

{p} is the name of the product that is suggested, {a} that of the listed one it goes with. The
particle after a colon ({p:을}) takes the form that the name's last sound asks for (see names.py).
"""

from __future__ import annotations

from core.shop.meal.models import Language

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

SECTIONS: dict[str, dict[str, str]] = {
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
