"""ListProducts: the catalogue by the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onegenie.store.v1 import store_pb2

from core.shop.catalogue.embedded import EmbeddedStore
from edge import FieldViolation, invalid

PAGE = 500


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Products by id, and the token of the next page; empty on the last one."""

    products: Sequence[store_pb2.Product]
    next_page_token: str


async def list_products(store: EmbeddedStore, page_size: int, page_token: str) -> ProductPage:
    """Return a page of the catalogue; a page_size of 0 is PAGE.

    Raises INVALID_REQUEST for a page token that was not given out.
    """
    size = page_size or PAGE
    # One more than asked for: is there a next page?
    products = await store.products_after(_after(page_token), size + 1)
    page = products[:size]
    return ProductPage(page, str(page[-1].id) if len(products) > size else "")


def _after(page_token: str) -> int:
    if not page_token:
        return 0
    if page_token.isascii() and page_token.isdigit() and len(page_token) < 19:
        return int(page_token)
    raise invalid(FieldViolation("page_token", "is not the next_page_token of an earlier reply"))
