"""GetChat: a chat with all its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onegenie.error.v1.reasons import SdkReason

from core.platform.database import Database
from core.shop.recommend import sql
from core.shop.recommend.coupon_spots import CouponSpots, Spots
from core.shop.tenants.sql import Caller
from edge import ApiError


@dataclass(frozen=True, slots=True)
class GetChat:
    """Which chat. Ids are well-formed UUIDs."""

    profile_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat's rounds, first to last; there is at least one."""

    rounds: Sequence[sql.ChatRoundRow]
    spots: Spots


async def get_chat(
    database: Database, spots: CouponSpots, caller: Caller, command: GetChat
) -> Chat:
    """Read a chat of the caller's key. Raises NOT_FOUND."""
    rounds = await sql.read_chat(database, caller, command.profile_id, command.chat_id)
    if not rounds:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such chat.")
    return Chat(rounds, await spots.read(caller.tenant_id))
