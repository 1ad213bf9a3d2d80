"""PutSignageEvent and DeleteSignageEvent: staff change what their screens promote."""

from __future__ import annotations

from onegenie.error.v1.reasons import SdkReason

from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.catalogue.picture_address import MUST_BE, is_picture_address
from core.shop.catalogue.port import Promotion
from edge import ApiError, FieldViolation, invalid


async def put_promotion(store: EmbeddedStore, promotion: Promotion) -> Promotion:
    """Add a promotion, or replace the one of its id; id 0 makes the next one. Return it as stored.

    Raises INVALID_REQUEST, which names the fields that are wrong.
    """
    problems = []
    if promotion.id < 0:
        problems.append(FieldViolation("signage_event.id", "must be at least 0"))
    if not promotion.title:
        problems.append(FieldViolation("signage_event.title", "is required"))
    if promotion.image_url and not is_picture_address(promotion.image_url):
        problems.append(FieldViolation("signage_event.image_url", MUST_BE))
    if problems:
        raise invalid(*problems)
    return await store.put_promotion(promotion)


async def delete_promotion(store: EmbeddedStore, promotion_id: int) -> None:
    """Remove a promotion. Raises NOT_FOUND."""
    if not await store.delete_promotion(promotion_id):
        raise ApiError(SdkReason.NOT_FOUND, "There is no such signage event.")
