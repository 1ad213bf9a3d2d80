import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from onegenie.rest.v1 import annotations_pb2 as _annotations_pb2_1
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RoundStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUND_STATUS_UNSPECIFIED: _ClassVar[RoundStatus]
    ROUND_STATUS_IN_PROGRESS: _ClassVar[RoundStatus]
    ROUND_STATUS_COMPLETED: _ClassVar[RoundStatus]
    ROUND_STATUS_ERROR: _ClassVar[RoundStatus]

class BackListStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACK_LIST_STATUS_UNSPECIFIED: _ClassVar[BackListStatus]
    BACK_LIST_STATUS_NOT_STARTED: _ClassVar[BackListStatus]
    BACK_LIST_STATUS_IN_PROGRESS: _ClassVar[BackListStatus]
    BACK_LIST_STATUS_COMPLETED: _ClassVar[BackListStatus]

class StepState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATE_UNSPECIFIED: _ClassVar[StepState]
    STEP_STATE_PENDING: _ClassVar[StepState]
    STEP_STATE_RUNNING: _ClassVar[StepState]
    STEP_STATE_DONE: _ClassVar[StepState]
ROUND_STATUS_UNSPECIFIED: RoundStatus
ROUND_STATUS_IN_PROGRESS: RoundStatus
ROUND_STATUS_COMPLETED: RoundStatus
ROUND_STATUS_ERROR: RoundStatus
BACK_LIST_STATUS_UNSPECIFIED: BackListStatus
BACK_LIST_STATUS_NOT_STARTED: BackListStatus
BACK_LIST_STATUS_IN_PROGRESS: BackListStatus
BACK_LIST_STATUS_COMPLETED: BackListStatus
STEP_STATE_UNSPECIFIED: StepState
STEP_STATE_PENDING: StepState
STEP_STATE_RUNNING: StepState
STEP_STATE_DONE: StepState

class StartRoundRequest(_message.Message):
    __slots__ = ("profile_id", "chat_id", "prompt")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    chat_id: str
    prompt: str
    def __init__(self, profile_id: _Optional[str] = ..., chat_id: _Optional[str] = ..., prompt: _Optional[str] = ...) -> None: ...

class StartRoundResponse(_message.Message):
    __slots__ = ("chat_id", "round_id")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: str
    round_id: str
    def __init__(self, chat_id: _Optional[str] = ..., round_id: _Optional[str] = ...) -> None: ...

class ListChatsRequest(_message.Message):
    __slots__ = ("profile_id", "page", "limit", "order")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    page: int
    limit: int
    order: str
    def __init__(self, profile_id: _Optional[str] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., order: _Optional[str] = ...) -> None: ...

class ListChatsResponse(_message.Message):
    __slots__ = ("items", "page_info")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_INFO_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ChatSummary]
    page_info: PageInfo
    def __init__(self, items: _Optional[_Iterable[_Union[ChatSummary, _Mapping]]] = ..., page_info: _Optional[_Union[PageInfo, _Mapping]] = ...) -> None: ...

class ChatSummary(_message.Message):
    __slots__ = ("chat_id", "total_rounds", "rounds", "created_at")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    chat_id: str
    total_rounds: int
    rounds: _containers.RepeatedCompositeFieldContainer[RoundReference]
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, chat_id: _Optional[str] = ..., total_rounds: _Optional[int] = ..., rounds: _Optional[_Iterable[_Union[RoundReference, _Mapping]]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RoundReference(_message.Message):
    __slots__ = ("round_no", "round_id")
    ROUND_NO_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    round_no: int
    round_id: str
    def __init__(self, round_no: _Optional[int] = ..., round_id: _Optional[str] = ...) -> None: ...

class PageInfo(_message.Message):
    __slots__ = ("total", "page", "limit", "order")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    total: int
    page: int
    limit: int
    order: str
    def __init__(self, total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., order: _Optional[str] = ...) -> None: ...

class GetChatRequest(_message.Message):
    __slots__ = ("profile_id", "chat_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    chat_id: str
    def __init__(self, profile_id: _Optional[str] = ..., chat_id: _Optional[str] = ...) -> None: ...

class GetChatResponse(_message.Message):
    __slots__ = ("chat",)
    CHAT_FIELD_NUMBER: _ClassVar[int]
    chat: Chat
    def __init__(self, chat: _Optional[_Union[Chat, _Mapping]] = ...) -> None: ...

class GetRoundRequest(_message.Message):
    __slots__ = ("profile_id", "chat_id", "round_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    chat_id: str
    round_id: str
    def __init__(self, profile_id: _Optional[str] = ..., chat_id: _Optional[str] = ..., round_id: _Optional[str] = ...) -> None: ...

class GetRoundResponse(_message.Message):
    __slots__ = ("round",)
    ROUND_FIELD_NUMBER: _ClassVar[int]
    round: Round
    def __init__(self, round: _Optional[_Union[Round, _Mapping]] = ...) -> None: ...

class WatchRoundRequest(_message.Message):
    __slots__ = ("profile_id", "chat_id", "round_id", "after_version")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_VERSION_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    chat_id: str
    round_id: str
    after_version: int
    def __init__(self, profile_id: _Optional[str] = ..., chat_id: _Optional[str] = ..., round_id: _Optional[str] = ..., after_version: _Optional[int] = ...) -> None: ...

class WatchRoundResponse(_message.Message):
    __slots__ = ("version", "event", "round")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    version: int
    event: str
    round: Round
    def __init__(self, version: _Optional[int] = ..., event: _Optional[str] = ..., round: _Optional[_Union[Round, _Mapping]] = ...) -> None: ...

class Chat(_message.Message):
    __slots__ = ("chat_id", "profile_id", "profile_summary", "created_at", "rounds")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    chat_id: str
    profile_id: str
    profile_summary: ProfileSummary
    created_at: _timestamp_pb2.Timestamp
    rounds: _containers.RepeatedCompositeFieldContainer[Round]
    def __init__(self, chat_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., profile_summary: _Optional[_Union[ProfileSummary, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rounds: _Optional[_Iterable[_Union[Round, _Mapping]]] = ...) -> None: ...

class ProfileSummary(_message.Message):
    __slots__ = ("name", "gender", "age", "locale")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GENDER_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    name: str
    gender: str
    age: int
    locale: str
    def __init__(self, name: _Optional[str] = ..., gender: _Optional[str] = ..., age: _Optional[int] = ..., locale: _Optional[str] = ...) -> None: ...

class Round(_message.Message):
    __slots__ = ("round_no", "round_id", "prompt", "created_at", "updated_at", "status", "back_list_status", "pipeline_progress", "todos", "recommended_items", "notifications", "last_error")
    ROUND_NO_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BACK_LIST_STATUS_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TODOS_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    round_no: int
    round_id: str
    prompt: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    status: RoundStatus
    back_list_status: BackListStatus
    pipeline_progress: PipelineProgress
    todos: Todos
    recommended_items: _containers.RepeatedCompositeFieldContainer[RecommendedItem]
    notifications: Notifications
    last_error: str
    def __init__(self, round_no: _Optional[int] = ..., round_id: _Optional[str] = ..., prompt: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[RoundStatus, str]] = ..., back_list_status: _Optional[_Union[BackListStatus, str]] = ..., pipeline_progress: _Optional[_Union[PipelineProgress, _Mapping]] = ..., todos: _Optional[_Union[Todos, _Mapping]] = ..., recommended_items: _Optional[_Iterable[_Union[RecommendedItem, _Mapping]]] = ..., notifications: _Optional[_Union[Notifications, _Mapping]] = ..., last_error: _Optional[str] = ...) -> None: ...

class PipelineProgress(_message.Message):
    __slots__ = ("step1", "step2", "step3", "step4")
    STEP1_FIELD_NUMBER: _ClassVar[int]
    STEP2_FIELD_NUMBER: _ClassVar[int]
    STEP3_FIELD_NUMBER: _ClassVar[int]
    STEP4_FIELD_NUMBER: _ClassVar[int]
    step1: StepState
    step2: StepState
    step3: StepState
    step4: StepState
    def __init__(self, step1: _Optional[_Union[StepState, str]] = ..., step2: _Optional[_Union[StepState, str]] = ..., step3: _Optional[_Union[StepState, str]] = ..., step4: _Optional[_Union[StepState, str]] = ...) -> None: ...

class Todos(_message.Message):
    __slots__ = ("recipe_title", "intro_message", "recipe_description", "recommendation_message", "ingredients", "items", "total")
    RECIPE_TITLE_FIELD_NUMBER: _ClassVar[int]
    INTRO_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RECIPE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    INGREDIENTS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    recipe_title: str
    intro_message: str
    recipe_description: str
    recommendation_message: str
    ingredients: _containers.RepeatedCompositeFieldContainer[Ingredient]
    items: _containers.RepeatedCompositeFieldContainer[TodoItem]
    total: float
    def __init__(self, recipe_title: _Optional[str] = ..., intro_message: _Optional[str] = ..., recipe_description: _Optional[str] = ..., recommendation_message: _Optional[str] = ..., ingredients: _Optional[_Iterable[_Union[Ingredient, _Mapping]]] = ..., items: _Optional[_Iterable[_Union[TodoItem, _Mapping]]] = ..., total: _Optional[float] = ...) -> None: ...

class Ingredient(_message.Message):
    __slots__ = ("name", "category", "quantity", "quantity_unit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_UNIT_FIELD_NUMBER: _ClassVar[int]
    name: IngredientText
    category: str
    quantity: float
    quantity_unit: IngredientText
    def __init__(self, name: _Optional[_Union[IngredientText, _Mapping]] = ..., category: _Optional[str] = ..., quantity: _Optional[float] = ..., quantity_unit: _Optional[_Union[IngredientText, _Mapping]] = ...) -> None: ...

class IngredientText(_message.Message):
    __slots__ = ("ko", "en", "jp")
    KO_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    JP_FIELD_NUMBER: _ClassVar[int]
    ko: str
    en: str
    jp: str
    def __init__(self, ko: _Optional[str] = ..., en: _Optional[str] = ..., jp: _Optional[str] = ...) -> None: ...

class LocalizedText(_message.Message):
    __slots__ = ("ko", "en", "ja")
    KO_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    JA_FIELD_NUMBER: _ClassVar[int]
    ko: str
    en: str
    ja: str
    def __init__(self, ko: _Optional[str] = ..., en: _Optional[str] = ..., ja: _Optional[str] = ...) -> None: ...

class TodoItem(_message.Message):
    __slots__ = ("quantity", "product")
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    quantity: int
    product: Product
    def __init__(self, quantity: _Optional[int] = ..., product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("id", "name", "brand", "barcode", "price", "price_unit", "src_url", "quantity", "section_code", "section_name", "location")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    BARCODE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_UNIT_FIELD_NUMBER: _ClassVar[int]
    SRC_URL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SECTION_CODE_FIELD_NUMBER: _ClassVar[int]
    SECTION_NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    brand: str
    barcode: str
    price: float
    price_unit: str
    src_url: str
    quantity: int
    section_code: str
    section_name: str
    location: Location
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., brand: _Optional[str] = ..., barcode: _Optional[str] = ..., price: _Optional[float] = ..., price_unit: _Optional[str] = ..., src_url: _Optional[str] = ..., quantity: _Optional[int] = ..., section_code: _Optional[str] = ..., section_name: _Optional[str] = ..., location: _Optional[_Union[Location, _Mapping]] = ...) -> None: ...

class Location(_message.Message):
    __slots__ = ("x", "y", "radius")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    RADIUS_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    radius: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., radius: _Optional[float] = ...) -> None: ...

class RecommendedItem(_message.Message):
    __slots__ = ("rec_id", "reason", "reason_detail", "reason_detail_marketing", "product")
    REC_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_MARKETING_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    rec_id: str
    reason: str
    reason_detail: LocalizedText
    reason_detail_marketing: LocalizedText
    product: Product
    def __init__(self, rec_id: _Optional[str] = ..., reason: _Optional[str] = ..., reason_detail: _Optional[_Union[LocalizedText, _Mapping]] = ..., reason_detail_marketing: _Optional[_Union[LocalizedText, _Mapping]] = ..., product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class Notifications(_message.Message):
    __slots__ = ("ad", "coupon", "coupon_spot")
    AD_FIELD_NUMBER: _ClassVar[int]
    COUPON_FIELD_NUMBER: _ClassVar[int]
    COUPON_SPOT_FIELD_NUMBER: _ClassVar[int]
    ad: AdBundle
    coupon: _containers.RepeatedCompositeFieldContainer[CouponItem]
    coupon_spot: _containers.RepeatedCompositeFieldContainer[CouponItem]
    def __init__(self, ad: _Optional[_Union[AdBundle, _Mapping]] = ..., coupon: _Optional[_Iterable[_Union[CouponItem, _Mapping]]] = ..., coupon_spot: _Optional[_Iterable[_Union[CouponItem, _Mapping]]] = ...) -> None: ...

class AdBundle(_message.Message):
    __slots__ = ("signage", "items")
    SIGNAGE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    signage: Location
    items: _containers.RepeatedCompositeFieldContainer[AdItem]
    def __init__(self, signage: _Optional[_Union[Location, _Mapping]] = ..., items: _Optional[_Iterable[_Union[AdItem, _Mapping]]] = ...) -> None: ...

class AdItem(_message.Message):
    __slots__ = ("item_id", "rec_id", "item_name", "item_name_en", "brand", "zone_id", "zone_name", "type", "discount_pct", "applied_score", "priority_score", "method", "reason_type", "reason_detail", "reason_detail_marketing", "rank", "price", "price_unit", "product")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    REC_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_EN_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    ZONE_NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PCT_FIELD_NUMBER: _ClassVar[int]
    APPLIED_SCORE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REASON_TYPE_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_MARKETING_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_UNIT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    item_id: int
    rec_id: str
    item_name: str
    item_name_en: str
    brand: str
    zone_id: int
    zone_name: str
    type: str
    discount_pct: float
    applied_score: float
    priority_score: float
    method: str
    reason_type: str
    reason_detail: LocalizedText
    reason_detail_marketing: LocalizedText
    rank: int
    price: float
    price_unit: str
    product: Product
    def __init__(self, item_id: _Optional[int] = ..., rec_id: _Optional[str] = ..., item_name: _Optional[str] = ..., item_name_en: _Optional[str] = ..., brand: _Optional[str] = ..., zone_id: _Optional[int] = ..., zone_name: _Optional[str] = ..., type: _Optional[str] = ..., discount_pct: _Optional[float] = ..., applied_score: _Optional[float] = ..., priority_score: _Optional[float] = ..., method: _Optional[str] = ..., reason_type: _Optional[str] = ..., reason_detail: _Optional[_Union[LocalizedText, _Mapping]] = ..., reason_detail_marketing: _Optional[_Union[LocalizedText, _Mapping]] = ..., rank: _Optional[int] = ..., price: _Optional[float] = ..., price_unit: _Optional[str] = ..., product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class CouponItem(_message.Message):
    __slots__ = ("item_id", "rec_id", "item_name", "item_name_en", "brand", "zone_id", "zone_name", "type", "discount_pct", "applied_score", "priority_score", "method", "reason_type", "reason_detail", "reason_detail_marketing", "rank", "price", "price_unit", "product", "location")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    REC_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEM_NAME_EN_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    ZONE_NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PCT_FIELD_NUMBER: _ClassVar[int]
    APPLIED_SCORE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REASON_TYPE_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_MARKETING_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_UNIT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    item_id: int
    rec_id: str
    item_name: str
    item_name_en: str
    brand: str
    zone_id: int
    zone_name: str
    type: str
    discount_pct: float
    applied_score: float
    priority_score: float
    method: str
    reason_type: str
    reason_detail: LocalizedText
    reason_detail_marketing: LocalizedText
    rank: int
    price: float
    price_unit: str
    product: Product
    location: Location
    def __init__(self, item_id: _Optional[int] = ..., rec_id: _Optional[str] = ..., item_name: _Optional[str] = ..., item_name_en: _Optional[str] = ..., brand: _Optional[str] = ..., zone_id: _Optional[int] = ..., zone_name: _Optional[str] = ..., type: _Optional[str] = ..., discount_pct: _Optional[float] = ..., applied_score: _Optional[float] = ..., priority_score: _Optional[float] = ..., method: _Optional[str] = ..., reason_type: _Optional[str] = ..., reason_detail: _Optional[_Union[LocalizedText, _Mapping]] = ..., reason_detail_marketing: _Optional[_Union[LocalizedText, _Mapping]] = ..., rank: _Optional[int] = ..., price: _Optional[float] = ..., price_unit: _Optional[str] = ..., product: _Optional[_Union[Product, _Mapping]] = ..., location: _Optional[_Union[Location, _Mapping]] = ...) -> None: ...
