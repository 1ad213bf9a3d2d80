"""From the store's product to the round's."""

from __future__ import annotations

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

# The fields both messages have; what is unset in the store's stays unset.
_SHARED = (
    "brand",
    "barcode",
    "price",
    "price_unit",
    "src_url",
    "quantity",
    "section_code",
    "section_name",
)


def to_product(product: store_pb2.Product) -> recommend_pb2.Product:
    """Make the product as a round keeps and shows it."""
    shown = recommend_pb2.Product(id=product.id, name=product.name)
    for name in _SHARED:
        if product.HasField(name):  # type: ignore[arg-type]
            setattr(shown, name, getattr(product, name))
    if product.HasField("location"):
        shown.location.CopyFrom(to_location(product.location))
    return shown


def to_location(location: store_pb2.Location) -> recommend_pb2.Location:
    """Make the same place a part of a round."""
    return recommend_pb2.Location(x=location.x, y=location.y, radius=location.radius)


def in_stock(product: store_pb2.Product) -> bool:
    """Tell whether there is any; a store that doesn't count its stock has it."""
    return not product.HasField("quantity") or product.quantity > 0


def describe(
    item: recommend_pb2.AdItem | recommend_pb2.CouponItem, product: store_pb2.Product
) -> None:
    """Give an offer its product, and that product's name, brand and price."""
    item.product.CopyFrom(to_product(product))
    item.item_name = product.name
    if product.HasField("name_en"):
        item.item_name_en = product.name_en
    if product.HasField("brand"):
        item.brand = product.brand
    if product.HasField("price"):
        item.price = product.price
    if product.HasField("price_unit"):
        item.price_unit = product.price_unit
