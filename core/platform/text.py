"""Clean texts that people write and paste of the characters that nobody sees.

Decision 28 says which kind of text loses which characters.
"""

from __future__ import annotations

import re
import unicodedata

# Characters that have no width or look like a space, in addition to the categories Cc, Cf and Z
# (Unicode's Default_Ignorable_Code_Point; U+2800 is the empty Braille pattern).
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
_IGNORED = "\u034f\u17b4\u17b5\u180b-\u180f\u2065\ufe00-\ufe0f\ufff0-\ufff8"
_UNSEEN = re.compile(
    rf"[{_FILLERS}{_IGNORED}\U000e0000-\U000e0fff]"  # the last range: tags, and more selectors
)
_SPACE = re.compile(rf"[\s{_FILLERS}]")
# Embedding, override and isolate: they change the direction of what follows, beyond the text's end.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VARIATIONS = "\ufe0e\ufe0f"  # show as text, show as emoji
_SKIN = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_KEYCAP = "\u20e3"
# The flags of England, Scotland and Wales are spelt with invisible letters.
_FLAGS = [
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(each)) for each in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
]
_PIECES = re.compile("|".join([*_FLAGS, "."]), re.DOTALL)
_VIRAMA = 9
# Arabic letters that never join the letter after them: a non-joiner there changes nothing.
_NO_JOIN = frozenset("ءآأؤإاةدذرزوىٱٲٳٵڈډڊڋڌڍڎڏڐڑڒړڔڕږڗژڙۀۃۄۅۆۇۈۉۊۋۍۏەۮۯ")


def is_unseen(letter: str) -> bool:
    """Return whether a character is invisible: a space, a control, a mark of direction."""
    category = unicodedata.category(letter)
    return category in ("Cc", "Cf") or category[0] == "Z" or bool(_UNSEEN.match(letter))


def shows_nothing(text: str) -> bool:
    """Return whether a text shows nothing. Combining marks without a letter show nothing."""
    return all(is_unseen(each) or unicodedata.category(each)[0] == "M" for each in text)


def strip_unseen(text: str) -> str:
    """Return a text without the invisible characters that pasting leaves at its ends."""
    start, end = 0, len(text)
    while start < end and is_unseen(text[start]):
        start += 1
    while end > start and is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def one_line(text: str) -> str:
    """Return a name in one form, so that names that look the same are the same.

    The form is composed (NFC). Every kind of space becomes the plain one, with none at the ends.
    Invisible characters are removed, except where a script needs them: joiners in emoji and in
    Indic scripts, the non-joiner in Persian. The result is empty if the text shows nothing.
    """
    # Spaces first, because some of them are controls, which are removed below.
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
    """Return a text for reading, as it was written except for three things.

    Controls, marks that change the direction of surrounding words, and the space at both ends are
    removed. Line breaks become "\\n". The result is empty if the text shows nothing.
    """
    text = _DIRECTION.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc")
    return "" if shows_nothing(text) else text.strip()


def _is_needed(letter: str, before: str, after: str) -> bool:
    """Return whether a script needs an invisible character between these two texts."""
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
