# ruff: noqa: E501 - the patterns are lists of words; broken up they are harder to read
"""What a Japanese sentence says of a word, and its numbers. It stands after the word: "豆腐抜き".

ALLERGY to HAVE are matched just after a word, SWAP, FROM_TO, CHANGE and JOIN between two; SERVINGS
and MONEY are searched anywhere. Plain text is a part of a pattern that parser.py makes of all three
languages.
"""

import re

_BETWEEN = r"(?:は|が|を|も|の|匂い|臭い|におい|臭み|食感|と|とか|など|系|料理|入り|のもの|もの|類|味|だけは|だけ|って)*\s*"
ALLERGY = re.compile(r"(?:の|に|は|が|も)*\s*(?:アレルギー|あれるぎー|アレルギ)")
HARD = re.compile(
    _BETWEEN
    + r"(?:絶対に?|体質的に|本当に|全部|全て|すべて|一切)*(?:食べられ?ない|食べられ?ません|食べれ|飲め(?:ない|ません)|飲まない|食べない|食べません|禁止|ng|無理|不可|不使用|除去|(?:体に)?合わない|合いません|厳禁|x(?![a-z])|×|✕)"
)
ONLY = re.compile("しか")
OUT = re.compile(
    _BETWEEN
    + r"(?:なし|無し|ナシ|抜き|ぬき|抜い|以外|じゃなく|ではなく|でなく|じゃない|ではない|除い|除く|除外|入れない|入れずに|入ってない|入っていない"
    r"|使わない|使わず|なくて|ない(?!と|か)|嫌い|きらい|嫌|苦手|ダメ|だめ|駄目|NG|ng|いらない|要らない|いりません|やめ|避け|控え|外して|切らし"
    r"|飽き|はちょっと|ちょっと苦手|は無理|無理|ありません|無い)"
)
SWAP = re.compile(
    r"(?:の代わりに?|のかわりに?|じゃなくて?|ではなくて?|でなく|をやめて|より)\s*、?\s*$"
)
TO = re.compile(
    r"(?:に|へ)(?:変え|替え|代え|換え|かえ|チェンジ|変更|して)|で(?:お願い|作|おねがい|$|[。!?])|を使"
)
FROM_TO = re.compile(r"(?:を|は)\s*$")
ADD = re.compile(
    r"(?:も|を|と)?(?:少し|一緒に|たっぷり|もう少し|追加で)?(?:追加|入れ(?!ない|ず)|加え|足し|つけて|付けて|添え|欲しい|ほしい|飲みたい|のせ|プラス|合わせ)"
)
ALSO = re.compile(r"も(?:$|[。、!?\s]|お願い|おねがい|ください|一緒|買|いい|必要|ちょうだい)")
MORE = re.compile(r"(?:を|は|も)?\s*(?:多め|倍|もっと|増やし|大盛り)")
HAVE = re.compile(
    r"(?:だけ)?(?:が|は|も|を)?(?:たくさん|いっぱい|少し|まだ)?(?:ある|あり|余っ|余り|残っ|残り|あまっ|使っ|使い切|使いたい|使う|消費|大量|で作|で何)"
)
JOIN = re.compile(r"(?:と|や|、|,|とか|も|・|に|および|または|及び|か|\s)*")
# Between an old and a new: "豆腐を鶏肉に変えて".
CHANGE = re.compile(r"(?:に|へ)(?:変|替|代|換|かえ|チェンジ|して)")
GOES_WITH = r"(?:に|と)(?:よく|ぴったり)?(?:合|あ)"
ANOTHER = r"別の|他の|ほかの|他に|ほかに|違う(?:の|もの|料理|メニュー|やつ)|違うものが|別な|それ以外|これ以外|もう一つ|もうひとつ|気に入らない|他には|別メニュー"

NUMBERS = {
    "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
}  # fmt: skip
ORDINALS = {"最初": 1, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
SERVINGS = (
    re.compile(
        r"((?<![\d.])\d{1,6}(?:\.\d+)?|[一二三四五六七八九十])\s*(?:人前|人分|人家族|名様|名分|名|人(?!気|参|間|生|一|暮))"
    ),
)
# Words that say how many eat, by their number.
HEADCOUNTS = {
    1: r"一人で|ひとりで|一人暮らし|ひとり暮らし",
    2: r"ふたり(?:で|分|前|暮)|二人(?:で|暮)",
}
# "最初のに", "二番目の": an earlier suggestion.
BACK = r"(最初)(?:の|に)|([一二三四五1-9])(?:番目|つ目)(?:の|に)"
MINUTES = r"分(?!の1)"
HOURS = r"時間(?!が)"
HALF_MORE = "半"
MONEY = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d{3,6})\s*円|(\d|[一二三四五])?千円|(\d|[一二三四五])万円|ワンコイン"
)
# A 500 yen coin: "a lunch for one coin".
ONE_COIN = "ワンコイン"
MONEY_CUE = "円"
EACH = "1人あたり|一人あたり|一人当たり"
