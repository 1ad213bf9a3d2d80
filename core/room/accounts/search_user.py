"""UserService: finding people."""

from __future__ import annotations

import grpc
from onegenie.error.v1.reasons import AppReason
from onegenie.user.v1 import user_pb2 as pb
from onegenie.user.v1 import user_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.room.accounts import sql
from core.room.accounts.names import normal_name
from edge.reply.errors import ApiError


class UserService(pb_grpc.UserServiceServicer):
    """Serves onegenie.user.v1.UserService."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database

    async def SearchUser(
        self, request: pb.SearchUserRequest, context: grpc.aio.ServicerContext
    ) -> pb.SearchUserResponse:
        found = await sql.oldest_of_name(self._database, normal_name(request.name))
        if found is None:
            raise ApiError(AppReason.USER_NOT_FOUND)
        return pb.SearchUserResponse(user_id=str(found.id), user_name=found.name)
