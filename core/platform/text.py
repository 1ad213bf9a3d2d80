"""Texts as people write and paste them, rid of what nobody sees.

Decision 28 says which kind of text loses what.
"""

from __future__ import annotations

import re
import unicodedata

# What takes no room, or looks like a space, beside the categories Cc, Cf and Z (Unicode's
# Default_Ignorable_Code_Point; U+2800 is the empty Braille pattern).
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
_IGNORED = "\u034f\u17b4\u17b5\u180b-\u180f\u2065\ufe00-\ufe0f\ufff0-\ufff8"
_UNSEEN = re.compile(
    rf"[{_FILLERS}{_IGNORED}\U000e0000-\U000e0fff]"  # the last: tags, and more selectors
)
_SPACE = re.compile(rf"[\s{_FILLERS}]")
# Embedding, override and isolate: they turn round what comes after them, beyond the text.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VARIATIONS = "\ufe0e\ufe0f"  # as a text, as an emoji
_SKIN = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_KEYCAP = "\u20e3"
# The flags of England, Scotland and Wales are spelt in letters that can't be seen.
_FLAGS = [
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(each)) for each in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
]
_PIECES = re.compile("|".join([*_FLAGS, "."]), re.DOTALL)
_VIRAMA = 9
# Arabic letters that join to nothing behind them: a non-joiner there changes nothing.
_NO_JOIN = frozenset("ءآأؤإاةدذرزوىٱٲٳٵڈډڊڋڌڍڎڏڐڑڒړڔڕږڗژڙۀۃۄۅۆۇۈۉۊۋۍۏەۮۯ")


def is_unseen(letter: str) -> bool:
    """Whether a character shows nothing of its own: a space, a control, a mark of direction."""
    category = unicodedata.category(letter)
    return category in ("Cc", "Cf") or category[0] == "Z" or bool(_UNSEEN.match(letter))


def shows_nothing(text: str) -> bool:
    """Whether there is nothing to see in a text: marks without a letter count as nothing."""
    return all(is_unseen(each) or unicodedata.category(each)[0] == "M" for each in text)


def strip_unseen(text: str) -> str:
    """A text without what can't be seen at its ends, as copying and pasting leaves it."""
    start, end = 0, len(text)
    while start < end and is_unseen(text[start]):
        start += 1
    while end > start and is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def one_line(text: str) -> str:
    """A text that others know something by: what looks the same is the same.

    Composed (NFC), each kind of space as the plain one, none at the ends, and without characters
    that can't be seen, but for those that a script needs where they stand: joiners in emoji and in
    Indic scripts, the non-joiner in Persian. Empty when there is nothing to see in it.
    """
    # First spaces, some of which are controls.
    spaced = _SPACE.sub(" ", text)
    kept: list[str] = []
    end = 0
    for piece in _PIECES.findall(spaced):
        end += len(piece)
        seen = piece == " " or len(piece) > 1 or not is_unseen(piece)
        if seen or _is_needed(piece, "".join(kept[-3:]), spaced[end : end + 1]):
            kept.append(piece)
    line = unicodedata.normalize("NFC", "".join(kept).strip(" "))
    return "" if shows_nothing(line) else line


def paragraphs(text: str) -> str:
    """A text to be read: as it was written, but for controls, what turns the direction of the
    words around it, and the space around it. Empty when there is nothing to see in it."""
    text = _DIRECTION.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc")
    return "" if shows_nothing(text) else text.strip()


def _is_needed(letter: str, before: str, after: str) -> bool:
    """Whether a script needs an unseen character between what stands before and after it."""
    if not before:
        return False
    last = before[-1]
    if letter in _VARIATIONS:
        return _is_picture(last) or (last in "#*0123456789" and after == _KEYCAP)
    if "\u180b" <= letter <= "\u180f":
        return "\u1800" <= last <= "\u18aa"
    if not after or letter not in (_ZWNJ, _ZWJ):
        return False
    if unicodedata.combining(last) == _VIRAMA:
        return True
    if letter == _ZWJ:
        return _is_picture(before.rstrip(_VARIATIONS + _SKIN)[-1:]) and _is_picture(after)
    arabic = all(unicodedata.bidirectional(each) == "AL" for each in (last, after))
    return arabic and last not in _NO_JOIN


def _is_picture(letter: str) -> bool:
    return letter >= "\u2190" and unicodedata.category(letter) in ("So", "Sm")
