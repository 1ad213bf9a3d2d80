"""How people's names are kept and looked for."""

from __future__ import annotations

from core.platform.text import one_line
from edge import FieldViolation, invalid


def normal_name(name: str, field: str = "name") -> str:
    """Return a name in the one form it is kept in (`one_line`).

    Raises INVALID_ARGUMENT naming `field` for a name of which nothing can be seen.
    """
    if not (normal := one_line(name)):
        raise invalid(FieldViolation(field, "is required"))
    return normal
