# ruff: noqa: E501 - the patterns are lists of words; broken up they are harder to read
"""What an English sentence says of a word, and its numbers. Most of it stands before the word.

What ends in `$` is searched before a word, the others of OUT to HAVE are matched just after it; JOIN,
LIST, SWAP_BETWEEN and WITH are between two. SERVINGS and MONEY are searched anywhere. Plain text is
a part of a pattern that parser.py makes of all three languages.
"""

import re

OUT = re.compile(
    r"\b(?:no|without|w/o|not|except|except for|hold|skip|minus|don'?t like|do not like|doesn'?t like|hate|hates|dislike|dislikes"
    r"|other than|anything but|instead of|leave out|remove|drop|no more|sick of|tired of|bored of|had enough|don'?t want|do not want"
    r"|don'?t feel like|rather than|besides|out of|don'?t have|exclude|excluding|avoid|avoids|avoiding|never|nothing|isn'?t|take out)"
    r"(?:\s+(?:any|the|a|an|some|to|eat|eating|having|more|with|that|put|use|using|add|include|just|another|much|too))*\s+$"
)
HARD = re.compile(
    r"\b(?:can'?t|cannot|can not|don'?t|do not|doesn'?t|does not|won'?t|never|not allowed to|not|not able to|unable to|mustn't|must not|shouldn't)\s+(?:eat|have|tolerate|drink|digest|handle|stomach|do|process|touch)"
    r"(?:\s+(?:any|the|a|an|some|anything with))*\s+$"
)
HARD_AFTER = re.compile(
    r"\s*(?:is|are)?\s*(?:strictly\s+)?(?:off[- ]limits|forbidden|prohibited|banned|not allowed)|\s*[:=(]\s*(?:no|x|none|never|severe|moderate|high)(?![a-z])|\s*-?\s*free\b|\s*[❌✗✕×]"
)
AVOID = re.compile(
    r"\b(?:avoid(?:s|ing)?|stay(?:s|ing)? away from|steer(?:s|ing)? clear of)(?:\s+(?:any|all|the|a|an|some|eating))*\s+$"
)
HAVENT = re.compile(r"\b(?:don'?t|do not)\s+have(?:\s+(?:any|the|a|an|some))*\s+$")
ALLERGIC = re.compile(
    r"\b(?:allergic to|allergy to|allergies to|allergic|allergies|allergy|intolerant to|intolerance to|intolerances?)\s*:?\s*(?:\w+\s+)?$"
)
ALLERGY_AFTER = re.compile(r"\s*(?:allergy|allergies|allergic|intolerant|intolerance)")
FREE = re.compile(r"\s*-?\s*free\b|less\b")
ADD = re.compile(
    r"\b(?:add|adding|plus|include|including|throw in|put in|also|toss in|extra|and some|along with|pair with|serve with)(?:\s+(?:some|a|an|the|more|a bit of|a little|a bottle of|bottle of|in|with))*\s+$"
)
ALSO = re.compile(r"\s*(?:too|as well|also|on the side)\b")
HAVE = re.compile(
    r"\b(?:have|got|there'?s|there is|there are|leftover|left over|left-over|using|use up|use|uses|with|bought|fridge full of|lots of|contain|contains|containing|based on)"
    r"(?:\s+(?:some|a|an|the|my|only|lots of|a lot of|leftover|extra|just|plenty of|up|fresh|\d+))*\s+$"
)
JOIN = re.compile(r"\s*(?:,|&|/|and|or|nor|plus|\s)*(?:\s*(?:no|any|some|the|a|an))?\s*")
SWAP_BETWEEN = re.compile(r"\s+(?:instead of|rather than|in place of|not|over)\s+(?:the\s+)?")
REPLACE = re.compile(r"\b(?:replace|swap|substitute|change|switch)(?:\s+(?:out|the|my))*\s+$")
WITH = re.compile(r"\s+(?:with|for|to|by|into)\s+(?:some\s+)?")
_NUMBER = r"((?<![\d.$])\d{1,4}(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten)"
# What makes a list of words, somewhere between them.
LIST = re.compile(r",|and|or|nor|&|/")
GOES_WITH = r"\s*(?:snack|food|pairing)"
ANOTHER = (
    r"\bsomething else\b|\banything else\b|\banother\b|\bdifferent\b|\bother (?:dish|dishes|one|ones|ideas?|options?|suggestions?|recipe)\b|\bwhat else\b"
    r"|\bnot (?:that|this)(?: one)?\b|\btry again\b|\bdon'?t like (?:it|that|this)\b|\balternative"
)

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "a couple": 2,
}  # fmt: skip
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
SERVINGS = (
    re.compile(
        r"\b(?:for|serves?|feeds?|feeding|family of|party of|dinner for|table for)\s+(?:a |my |the )?(?:family of |party of |group of )?"
        + _NUMBER
        + r"\b(?!\s*(?:-?\s*minutes?|mins?|hours?|dollars?|bucks|days?|usd|won|yen|%))"
    ),
    re.compile(
        r"\b"
        + _NUMBER
        + r"\s*(?:-?\s*)(?:people|persons?|servings?|portions?|guests|adults|of us)\b"
    ),
)
# Words that say how many eat, by their number.
HEADCOUNTS = {
    1: r"\bjust (?:for )?me\b|\bfor one\b|\bby myself\b|\bliving alone\b",
    2: r"\b(?:two of us|for us two|couple)\b",
}
# "the second one": an earlier suggestion.
BACK = r"\b(first|second|third|fourth|fifth) (?:one|dish|suggestion|recipe|idea|option|meal)\b"
MINUTES = r"-?\s*min(?:ute)?s?\b"
HOURS = r"hours?\b"
HOUR_COUNTS = "half an|an|one|two"
PART_HOURS = {"half an": 0.5, "an": 1.0}
HALF_HOUR = "half hour"
MONEY = re.compile(r"\$\s*(\d+(?:\.\d+)?)|\b(\d+(?:\.\d+)?)\s*(?:dollars|bucks|usd)\b|(?:₩\s*([\d,]+)|\b([\d,]{4,})\s*(?:won|krw)\b)|¥\s*([\d,]+)|\b([\d,]{3,})\s*(?:yen|jpy)\b")  # fmt: skip
EACH = r"\bper (?:person|head|serving)\b|\beach\b"
# Where what is said of a word ends.
PART_ENDS = r"and\b|but\b"
