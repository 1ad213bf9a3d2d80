"""ListChats, GetChat and GetRound."""

from __future__ import annotations

from onegenie.error.v1.reasons import SdkReason
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.platform.database import Database
from core.platform.plain import timestamp
from core.shop.recommend import sql
from core.shop.recommend.snapshot import CouponSpots, fill_round
from core.shop.tenants.sql import Caller
from edge.reply.errors import ApiError


async def list_chats(
    database: Database, caller: Caller, profile_id: str, *, page: int, limit: int, order: str
) -> pb.ListChatsResponse:
    """A page of the chats the caller's key has with a profile. Raises NOT_FOUND."""
    if not await sql.profile_exists(database, caller, profile_id):
        raise ApiError(SdkReason.NOT_FOUND, "There is no such profile.")
    total, rows = await sql.list_chats(
        database, caller, profile_id, page=page, limit=limit, order=order
    )
    return pb.ListChatsResponse(
        items=[
            pb.ChatSummary(
                chat_id=str(row.id),
                total_rounds=len(row.round_ids),
                rounds=[
                    pb.RoundReference(round_no=number, round_id=str(round_id))
                    for number, round_id in enumerate(row.round_ids, start=1)
                ],
                created_at=timestamp(row.created_at),
            )
            for row in rows
        ],
        page_info=pb.PageInfo(total=total, page=page, limit=limit, order=order),
    )


async def get_chat(
    database: Database, spots: CouponSpots, caller: Caller, profile_id: str, chat_id: str
) -> pb.GetChatResponse:
    """The chat with all its rounds. Raises NOT_FOUND."""
    rows = await sql.read_chat(database, caller, profile_id, chat_id)
    if not rows:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such chat.")
    shown = await spots.read(caller.tenant_id)
    first = rows[0]
    response = pb.GetChatResponse()
    chat = response.chat
    chat.chat_id = chat_id.lower()
    chat.profile_id = profile_id.lower()
    chat.profile_summary.MergeFrom(
        pb.ProfileSummary(name=first.name, gender=first.gender, age=first.age, locale=first.locale)
    )
    chat.created_at.FromDatetime(first.chat_created_at)
    for row in rows:
        fill_round(chat.rounds.add(), row, shown)
    return response


async def get_round(
    database: Database,
    spots: CouponSpots,
    caller: Caller,
    profile_id: str,
    chat_id: str,
    round_id: str,
) -> pb.GetRoundResponse:
    """One round. Raises NOT_FOUND."""
    row = await sql.read_round(database, caller, profile_id, chat_id, round_id)
    if row is None:
        raise ApiError(SdkReason.NOT_FOUND, "There is no such round.")
    response = pb.GetRoundResponse()
    fill_round(response.round, row, await spots.read(caller.tenant_id))
    return response
