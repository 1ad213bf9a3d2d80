"""E-mail addresses as people write them, in the one form that accounts have them in."""

from __future__ import annotations

import re
import unicodedata

from core.platform.text import is_unseen, strip_unseen
from edge import FieldViolation, invalid

_EMAIL = re.compile(r"[^@]+@[^@]+\.[^@]+")
# As Korean and Japanese keyboards write them: ＠ and the like, and the Japanese full stop.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: 0x2E, 0xFF61: 0x2E}


def normal_email(text: str) -> str:
    """Return an e-mail address as accounts have it, without judging it.

    It is in lower case, its letters composed (NFC), those of full width as plain ones, without
    what pasting has left around it.
    """
    return unicodedata.normalize("NFC", strip_unseen(text).translate(_FULL_WIDTH).lower())


def parse_email(text: str) -> str:
    """Return an e-mail address in its normal form.

    Raises INVALID_ARGUMENT naming `email` for what is none, and for one with invisible characters.
    """
    email = normal_email(text)
    if not email:
        raise invalid(FieldViolation("email", "is required"))
    # Two accounts whose e-mails look the same would be a trap.
    if any(is_unseen(letter) for letter in email):
        raise invalid(FieldViolation("email", "must not contain spaces or invisible characters"))
    if not _EMAIL.fullmatch(email):
        raise invalid(FieldViolation("email", "must be an e-mail address, for example a@b.kr"))
    return email
