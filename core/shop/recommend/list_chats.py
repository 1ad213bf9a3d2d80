"""ListChats: a page of the chats that the caller's key has with a profile."""

from __future__ import annotations

from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.shop.recommend import sql
from core.shop.tenants.sql import Caller
from edge import ApiError


@dataclass(frozen=True, slots=True)
class ListChats:
    """Which chats: `page` from 0, `limit` a page, `order` by age: "asc" or "desc"."""

    profile_id: str
    page: int
    limit: int
    order: str


@dataclass(frozen=True, slots=True)
class ChatPage:
    """The page's chats, and the number of them on all pages."""

    chats: list[sql.ListedChat]
    total: int


async def list_chats(database: Database, caller: Caller, command: ListChats) -> ChatPage:
    """Read a page of chats. Raises NOT_FOUND when the tenant has no such profile."""
    if not await sql.profile_exists(database, caller, command.profile_id):
        raise ApiError(SdkReason.NOT_FOUND, "There is no such profile.")
    total, chats = await sql.list_chats(
        database,
        caller,
        command.profile_id,
        page=command.page,
        limit=command.limit,
        order=command.order,
    )
    return ChatPage(chats, total)
