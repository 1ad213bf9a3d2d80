"""The language of the answers."""

from __future__ import annotations

from typing import Literal

Language = Literal["ko", "en", "ja"]


def choose_language(profile_locale: str | None, tenant_locale: str | None) -> Language:
    """The profile's language, else the tenant's, else Korean.

    A locale is a BCP 47 tag; only its language counts, and one we don't speak falls through.
    """
    for locale in (profile_locale, tenant_locale):
        language = (locale or "").replace("_", "-").split("-")[0].strip().lower()
        if language == "ko" or language == "en" or language == "ja":
            return language
    return "ko"
