from google.api import field_behavior_pb2 as _field_behavior_pb2
from onegenie.rest.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchProductsRequest(_message.Message):
    __slots__ = ("queries", "limit")
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    queries: _containers.RepeatedCompositeFieldContainer[ProductQuery]
    limit: int
    def __init__(self, queries: _Optional[_Iterable[_Union[ProductQuery, _Mapping]]] = ..., limit: _Optional[int] = ...) -> None: ...

class ProductQuery(_message.Message):
    __slots__ = ("ko", "en", "ja")
    KO_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    JA_FIELD_NUMBER: _ClassVar[int]
    ko: str
    en: str
    ja: str
    def __init__(self, ko: _Optional[str] = ..., en: _Optional[str] = ..., ja: _Optional[str] = ...) -> None: ...

class SearchProductsResponse(_message.Message):
    __slots__ = ("matches",)
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[ProductMatches]
    def __init__(self, matches: _Optional[_Iterable[_Union[ProductMatches, _Mapping]]] = ...) -> None: ...

class ProductMatches(_message.Message):
    __slots__ = ("products",)
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ...) -> None: ...

class BatchGetProductsRequest(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ids: _Optional[_Iterable[int]] = ...) -> None: ...

class BatchGetProductsResponse(_message.Message):
    __slots__ = ("products",)
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ...) -> None: ...

class ListProductsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    next_page_token: str
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSectionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSectionsResponse(_message.Message):
    __slots__ = ("sections",)
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    sections: _containers.RepeatedCompositeFieldContainer[Section]
    def __init__(self, sections: _Optional[_Iterable[_Union[Section, _Mapping]]] = ...) -> None: ...

class ListCouponSpotsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCouponSpotsResponse(_message.Message):
    __slots__ = ("coupon_spots",)
    COUPON_SPOTS_FIELD_NUMBER: _ClassVar[int]
    coupon_spots: _containers.RepeatedCompositeFieldContainer[CouponSpot]
    def __init__(self, coupon_spots: _Optional[_Iterable[_Union[CouponSpot, _Mapping]]] = ...) -> None: ...

class ListSignageRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSignageResponse(_message.Message):
    __slots__ = ("signage",)
    SIGNAGE_FIELD_NUMBER: _ClassVar[int]
    signage: _containers.RepeatedCompositeFieldContainer[Signage]
    def __init__(self, signage: _Optional[_Iterable[_Union[Signage, _Mapping]]] = ...) -> None: ...

class ListSignageEventsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSignageEventsResponse(_message.Message):
    __slots__ = ("signage_events",)
    SIGNAGE_EVENTS_FIELD_NUMBER: _ClassVar[int]
    signage_events: _containers.RepeatedCompositeFieldContainer[SignageEvent]
    def __init__(self, signage_events: _Optional[_Iterable[_Union[SignageEvent, _Mapping]]] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("id", "name", "name_en", "name_ja", "brand", "barcode", "price", "price_unit", "src_url", "quantity", "section_code", "section_name", "zone_id", "zone_name", "location", "pack_size", "pack_unit", "discount_pct")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    NAME_JA_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    BARCODE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_UNIT_FIELD_NUMBER: _ClassVar[int]
    SRC_URL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SECTION_CODE_FIELD_NUMBER: _ClassVar[int]
    SECTION_NAME_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    ZONE_NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    PACK_SIZE_FIELD_NUMBER: _ClassVar[int]
    PACK_UNIT_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PCT_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    name_en: str
    name_ja: str
    brand: str
    barcode: str
    price: float
    price_unit: str
    src_url: str
    quantity: int
    section_code: str
    section_name: str
    zone_id: int
    zone_name: str
    location: Location
    pack_size: float
    pack_unit: str
    discount_pct: float
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., name_en: _Optional[str] = ..., name_ja: _Optional[str] = ..., brand: _Optional[str] = ..., barcode: _Optional[str] = ..., price: _Optional[float] = ..., price_unit: _Optional[str] = ..., src_url: _Optional[str] = ..., quantity: _Optional[int] = ..., section_code: _Optional[str] = ..., section_name: _Optional[str] = ..., zone_id: _Optional[int] = ..., zone_name: _Optional[str] = ..., location: _Optional[_Union[Location, _Mapping]] = ..., pack_size: _Optional[float] = ..., pack_unit: _Optional[str] = ..., discount_pct: _Optional[float] = ...) -> None: ...

class Section(_message.Message):
    __slots__ = ("code", "name", "zone_id", "zone_name", "location")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    ZONE_NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    zone_id: int
    zone_name: str
    location: Location
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., zone_id: _Optional[int] = ..., zone_name: _Optional[str] = ..., location: _Optional[_Union[Location, _Mapping]] = ...) -> None: ...

class CouponSpot(_message.Message):
    __slots__ = ("spot_no", "discount_value", "location", "product_id", "product", "item_name", "item_name_en")
    SPOT_NO_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_VALUE_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_EN_FIELD_NUMBER: _ClassVar[int]
    spot_no: int
    discount_value: float
    location: Location
    product_id: int
    product: Product
    item_name: str
    item_name_en: str
    def __init__(self, spot_no: _Optional[int] = ..., discount_value: _Optional[float] = ..., location: _Optional[_Union[Location, _Mapping]] = ..., product_id: _Optional[int] = ..., product: _Optional[_Union[Product, _Mapping]] = ..., item_name: _Optional[str] = ..., item_name_en: _Optional[str] = ...) -> None: ...

class Signage(_message.Message):
    __slots__ = ("id", "number", "name", "location", "orientation")
    ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_FIELD_NUMBER: _ClassVar[int]
    id: str
    number: int
    name: str
    location: Location
    orientation: str
    def __init__(self, id: _Optional[str] = ..., number: _Optional[int] = ..., name: _Optional[str] = ..., location: _Optional[_Union[Location, _Mapping]] = ..., orientation: _Optional[str] = ...) -> None: ...

class SignageEvent(_message.Message):
    __slots__ = ("id", "title", "text", "image_url", "enabled")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URL_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    id: int
    title: str
    text: str
    image_url: str
    enabled: bool
    def __init__(self, id: _Optional[int] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., image_url: _Optional[str] = ..., enabled: _Optional[bool] = ...) -> None: ...

class Location(_message.Message):
    __slots__ = ("x", "y", "radius")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    RADIUS_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    radius: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., radius: _Optional[float] = ...) -> None: ...
