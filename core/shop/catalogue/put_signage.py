"""PutSignage and DeleteSignage: staff change where the screens of their store are.

The signage is the contract's message, as all that the store port speaks: it is the reply as well.
"""

from __future__ import annotations

from uuid import UUID

from onegenie.error.v1.reasons import SdkReason
from onegenie.store.v1 import store_pb2

from core.shop.catalogue.embedded import EmbeddedStore
from edge import ApiError, FieldViolation, invalid


async def put_signage(store: EmbeddedStore, signage: store_pb2.Signage) -> store_pb2.Signage:
    """Add a signage, or replace the one of its id; without one make an id. Return it as stored.

    Raises INVALID_REQUEST, which names the fields that are wrong.
    """
    if problems := _problems(signage):
        raise invalid(*problems)
    return await store.put_signage(UUID(signage.id) if signage.id else None, signage)


async def delete_signage(store: EmbeddedStore, signage_id: str) -> None:
    """Remove a signage with its slides. Raises NOT_FOUND."""
    found = parse_uuid(signage_id)
    if found is None or not await store.delete_signage(found):
        raise no_signage()


def _problems(signage: store_pb2.Signage) -> list[FieldViolation]:
    """List what is wrong with a signage. The contract can't say it: it is a reply as well."""
    checks = {
        "id": ("must be a UUID", not signage.id or parse_uuid(signage.id) is not None),
        "number": ("must be at least 1", signage.number >= 1),
        "name": ("is required", signage.name != ""),
        "location": ("is required", signage.HasField("location")),
        "location.radius": ("must be at least 0", signage.location.radius >= 0),
        "orientation": (
            "must be one of portrait, landscape",
            signage.orientation in ("portrait", "landscape"),
        ),
    }
    return [
        FieldViolation(f"signage.{name}", message)
        for name, (message, right) in checks.items()
        if not right
    ]


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that a text is; None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None


def no_signage() -> ApiError:
    """Make the error of a signage that is not there."""
    return ApiError(SdkReason.NOT_FOUND, "There is no such signage.")
