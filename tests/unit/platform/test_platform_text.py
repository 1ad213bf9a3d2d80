"""Texts without what nobody sees, and with what a script needs."""

from __future__ import annotations

import unicodedata

import pytest

from core.platform.text import is_unseen, one_line, paragraphs, strip_unseen

UNSEEN = [
    "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",  # embedding and override
    "\u2066", "\u2067", "\u2068", "\u2069",  # isolates
    "\u200e", "\u200f", "\u061c",  # marks
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad",  # of no width
    "\u2061", "\u2064", "\u206a", "\ufff9", "\u180e", "\u034f", "\u17b4",
    "\ufe00", "\ufe0f", "\U000e0100", "\U000e0041", "\U000e0001",
    "\x07", "\x1b", "\x7f", "\x80", "\x9b",
]  # fmt: skip
SPACES = [" ", "\u00a0", "\u2003", "\u202f", "\u205f", "\u3000", "\t", "\n", "\r", "\u2028",
          "\u115f", "\u3164", "\uffa0", "\u2800"]  # fmt: skip


@pytest.mark.parametrize("letter", UNSEEN, ids=ascii)
def test_what_nobody_sees_makes_no_other_name(letter: str) -> None:
    assert is_unseen(letter)
    for text in (f"김{letter}유저", f"{letter}김유저", f"김유저{letter * 2}", f"김{letter} 유저"):
        assert one_line(text) == text.replace(letter, "")
    assert one_line(letter * 3) == ""
    assert one_line(f" {letter} ") == ""
    assert strip_unseen(f"{letter} a{letter}b \n{letter}") == f"a{letter}b"


@pytest.mark.parametrize("letter", SPACES, ids=ascii)
def test_every_space_is_one_space(letter: str) -> None:
    assert is_unseen(letter)
    assert one_line(f"김{letter}유저") == "김 유저"
    assert one_line(f"{letter}김유저{letter}") == "김유저"
    assert one_line(letter) == paragraphs(letter) == ""


@pytest.mark.parametrize(
    "text",
    [
        "نمی\u200cخواهم",  # Persian: the non-joiner shows
        "क्\u200dष", "क्\u200cष",  # after a virama
        "👩\u200d💻", "👩🏽\u200d💻", "👨\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "🏳\ufe0f\u200d🌈",
        "☕\ufe0f", "1\ufe0f\u20e3",
        "🏴" + "".join(chr(0xE0000 + ord(each)) for each in "gbsct") + "\U000e007f",
        "ᠠ\u180b",  # Mongolian
        "김 유저", "山田　太郎".replace("　", " "), "Zoë", "אבי", "علي", "O'Brien-Łukasz",
    ],
)  # fmt: skip
def test_what_a_script_needs_stays(text: str) -> None:
    assert one_line(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("را\u200cم", "رام"),  # nothing joins there anyway
        ("على\u200c", "على"),
        ("a\u200cb", "ab"),
        ("👩\u200d", "👩"),
        ("👩\u200d\u200d💻", "👩\u200d💻"),
        ("a\u200d💻", "a💻"),
        ("1\ufe0f", "1"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f"),
        ("🏴\U000e0061\U000e007f", "🏴"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u0301", ""),  # a mark without a letter
    ],
)
def test_what_no_script_needs_goes(text: str, seen: str) -> None:
    assert one_line(text) == seen


def test_a_text_to_be_read_keeps_its_lines_and_its_letters() -> None:
    assert paragraphs("  첫 줄\r\n둘째\t줄\r셋째 👩\u200d💻 نمی\u200cخواهم \n") == (
        "첫 줄\n둘째\t줄\n셋째 👩\u200d💻 نمی\u200cخواهم"
    )
    assert paragraphs("\u202e거꾸로\u202c \u2067x\u2069\x1b[2J\x00") == "거꾸로 x[2J"
    assert paragraphs("עברית \u200f(1)") == "עברית \u200f(1)"
    for nothing in ("", "\u200b", "\ufeff \u2060", "\u202e\u202c", "\u3164", "\n\n", "\u0301"):
        assert paragraphs(nothing) == ""
