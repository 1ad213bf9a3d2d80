"""FriendService: messages in, use cases, messages out."""

from __future__ import annotations

import uuid

import grpc
from onegenie.error.v1.reasons import AppReason
from onegenie.friend.v1 import friend_pb2 as pb
from onegenie.friend.v1 import friend_pb2_grpc as pb_grpc

from core.platform.ids import parse_uuid
from core.platform.runtime import Runtime
from core.room.accounts.identity import user
from core.room.friend import sql
from core.room.friend.add_friend import add_friend
from core.room.friend.list_friends import ListFriends, list_friends
from core.room.friend.remove_friend import remove_friend
from edge import ApiError


class FriendService(pb_grpc.FriendServiceServicer):
    """Serves onegenie.friend.v1.FriendService."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def AddFriend(
        self, request: pb.AddFriendRequest, context: grpc.aio.ServicerContext
    ) -> pb.AddFriendResponse:
        await add_friend(self._runtime, user(), _user_id(request.target_id))
        return pb.AddFriendResponse(message="성공")

    async def RemoveFriend(
        self, request: pb.RemoveFriendRequest, context: grpc.aio.ServicerContext
    ) -> pb.RemoveFriendResponse:
        await remove_friend(self._runtime.database, user(), _user_id(request.target_id))
        return pb.RemoveFriendResponse(message="성공")

    async def ListFriends(
        self, request: pb.ListFriendsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListFriendsResponse:
        command = ListFriends(
            page_size=request.page_size if request.HasField("page_size") else None,
            page_token=request.page_token,
        )
        page = await list_friends(self._runtime.database, user(), command)
        return pb.ListFriendsResponse(
            friends=map(_friend, page.friends), next_page_token=page.next_page_token
        )


def _user_id(text: str) -> uuid.UUID:
    user_id = parse_uuid(text)
    if user_id is None:
        raise ApiError(AppReason.USER_NOT_FOUND)
    return user_id


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
