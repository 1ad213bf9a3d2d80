"""How people's names are kept and looked for."""

from __future__ import annotations

import unicodedata


def normal_name(name: str) -> str:
    """A name in the one form it is kept in: trimmed, and composed as keyboards write it (NFC)."""
    return unicodedata.normalize("NFC", name.strip())
