"""PutSlides: staff change what a signage shows while nobody is near."""

from __future__ import annotations

from collections.abc import Sequence

from onegenie.store.v1 import store_pb2

from core.shop.catalogue.embedded import EmbeddedStore
from core.shop.catalogue.picture_address import MUST_BE, is_picture_address
from core.shop.catalogue.put_signage import no_signage, parse_uuid
from edge import FieldViolation, invalid


async def put_slides(
    store: EmbeddedStore, signage_id: str, slides: Sequence[store_pb2.Slide]
) -> list[store_pb2.Slide]:
    """Replace all slides of a signage and return them, numbered in their order.

    Raises INVALID_REQUEST, which names the pictures' addresses that are wrong, and NOT_FOUND.
    """
    problems = [
        FieldViolation(f"slides[{index}].image_url", MUST_BE)
        for index, slide in enumerate(slides)
        if slide.image_url and not is_picture_address(slide.image_url)
    ]
    if problems:
        raise invalid(*problems)
    found = parse_uuid(signage_id)
    put = None if found is None else await store.put_slides(found, slides)
    if put is None:
        raise no_signage()
    return put
