"""FriendService: whom people have added."""

from __future__ import annotations

import uuid

import grpc
from onegenie.error.v1.reasons import AppReason
from onegenie.friend.v1 import friend_pb2 as pb
from onegenie.friend.v1 import friend_pb2_grpc as pb_grpc

from core.platform.database import Connection
from core.platform.ids import parse_uuid
from core.platform.paging import make_time_token, read_time_token
from core.platform.runtime import Runtime
from core.room.accounts.identity import user
from core.room.friend import sql
from edge.reply.errors import ApiError, FieldViolation, invalid


class FriendService(pb_grpc.FriendServiceServicer):
    """Serves onegenie.friend.v1.FriendService."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._clock = runtime.clock

    async def AddFriend(
        self, request: pb.AddFriendRequest, context: grpc.aio.ServicerContext
    ) -> pb.AddFriendResponse:
        caller = user().id
        async with self._database.begin() as conn:
            target = await _find_user(conn, request.target_id)
            if target == caller:
                raise invalid(FieldViolation("targetId", "must be another user"))
            if not await sql.add(conn, caller, target, self._clock()):
                raise ApiError(AppReason.ALREADY_FRIENDS)
        return pb.AddFriendResponse(message="성공")

    async def RemoveFriend(
        self, request: pb.RemoveFriendRequest, context: grpc.aio.ServicerContext
    ) -> pb.RemoveFriendResponse:
        async with self._database.begin() as conn:
            target = await _find_user(conn, request.target_id)
            if not await sql.remove(conn, user().id, target):
                raise ApiError(AppReason.NOT_A_FRIEND)
        return pb.RemoveFriendResponse(message="성공")

    async def ListFriends(
        self, request: pb.ListFriendsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListFriendsResponse:
        size = request.page_size if request.HasField("page_size") else None
        after = read_time_token(request.page_token, "pageToken")
        # One more than asked for: is there a next page?
        limit = None if size is None else size + 1
        rows = await sql.list_friends(self._database, user().id, after, limit)
        response = pb.ListFriendsResponse(friends=[_friend(row) for row in rows[:size]])
        if size is not None and len(rows) > size:
            last = rows[size - 1]
            response.next_page_token = make_time_token(last.created_at, last.friend_id)
        return response


async def _find_user(conn: Connection, target_id: str) -> uuid.UUID:
    target = parse_uuid(target_id)
    if target is None or not await sql.user_exists(conn, target):
        raise ApiError(AppReason.USER_NOT_FOUND)
    return target


def _friend(row: sql.Friend) -> pb.Friend:
    friend = pb.Friend(
        friend_id=str(row.friend_id),
        name=row.name,
        status=pb.FRIEND_STATUS_FRIEND if row.mutual else pb.FRIEND_STATUS_NORMAL,
    )
    # Only those who have added each other see more than names.
    if row.mutual and row.email is not None:
        friend.email = row.email
    if row.mutual and row.birth is not None:
        friend.birthday = row.birth.isoformat()
    return friend
