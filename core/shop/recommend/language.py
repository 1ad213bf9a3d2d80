"""The language of the answers."""

from __future__ import annotations

from core.shop.meal.models import LANGUAGES, Language


def choose_language(profile_locale: str | None, tenant_locale: str | None) -> Language:
    """Choose the profile's language, else the tenant's, else Korean.

    A locale is a BCP 47 tag; only its language counts, and one we don't speak is passed over.
    """
    for locale in (profile_locale, tenant_locale):
        language = (locale or "").replace("_", "-").split("-")[0].strip().lower()
        for known in LANGUAGES:
            if language == known:
                return known
    return "ko"
